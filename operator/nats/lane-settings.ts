// Settings of a job's streams that somebody changed: a journal that forgets by age or count loses fences (journal rule J6).
//
//   S1. Subjects of stages that are gone stay: their records are still there (job-streams.ts, T1).
//   S2. The number of copies is never changed (J11).

import { callApi, type StreamConfig, type StreamInfo } from '../../runtime/adapters/nats/jetstream-api.ts';
import { laneProblems, laneStream, valueOf } from '../../runtime/adapters/nats/lane-stream.ts';
import type { Link } from '../../runtime/adapters/nats/link.ts';
import { STREAM_ROOT, SUBJECT_ROOT } from '../../runtime/plan/plan-names.ts';

type Changed = { readonly stream: string; readonly problems: readonly string[]; readonly mended: StreamConfig };

/** Those of the job's lanes and blobs whose settings would break a rule, a sentence each. Throws MR2102 without an answer. */
export async function changedSettings(link: Link, identity: string): Promise<readonly string[]> {
  return (await changedStreams(link, identity)).map(({ stream, problems }) => `stream ${stream}: ${problems.join(', ')}`);
}

/** Sets them back. Throws MR1012 for what no update can change. */
export async function mendSettings(link: Link, identity: string): Promise<void> {
  for (const { stream, mended } of await changedStreams(link, identity))
    valueOf(stream, await callApi(link, `STREAM.UPDATE.${stream}`, mended));
}

async function changedStreams(link: Link, identity: string): Promise<readonly Changed[]> {
  return (await streamsOf(link, identity)).flatMap((info) => {
    const { name, subjects, max_bytes: bytesMax, num_replicas: replicas } = info.config;
    const wanted = laneStream({ stream: name, subjects: [...subjects], bytesMax }, replicas); // S1, S2
    const problems = laneProblems(info, wanted);
    return problems.length === 0 ? [] : [{ stream: name, problems, mended: { ...info.config, ...wanted } }];
  });
}

async function streamsOf(link: Link, identity: string): Promise<readonly StreamInfo[]> {
  const found: StreamInfo[] = [];
  for (;;) {
    const page = await callApi<{ readonly streams: readonly StreamInfo[] | null; readonly total: number }>(link, 'STREAM.LIST', {
      subject: `${SUBJECT_ROOT}.${identity}.>`,
      offset: found.length,
    });
    const { streams, total } = valueOf(`${STREAM_ROOT}${identity}_*`, page);
    found.push(...(streams ?? []));
    // A stream of a user's with `>` holds the subjects, too.
    if ((streams ?? []).length === 0 || found.length >= total)
      return found.filter(({ config }) => config.name.startsWith(`${STREAM_ROOT}${identity}_`));
  }
}
