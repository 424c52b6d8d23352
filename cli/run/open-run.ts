// Opening a run: a new one, or the one that stopped before it was complete. Decides before anything is changed.
//
//   O1. One runner per job name: a second one is refused (MR1006) while the first one's mark still moves.
//   O2. An unfinished run is continued when the declaration still fits its state, and refused (MR1007) when not; who asks for it
//       (`freshIfChanged`) has it begun anew then, and is told what does not fit.
//   O3. A replay stays one, at the pace that is asked for now; a run that was begun without a speed takes none later.
//   O4. A finished one, or `fresh`, is removed first: journals, checkpoints, directory.

import { hostname } from 'node:os';
import type { NatsConnection } from '@nats-io/transport-node';
import { openDirectory } from '../../runtime/adapters/nats/directory.ts';
import { ensureJobStreams, removeJob } from '../../runtime/adapters/nats/job-streams.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { systemRandom } from '../../runtime/adapters/node/random.ts';
import { MillraceError } from '../../runtime/base/errors.ts';
import { explainChange } from '../../runtime/plan/fingerprint.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { Directory } from '../../runtime/worker/directory.ts';
import type { JobRecord } from '../../runtime/worker/job-record.ts';

export type OpenRequest = {
  readonly plan: PhysicalPlan;
  readonly record: Pick<JobRecord, 'module' | 'splitCounts' | 'baseDir' | 'outDir' | 'speed' | 'workers'>;
  readonly fresh: boolean;
  readonly freshIfChanged: boolean;
  readonly laneBytesMax: number;
};

export type OpenRun = {
  readonly directory: Directory;
  readonly journal: NatsJournal;
  readonly record: JobRecord;
  readonly isContinued: boolean;
  /** Why an unfinished run was begun anew; empty: it was not, or that was asked for. */
  readonly changes: readonly string[];
  release(): Promise<void>;
};

type Runner = { readonly holder: string; readonly beat: number; readonly sinceMs: number };

const MARK_MS = 1_000;
/** What a person watches moves four times a second. */
const REPORT_MS = 250;
/** A mark that does not move for this long belongs to a runner that is gone. */
const MARK_DEAD_MS = 3_500;

export async function openRun(connection: NatsConnection, request: OpenRequest): Promise<OpenRun> {
  const { plan } = request;
  let directory = await openDirectory(connection, plan.job);
  await refuseSecondRunner(directory, plan.job);
  const before = (await directory.get('job'))?.value as JobRecord | undefined;
  const isFinished = (await directory.get('completed')) !== null;
  const isUnfinished = before !== undefined && !isFinished && !request.fresh;
  const changes = isUnfinished ? changesSince(before, request) : [];
  if (changes.length > 0 && !request.freshIfChanged) throw new MillraceError('MR1007', { job: plan.job, changes });
  const isContinued = isUnfinished && changes.length === 0;
  const journal = new NatsJournal(new Link(connection));
  if (!isContinued && before !== undefined) {
    await removeJob(connection, plan.job);
    directory = await openDirectory(connection, plan.job);
  }
  const release = await mark(directory);
  await ensureJobStreams(connection, plan, { replicas: 1, laneBytesMax: request.laneBytesMax });
  await directory.delete('failure');
  const isReplay = isContinued ? before.isReplay : request.record.speed !== null;
  const asked = { ...request.record, isReplay, speed: isReplay ? request.record.speed : null };
  const fixed = { revision: 1, code: null, restore: null, reportMs: REPORT_MS, importsStreams: false };
  const record = isContinued
    ? { ...before, ...fixed, ...asked, plan: { ...(before.plan as PhysicalPlan), standbyReplicas: plan.standbyReplicas } }
    : { ...fixed, ...asked, plan, fingerprint: plan.fingerprint, runId: systemRandom.id(), startedMs: systemClock.nowMs() };
  await directory.put('job', record);
  return { directory, journal, record, isContinued, changes, release };
}

/** What does not fit the run of before (O2). */
function changesSince(before: JobRecord, { plan, record }: OpenRequest): readonly string[] {
  const changes = before.fingerprint === plan.fingerprint ? [] : explainChange(before.plan as PhysicalPlan, plan);
  if (before.outDir !== record.outDir) changes.push(`its results are in ${before.outDir}, not ${record.outDir}`);
  return changes;
}

async function refuseSecondRunner(directory: Directory, job: string): Promise<void> {
  const first = await directory.get('runner');
  if (first === null) return;
  const deadline = systemClock.monotonicMs() + MARK_DEAD_MS;
  while (systemClock.monotonicMs() < deadline) {
    await systemClock.sleep(MARK_MS / 4);
    const now = await directory.get('runner');
    if (now === null) return;
    if (now.revision === first.revision) continue;
    const { holder, sinceMs } = now.value as Runner;
    throw new MillraceError('MR1006', { job, holder, sinceMs });
  }
}

/** Keeps this runner's mark moving until it is released. */
async function mark(directory: Directory): Promise<() => Promise<void>> {
  const stop = new AbortController();
  const sinceMs = systemClock.nowMs();
  let beat = 0;
  const put = (): Promise<void> =>
    directory.put('runner', { holder: `process ${process.pid} on ${hostname()}`, beat: ++beat, sinceMs } satisfies Runner);
  await put();
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await systemClock.sleep(MARK_MS, stop.signal);
      if (!stop.signal.aborted) await put().catch(() => undefined); // the next beat tries again
    }
  })();
  return async () => {
    stop.abort();
    await loop;
    await directory.delete('runner').catch(() => undefined); // without it the next runner waits for the mark to stand still
  };
}
