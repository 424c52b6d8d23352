// `ask`: how one key of a running job stands, from the worker that owns it. What `millrace ask` is, for programs.

import type { NatsConnection } from '@nats-io/transport-node';
import { findDirectory, openBus } from '../adapters/nats/directory.ts';
import { connectNats } from '../adapters/nats/nats-connection.ts';
import { systemClock } from '../adapters/node/clock.ts';
import { systemRandom } from '../adapters/node/random.ts';
import { isDuration, parseDuration } from '../base/duration.ts';
import { MillraceError } from '../base/errors.ts';
import { encodeKey } from '../event/key.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';
import type { JobRecord } from '../worker/job-record.ts';
import { matchCountsOf, statesOf } from './active-states.ts';
import { askOwner, type AskParts, type OwnerAnswer } from './ask-owner.ts';

/** A key as `keyBy` computes it: a text, a number, a list or a record of those. */
export type AskedKey = string | number | bigint | boolean | null | readonly AskedKey[] | { readonly [name: string]: AskedKey };

/** Where the job's NATS is. A connection stays the caller's, to close or to go on with. */
export type AskedServer =
  | NatsConnection
  | {
      /** `nats://[user:password@]host:port`, several with commas. */
      readonly url: string;
      /** Path of a credentials file; on a cluster those of an admin of the job. */
      readonly credentials?: string;
      /** Where answers may come in, when the credentials say so. */
      readonly inboxPrefix?: string;
    };

export type AskOptions = {
  readonly nats: AskedServer;
  /** Its name; on a cluster `namespace/name`. */
  readonly job: string;
  /** Name of the stage, or of its node in `millrace plan`. */
  readonly transform: string;
  /** Read-your-writes: no older than this message of a source's stream, whose sequence JetStream tells its publisher. */
  readonly atLeast?: { readonly subject: string; readonly sequence: number };
  /** How long it may take: until `atLeast` is taken in, and then until the owner answers. A duration such as `10s`, which it is unless said. */
  readonly timeout?: string;
};

/** How a key stands: read between two steps of its owner. */
export type KeyState<State = unknown> = {
  readonly job: string;
  readonly transform: string;
  readonly partition: number;
  /** Who answered, as what: an owner from before has a smaller epoch. */
  readonly worker: string;
  readonly epoch: number;
  /** Event time of the partition, ms since the epoch; null: none yet. */
  readonly watermarkMs: number | null;
  /** False: nothing is kept of this key, and nothing waits for it. */
  readonly isKnown: boolean;
  /** A reducer's state; of a machine's actor `{ value, context }`; undefined: none, or longer than is told (`cells` shows its beginning).
   *  Integers of more than 53 bits and numbers that JSON lacks are texts. */
  readonly value: State | undefined;
  /** Active states, those that hold others too: of a machine's actor, of all partial matches of a pattern; else null. */
  readonly states: readonly string[] | null;
  /** Of a pattern: its state → partial matches of the key in it. */
  readonly partialMatches?: Readonly<Record<string, number>>;
  /** All that is kept of the key, as JSON texts, each cut at 16,384 characters. A window's is by its end, a reducer's own cells by number. */
  readonly cells: readonly { readonly namespace: number; readonly text: string; readonly isCut: boolean }[];
  /** The earliest 64. `text`: JSON, cut at 2,048 characters. */
  readonly timers: readonly { readonly id: string; readonly atMs: number; readonly text: string; readonly isCut: boolean }[];
};

const TIMEOUT = '10s';

/** Asks the worker that owns `key` for its live state. Changes nothing, costs the job one look between two steps, and one read of the
 *  job's record. Goes on asking while the partition moves.
 *
 *  Throws MillraceError: MR1030 no such job, MR1031 no such transform, MR1032 no key, MR1033 nobody owns it now, MR1034 `atLeast` was not
 *  taken in within the timeout (no older answer is given), MR1035 no source that leads there reads that subject, MR1036 a transform of a source's or
 *  a sink's stage, MR1003 no server. */
export async function ask<State = unknown>(key: AskedKey, options: AskOptions): Promise<KeyState<State>> {
  const { job, transform, atLeast = null, timeout = TIMEOUT } = options;
  if (!isDuration(timeout)) throw new TypeError(`ask: timeout must be a duration such as 10s, not ${JSON.stringify(timeout)}`);
  const encoded = keyOf(key);
  const waitMs = parseDuration(timeout);
  return withConnection(options, async (connection) => {
    const parts = await partsOf(connection, job);
    refuseWithoutKeys(parts, transform);
    const told = await askOwner({ node: transform, key: encoded, atLeast, waitMs, silentMs: waitMs }, parts);
    return keyStateOf<State>(job, transform, told);
  });
}

function keyOf(key: AskedKey): string {
  const problem = keyProblem(key);
  if (problem !== null) throw new MillraceError('MR1032', { problem });
  return encodeKey(key);
}

/** What types do not see; another key would be asked for in its place. */
function keyProblem(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${value} is no number of a key`;
  if (typeof value === 'object' && value !== null)
    return (
      Object.values(value)
        .map(keyProblem)
        .find((problem) => problem !== null) ?? null
    );
  return ['string', 'bigint', 'boolean'].includes(typeof value) || value === null ? null : `${typeof value} is no key`;
}

async function withConnection<T>({ nats, job }: AskOptions, use: (connection: NatsConnection) => Promise<T>): Promise<T> {
  if (!('url' in nats)) return use(nats);
  const { url, credentials, inboxPrefix } = nats;
  const connection = await connectNats({ url, name: `millrace ask ${job}`, credentials, inboxPrefix });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

async function partsOf(connection: NatsConnection, job: string): Promise<AskParts> {
  const identity = job.replace('/', '_');
  const record = (await (await findDirectory(connection, identity))?.get('job'))?.value as JobRecord | undefined;
  if (record === undefined) throw new MillraceError('MR1030', { job });
  return {
    job,
    plan: record.plan as PhysicalPlan,
    bus: openBus(connection, identity),
    newId: () => systemRandom.id(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  };
}

/** Partitions of a source are its splits, and those of a sink have what they write: none has a key. */
function refuseWithoutKeys({ job, plan }: AskParts, transform: string): void {
  const kind = plan.stages.find(({ nodes }) => nodes.some(({ id }) => id === transform))?.kind ?? 'keyed';
  if (kind === 'keyed') return;
  const keyed = plan.stages.flatMap((stage) => (stage.kind === 'keyed' ? stage.nodes.map(({ id }) => id) : []));
  throw new MillraceError('MR1036', { job, transform, kind, keyed });
}

function keyStateOf<State>(job: string, transform: string, { stage, partition, answer }: OwnerAnswer): KeyState<State> {
  const { worker, epoch, watermarkMs, cells, timers } = answer;
  const own = cells.find(({ namespace }) => namespace === 0)?.value;
  const counts = matchCountsOf(stage, transform, answer);
  return {
    job,
    transform,
    partition,
    worker,
    epoch,
    watermarkMs,
    isKnown: cells.length > 0 || timers.length > 0,
    value: own === undefined || own.isCut ? undefined : (JSON.parse(own.text) as State),
    states: statesOf(stage, transform, answer),
    ...(counts === null ? {} : { partialMatches: counts }),
    cells: cells.map(({ namespace, value }) => ({ namespace, ...value })),
    timers: timers.map(({ id, atMs, value }) => ({ id, atMs, ...value })),
  };
}
