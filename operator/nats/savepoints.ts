// Savepoints as the operator takes them: in steps, each of which can be made again.
//
//   sources pause ─▶ what was read flows to its end ─▶ workers store their tasks ─▶ manifest ─▶ all of it into a store of its own
//                                                                                  ─▶ sources go on
//   S0. While a stage of the job takes its bootstrap in nothing is asked of it: it goes on, and the savepoint waits (Q5 of quiescence.ts).
//   S1. Only the last step makes it a savepoint: its store then has the manifest. Before that there is none.
//   S2. Whatever goes wrong, sources go on: at the end, when it takes too long or would for ever, and when the savepoint is deleted meanwhile.
//   S4. How long sources pause is measured by who looks, from when it first saw them pause: another operator began it, perhaps, and its clock
//       may be minutes off.
//   S3. It lies in a stream of its own, so it outlives the job; and in an account that no worker is let into.

import type { NatsConnection } from '@nats-io/transport-node';
import { copyBlobs } from '../../runtime/adapters/nats/copy-blobs.ts';
import { findDirectory } from '../../runtime/adapters/nats/directory.ts';
import { NatsBlobStore } from '../../runtime/adapters/nats/nats-blob-store.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import { getBytes, putBytes } from '../../runtime/journal/blob-bytes.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { Directory } from '../../runtime/worker/directory.ts';
import type { JobRecord, Pause, SavepointManifest, SavepointRequest, SavepointTask } from '../../runtime/worker/job-record.ts';
import { bootstrapUnderWay, neverQuiet, underWay } from '../../runtime/worker/quiescence.ts';
import { imagesOf, makeManifest, manifestBlob, partKeys } from '../../runtime/worker/savepoint.ts';
import type { SavepointProgress } from '../reconcile/nats-side.ts';
import type { WorkerReports } from './worker-reports.ts';

/** A job, and the operator's connection in its account. */
export type SavepointJob = { readonly identity: string; readonly connection: NatsConnection };

export type SavepointParts = SavepointJob & {
  /** In the account that keeps savepoints. */
  readonly savepoints: NatsConnection;
  readonly reports: WorkerReports;
  readonly replicas: 1 | 3;
  readonly clock: Clock;
  readonly pauses: PauseWatch;
};

/** Sources must not stand still for long because of one: what does not come to rest by then is another problem. */
const TAKEN_WITHIN_MS = 60_000;

/** Since when this operator knows of the pause of each job (S4). */
export class PauseWatch {
  readonly #seen = new Map<string, { readonly sign: string; readonly atMs: number }>();

  /** How long it has seen that pause. `nowMs`: monotonic. */
  lastsMs(identity: string, pause: Pause, nowMs: number): number {
    const sign = `${pause.id} ${pause.sinceMs}`;
    const known = this.#seen.get(identity);
    if (known?.sign === sign) return nowMs - known.atMs;
    this.#seen.set(identity, { sign, atMs: nowMs });
    return 0;
  }

  ended(identity: string): void {
    this.#seen.delete(identity);
  }
}

/** The next step of savepoint `<namespace>_<name>`. */
export async function advanceSavepoint(parts: SavepointParts, savepoint: string): Promise<SavepointProgress> {
  const { identity, connection, savepoints, clock, replicas, pauses } = parts;
  const id = idOf(savepoint);
  const own = await NatsBlobStore.open(savepoints, storeOf(savepoint), { replicas });
  const directory = await findDirectory(connection, identity);
  const taken = await manifestIn(own, id);
  if (taken !== null) {
    pauses.ended(identity);
    if (directory !== null) await release(directory, id, taken.tasks.length === 0 ? [] : keysOf(taken));
    return { kind: 'done', manifest: taken, bytes: taken.tasks.reduce((sum, { bytes }) => sum + bytes, 0) };
  }
  const record = (await directory?.get('job'))?.value as JobRecord | undefined;
  if (directory === null || record === undefined) return { kind: 'failed', message: `job ${identity} has no state` };
  const plan = record.plan as PhysicalPlan;
  const pause = (await directory.get('pause'))?.value as Pause | undefined;
  if (pause === undefined) {
    pauses.ended(identity);
    const bootstrap = bootstrapUnderWay(plan, parts.reports.tasks(identity));
    if (bootstrap !== null) return { kind: 'waiting', message: `${bootstrap}; the job goes on, and the savepoint is taken behind it` };
    await directory.put('pause', { id, reason: `savepoint ${id}`, sinceMs: clock.nowMs() } satisfies Pause);
    return { kind: 'working', message: 'sources pause' };
  }
  if (pause.id !== id) return { kind: 'working', message: `waits for ${pause.reason}` };
  const never = neverQuiet(parts.reports.tasks(identity), id);
  if (never !== null) {
    await release(directory, id, partKeys(id, plan));
    return { kind: 'failed', message: `it cannot be taken now: ${never}; sources go on` };
  }
  if (pauses.lastsMs(identity, pause, clock.monotonicMs()) > TAKEN_WITHIN_MS) {
    const reason = underWay(plan, parts.reports.tasks(identity), id) ?? 'not all workers have stored their part';
    await release(directory, id, partKeys(id, plan));
    return { kind: 'failed', message: `it was not taken within ${TAKEN_WITHIN_MS / 1_000} s: ${reason}; sources go on` };
  }
  return collect(parts, { id, directory, record, plan, own });
}

type Collecting = {
  readonly id: string;
  readonly directory: Directory;
  readonly record: JobRecord;
  readonly plan: PhysicalPlan;
  readonly own: NatsBlobStore;
};

async function collect(parts: SavepointParts, collecting: Collecting): Promise<SavepointProgress> {
  const { identity } = parts;
  const { id, directory, record, plan, own } = collecting;
  const request = (await directory.get('savepoint'))?.value as SavepointRequest | undefined;
  if (request?.id !== id) {
    const reason = underWay(plan, parts.reports.tasks(identity), id);
    if (reason !== null) return { kind: 'working', message: `what was read flows to its end: ${reason}` };
    await directory.put('savepoint', { id } satisfies SavepointRequest);
    return { kind: 'working', message: 'workers store their tasks' };
  }
  const keys = partKeys(id, plan);
  const found = await Promise.all(keys.map(async (key) => (await directory.get(key))?.value as SavepointTask | undefined));
  const tasks = found.filter((part) => part !== undefined).filter(({ revision }) => revision === record.revision);
  if (tasks.length < keys.length) return { kind: 'working', message: `${tasks.length} of ${keys.length} tasks are stored` };
  const manifest = makeManifest(id, identity, record, tasks);
  const from = await NatsBlobStore.open(parts.connection, identity, { replicas: parts.replicas });
  await copyBlobs(from, own, imagesOf(manifest));
  await putBytes(own, manifestBlob(id), Buffer.from(JSON.stringify(manifest))); // S1
  for (const { name } of imagesOf(manifest)) await from.delete(name);
  return { kind: 'working', message: 'all tasks are stored' };
}

/** S2. */
async function release(directory: Directory, id: string, keys: readonly string[]): Promise<void> {
  const request = (await directory.get('savepoint'))?.value as SavepointRequest | undefined;
  if (request?.id === id) await directory.delete('savepoint');
  for (const key of keys) if ((await directory.get(key)) !== null) await directory.delete(key);
  const pause = (await directory.get('pause'))?.value as Pause | undefined;
  if (pause?.id === id) await directory.delete('pause');
}

/** Puts what a savepoint keeps into the store of the job that begins with it. */
export async function prepareRestore({ identity, connection }: SavepointJob, savepoints: NatsConnection, savepoint: string): Promise<void> {
  const id = idOf(savepoint);
  const own = await NatsBlobStore.open(savepoints, storeOf(savepoint));
  const manifest = await manifestIn(own, id);
  if (manifest === null) throw new Error(`savepoint ${savepoint} is Completed, so its store has a manifest`);
  const store = await NatsBlobStore.open(connection, identity);
  await copyBlobs(own, store, imagesOf(manifest));
  await putBytes(store, manifestBlob(id), Buffer.from(JSON.stringify(manifest)));
}

/** Removes what it keeps; and lets the job's sources go on if it was being taken. */
export async function removeSavepoint(
  { identity, connection }: SavepointJob,
  savepoints: NatsConnection,
  savepoint: string,
): Promise<void> {
  const directory = await findDirectory(connection, identity);
  const id = idOf(savepoint);
  if (directory !== null) await release(directory, id, await openKeys(directory, id));
  await NatsBlobStore.remove(savepoints, storeOf(savepoint));
}

async function openKeys(directory: Directory, id: string): Promise<readonly string[]> {
  const record = (await directory.get('job'))?.value as JobRecord | undefined;
  return record === undefined ? [] : partKeys(id, record.plan as PhysicalPlan);
}

async function manifestIn(store: NatsBlobStore, id: string): Promise<SavepointManifest | null> {
  const bytes = await getBytes(store, manifestBlob(id), null);
  return bytes === null ? null : (JSON.parse(Buffer.from(bytes).toString('utf8')) as SavepointManifest);
}

function keysOf({ id, plan }: SavepointManifest): readonly string[] {
  return partKeys(id, plan as PhysicalPlan);
}

/** `<namespace>_<name>` → name: names of Kubernetes have no `_`. */
function idOf(savepoint: string): string {
  return savepoint.slice(savepoint.indexOf('_') + 1);
}

/** No job is called so: a part behind its identity is a stage's, and stages have no `_` behind them. */
function storeOf(savepoint: string): string {
  return `${savepoint}_savepoint`;
}
