// What is allowed, but most likely not meant.

import type { StreamJob } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath } from '../base/path.ts';
import { FAILED, INVALID, OTHER, allReferences, outputsOf, type Element, type JobGraph } from './job-graph.ts';
import { warnAlignment } from './warnings-alignment.ts';
import { warnForeignKeys } from './warnings-foreign-key.ts';
import { warnMachines } from './warnings-machine.ts';
import { warnRetention } from './warnings-retention.ts';
import { subjectsOverlap } from './subject.ts';

export function warnGraph(job: StreamJob, graph: JobGraph): readonly Issue[] {
  return [
    ...warnUnused(graph),
    ...warnNoSink(job),
    ...warnFeedback(job),
    ...warnAlignment(graph),
    ...warnForeignKeys(graph),
    ...warnMachines(graph),
    ...warnRetention(graph),
  ];
}

function warnUnused(graph: JobGraph): readonly Issue[] {
  const read = new Set<string>();
  for (const { name, text } of allReferences(graph)) read.add(name).add(text);
  for (const { spec } of graph.stages)
    for (const name of [...(spec.enrich ?? []).map(({ table }) => table), ...(spec.tables ?? [])]) read.add(name);
  return graph.elements.flatMap((element) => (element.kind === 'sink' ? [] : warnElement(element, read)));
}

function warnElement(element: Element, read: ReadonlySet<string>): readonly Issue[] {
  const path = formatPath(element.path);
  const what = `${element.kind} "${element.name}"`;
  if (!read.has(element.name))
    return [
      {
        path,
        message: `nothing reads ${what}`,
        fix: element.kind === 'table' ? 'remove it, or use it in enrich' : 'give it a sink, or remove it',
      },
    ];
  const { named } = outputsOf(element);
  // Late and invalid events and those without an answer become dead letters by themselves, what no branch takes is filtered; what a machine emits into the void is a mistake more often.
  return (named ?? [])
    .filter((output) => output !== 'late' && output !== ownEnd(element) && !read.has(`${element.name}.${output}`))
    .map((output) => ({ path, message: `nothing reads the output "${element.name}.${output}"`, fix: 'give it a sink' }));
}

function warnNoSink(job: StreamJob): readonly Issue[] {
  return job.spec.sinks.length > 0
    ? []
    : [
        {
          path: formatPath(['spec', 'sinks']),
          message: 'the job has no sink: its results go nowhere',
          fix: 'add one with file, nats or journal',
        },
      ];
}

function warnFeedback(job: StreamJob): readonly Issue[] {
  return job.spec.sinks.flatMap(({ nats }, i) => {
    const source = job.spec.sources.find(
      (each) => nats !== undefined && each.nats?.subjects.some((subject) => subjectsOverlap(subject, nats.subject)),
    );
    if (source === undefined || nats === undefined) return [];
    return [
      {
        path: formatPath(['spec', 'sinks', i, 'nats', 'subject']),
        message: `source "${source.name}" of this job reads "${nats.subject}" too: results come back as events`,
        fix: 'take another subject, unless the circle is meant',
      },
    ];
  });
}

/** The output whose events have an end of their own when nothing reads it. */
function ownEnd(element: Element): string | null {
  if (element.kind !== 'stage') return null;
  if (element.spec.branch !== undefined) return OTHER;
  if (element.spec.validate !== undefined) return INVALID;
  return element.spec.lookup === undefined ? null : FAILED;
}
