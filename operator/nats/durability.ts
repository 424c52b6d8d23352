// Does every server of NATS sync each write before it acknowledges it (journal rule J10)? Clients are not told: servers are asked as
// the system account, or over their monitoring ports.
//
//   B1. What cannot be seen is not taken for good: the reason then says that it cannot be told, and how it could. A server that does
//       not answer may be down or cut off, so nothing is known; where nobody said whom to ask, it stays so until somebody does.
//   B2. Each server counts: one that syncs late can be the leader of any stream after an election.

import type { NatsConnection } from '@nats-io/transport-node';
import { isAtLeast, NATS_VERSION_MIN } from '../../runtime/adapters/nats/nats-connection.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import type { Durability } from '../lifecycle/observed.ts';

/** Of what a server says of itself (`/varz`). */
export type ServerReport = {
  readonly server_name: string;
  readonly version: string;
  readonly jetstream?: {
    readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number; readonly store_dir?: string };
    /** Of a cluster only: how many servers keep streams. */
    readonly meta?: { readonly cluster_size?: number };
  };
};

export type ServerSource =
  | { readonly kind: 'none' }
  /** With commas, where there are several servers. */
  | { readonly kind: 'monitor'; readonly urls: string }
  /** As a user of the system account, once it is connected. */
  | { readonly kind: 'system'; readonly connection: Promise<NatsConnection> };

const LOOK_MS = 15_000;
const ANSWER_MS = 3_000;
/** A server that has not answered by then, after others did, is down or cut off. */
const OTHERS_MS = 500;
const SYNC_FIX = 'set `sync_interval: always` in its jetstream block';
/** Where a server puts its streams that is not told where. */
const FORGOTTEN_STORE = '/tmp/nats/jetstream';

/** What there is to say now and then, for all jobs at once. */
export class DurabilityLook {
  readonly #source: ServerSource;
  readonly #clock: Clock;
  #kept: { readonly untilMs: number; readonly found: Promise<Durability> } | null = null;

  constructor(source: ServerSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** As durabilityOf, at most LOOK_MS old. */
  look(): Promise<Durability> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#kept === null || nowMs > this.#kept.untilMs) this.#kept = { untilMs: nowMs + LOOK_MS, found: durabilityOf(this.#source) };
    return this.#kept.found;
  }
}

/** Each reason says what to do. */
export async function durabilityOf(source: ServerSource): Promise<Durability> {
  if (source.kind === 'none')
    return {
      kind: 'degraded',
      reason: `whether NATS syncs each write cannot be told, since no monitoring port of its servers is known; ${SYNC_FIX}, and name it in nats.monitorUrl`,
    };
  if (source.kind === 'monitor') return judge(...(await askMonitors(source.urls)));
  const reports = await askSystem(await within(source.connection, ANSWER_MS));
  return typeof reports === 'string' ? judge([], [reports]) : judge(reports);
}

/** B1, B2. Pure. `silent`: why servers did not answer, one each. */
export function judge(reports: readonly ServerReport[], silent: readonly string[] = []): Durability {
  const keepers = reports.filter(({ jetstream }) => jetstream?.config !== undefined);
  const problems = keepers.flatMap((report) => problemOf(report) ?? []);
  if (problems.length > 0) return { kind: 'degraded', reason: problems.join('; ') };
  if (silent.length > 0) return { kind: 'unknown', reason: `whether NATS syncs each write cannot be told: ${silent.join('; ')}` };
  const expected = Math.max(1, ...keepers.map(({ jetstream }) => jetstream?.meta?.cluster_size ?? 1));
  if (keepers.length >= expected) return { kind: 'durable' };
  const told = `${keepers.length} of ${expected} answered`;
  return { kind: 'unknown', reason: `whether NATS syncs each write cannot be told of all its servers: ${told}` };
}

function problemOf({ server_name: name, version, jetstream }: ServerReport): string | null {
  if (!isAtLeast(version, NATS_VERSION_MIN)) return tooOld(`the NATS server ${name}`, version);
  const { sync_always: always, sync_interval: intervalNs, store_dir: store } = jetstream?.config ?? {};
  if (always !== true) {
    const how = intervalNs === undefined ? 'not at each write' : `every ${intervalNs / 1e9} s only`;
    return `the NATS server ${name} syncs its files ${how}: a power cut loses acknowledged writes; ${SYNC_FIX}`;
  }
  if (store === FORGOTTEN_STORE)
    return `the NATS server ${name} keeps its streams in ${FORGOTTEN_STORE}, which is emptied; set \`store_dir\` in its jetstream block`;
  return null;
}

export function tooOld(server: string, version: string): string {
  return `${server} is ${version}, older than ${NATS_VERSION_MIN}, and can lose acknowledged writes at a power cut; upgrade it`;
}

function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  return Promise.race([promise, new Promise<null>((resolve) => setTimeout(resolve, ms, null).unref())]);
}

async function askMonitors(urls: string): Promise<[reports: readonly ServerReport[], silent: readonly string[]]> {
  const answers = await Promise.all(urls.split(',').map((url) => askMonitor(url.trim())));
  return [answers.filter((answer) => typeof answer !== 'string'), answers.filter((answer) => typeof answer === 'string')];
}

async function askMonitor(url: string): Promise<ServerReport | string> {
  try {
    const answer = await fetch(new URL('/varz', url), { signal: AbortSignal.timeout(ANSWER_MS) });
    return answer.ok ? ((await answer.json()) as ServerReport) : `${url} answers ${answer.status}`;
  } catch (error) {
    return `${url} does not answer (${error instanceof Error ? error.message : String(error)})`;
  }
}

/** All servers hear one question; how many there are is known when the first has answered. */
async function askSystem(connection: NatsConnection | null): Promise<readonly ServerReport[] | string> {
  if (connection === null) return 'the system account is not connected';
  try {
    const answers = await connection.requestMany('$SYS.REQ.SERVER.PING.VARZ', '', {
      strategy: 'stall',
      maxWait: ANSWER_MS,
      stall: OTHERS_MS,
    });
    const reports: ServerReport[] = [];
    for await (const message of answers) {
      if (message instanceof Error) return message.message;
      reports.push(message.json<{ readonly data: ServerReport }>().data);
    }
    return reports.length === 0 ? 'no server answers the system account' : reports;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
