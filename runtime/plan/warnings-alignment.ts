// Alignment that does nothing, or may stop a job for good.

import type { Issue } from '../base/issues.ts';
import { formatPath } from '../base/path.ts';
import type { JobGraph } from './job-graph.ts';
import { groupOf } from './rules-alignment.ts';

export function warnAlignment(graph: JobGraph): readonly Issue[] {
  const sources = graph.elements.filter((element) => element.kind === 'source');
  return sources.flatMap((source): readonly Issue[] => {
    const { spec, name } = source;
    const group = groupOf(source);
    if (group === null) return [];
    const path = formatPath([...source.path, 'alignment']);
    const peers = sources.filter((other) => groupOf(other) === group);
    if (peers.reduce((splits, peer) => splits + (peer.spec.nats?.subjects.length ?? 1), 0) === 1)
      return [
        {
          path,
          message: `source "${name}" has one split, and no other source is in its group`,
          fix: 'name a group that others are in, or remove it',
        },
      ];
    if (spec.nats === undefined || spec.nats.bounded || spec.idle !== undefined) return [];
    return [
      {
        path,
        message: `a subject of source "${name}" to which nothing is published holds up all others of the group`,
        fix: 'add idle to it',
      },
    ];
  });
}
