// A load whose results prove that nothing was lost, doubled or swapped.
//
// Events { key, n } go into a stream, n counting up by one per key. The job has one actor per key that counts what it sees and
// emits { key, n, seen }. Then for each key the results are, in order: n = 0, 1, 2, …, and seen = n + 1.

import { setTimeout as sleep } from 'node:timers/promises';
import { apply } from './programs.ts';
import type { ClusterNats } from './nats.ts';

export type Load = {
  readonly name: string;
  readonly keys: number;
  readonly perSecond: number;
  /** Events a message, as lines; 1 when absent. */ readonly lines?: number;
};

/** The StreamJob of a load. `change` edits its spec. */
export function loadJob(namespace: string, name: string, change: (spec: Record<string, unknown>) => void = () => undefined): object {
  const spec: Record<string, unknown> = {
    partitions: 4,
    sources: [{ name: 'load', nats: { subjects: [`load.${name}`], stream: `load-${name}` }, schema: { key: 'string', n: 'int' } }],
    stages: [
      {
        name: 'seen',
        from: 'load',
        keyBy: 'event.key',
        machine: {
          eventType: "'event'",
          context: { seen: 0 },
          initial: 'counting',
          states: {
            counting: {
              on: {
                event: {
                  actions: [
                    { assign: { seen: 'context.seen + 1' } },
                    { emit: { output: 'counted', value: { key: 'key', n: 'event.n', seen: 'context.seen' } } },
                  ],
                },
              },
            },
          },
        },
      },
      { name: 'marked', from: 'seen.counted', map: { key: 'event.key', n: 'event.n', seen: 'event.seen', mark: "'a'" } },
    ],
    sinks: [{ name: 'out', from: 'marked', nats: { subject: `out.${name}`, stream: `out-${name}`, batch: 100 } }],
  };
  change(spec);
  return { apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name, namespace }, spec };
}

export async function applyLoadJob(...args: Parameters<typeof loadJob>): Promise<void> {
  await apply(JSON.stringify(loadJob(...args)));
}

/** Makes the stream of the events, without anything of an earlier test. Sinks' streams are made by the operator. */
export async function makeLoadStream({ jsm }: ClusterNats, name: string, copies = 1): Promise<void> {
  for (const stream of [`load-${name}`, `out-${name}`]) await jsm.streams.delete(stream).catch(() => false);
  await jsm.streams.add({ name: `load-${name}`, subjects: [`load.${name}`], storage: 'file' as never, num_replicas: copies });
}

/** A server that dies with an event in hand answers never: who waits for long, waits for nothing. */
const ANSWER_MS = 5_000;
/** Less than NATS remembers an id for (2 min). */
const GIVE_UP_MS = 100_000;

/** Sends events until it is stopped; each is acknowledged by NATS before it counts as sent. */
export class Sender {
  readonly #nats: ClusterNats;
  #load: Load;
  readonly #next = new Map<string, number>();
  #running: Promise<void> | null = null;
  #pace = { sinceMs: 0, sent: 0 };
  #stopped = false;
  #refused = '';
  sent = 0;

  constructor(nats: ClusterNats, load: Load) {
    this.#nats = nats;
    this.#load = load;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Another pace from now on. */
  change(perSecond: number): void {
    this.#load = { ...this.#load, perSecond };
    this.#pace = { sinceMs: performance.now(), sent: this.sent };
  }

  /** What it is refused with at present; empty: nothing. */
  get trouble(): string {
    return this.#refused && `events are not taken: ${this.#refused}`;
  }

  /** How many events each key got. */
  counts(): ReadonlyMap<string, number> {
    return this.#next;
  }

  async #run(): Promise<void> {
    this.#pace = { sinceMs: performance.now(), sent: this.sent };
    while (!this.#stopped) {
      const { sinceMs, sent } = this.#pace;
      const due = Math.floor(((performance.now() - sinceMs) / 1000) * this.#load.perSecond) - (this.sent - sent);
      if (due > 0) await this.send(Math.min(due, 200));
      else await sleep(10);
    }
  }

  /** Events in order; an event without an answer is sent again under the same id, which NATS stores once. */
  async send(count: number): Promise<void> {
    const { keys, name, lines = 1 } = this.#load;
    const events = Array.from({ length: count }, (_, i) => {
      const key = `k${(this.sent + i) % keys}`;
      const n = this.#next.get(key) ?? 0;
      this.#next.set(key, n + 1);
      return { key, n };
    });
    for (let i = 0; i < count; i += lines) await this.#publish(name, events.slice(i, i + lines));
    this.sent += count;
  }

  async #publish(name: string, events: readonly { readonly key: string; readonly n: number }[]): Promise<void> {
    const text = events.map((event) => JSON.stringify(event)).join('\n');
    const msgID = `${events[0]?.key}-${events[0]?.n}`;
    const sinceMs = performance.now();
    for (let tries = 1; ; tries++) {
      try {
        await this.#nats.js.publish(`load.${name}`, text, { msgID, timeout: ANSWER_MS });
        this.#refused = '';
        return;
      } catch (error) {
        const ms = performance.now() - sinceMs;
        this.#refused = `${msgID} ${tries} times in ${Math.round(ms / 1000)} s, with "${String(error)}"`;
        if (ms > GIVE_UP_MS) throw new Error(this.trouble, { cause: error });
        await sleep(500);
      }
    }
  }
}

export type Result = { readonly key: string; readonly n: number; readonly seen: number; readonly mark: string };

/** All results so far, in the order of their stream. */
export async function resultsOf({ js, jsm }: ClusterNats, name: string): Promise<readonly Result[]> {
  const { state } = await jsm.streams.info(`out-${name}`);
  const results: Result[] = [];
  if (state.messages === 0) return results;
  const consumer = await js.consumers.get(`out-${name}`, { inactive_threshold: 60_000 });
  const messages = await consumer.consume({ max_messages: 500 });
  for await (const message of messages) {
    for (const line of message.string().split('\n')) if (line !== '') results.push(JSON.parse(line) as Result);
    if (message.seq >= state.last_seq) break;
  }
  await consumer.delete();
  return results;
}

/** Waits until as many results as events are there, then says what is wrong with them; empty: nothing. */
export async function problemsOf(
  nats: ClusterNats,
  name: string,
  sent: ReadonlyMap<string, number>,
  timeoutMs = 150_000,
): Promise<readonly string[]> {
  const total = [...sent.values()].reduce((sum, count) => sum + count, 0);
  const endMs = performance.now() + timeoutMs;
  let results: readonly Result[] = [];
  while (results.length < total && performance.now() < endMs) {
    results = await resultsOf(nats, name).catch(() => results); // a server may be away for a moment
    if (results.length < total) await sleep(500);
  }
  return judge(results, sent);
}

/** What is wrong with them; empty: nothing. */
export function judge(results: readonly Result[], sent: ReadonlyMap<string, number>): readonly string[] {
  const problems: string[] = [];
  const next = new Map<string, number>();
  for (const { key, n, seen } of results) {
    const wanted = next.get(key) ?? 0;
    if (n !== wanted) problems.push(`${key}: n ${n} came where ${wanted} was due`);
    if (seen !== n + 1) problems.push(`${key}: its actor had seen ${seen} events at n ${n}`);
    next.set(key, n + 1);
  }
  for (const [key, count] of sent)
    if ((next.get(key) ?? 0) !== count) problems.push(`${key}: ${next.get(key) ?? 0} results of ${count} events`);
  return problems.slice(0, 10);
}

/** The longest times between two results that were stored: of all together, of the key that waited longest, and of the key in the middle, which did
 *  not move if most partitions stayed. Of those only that were stored since a time of the machine's clock. */
export async function gapsOf({ js, jsm }: ClusterNats, name: string, sinceMs = 0): Promise<string> {
  const { state } = await jsm.streams.info(`out-${name}`);
  const consumer = await js.consumers.get(`out-${name}`, { inactive_threshold: 60_000 });
  let [last, longest] = [sinceMs, 0];
  const keys = new Map<string, { lastMs: number; longestMs: number }>();
  for await (const message of await consumer.consume({ max_messages: 500 })) {
    const atMs = message.info.timestampNanos / 1e6;
    if (last > 0) longest = Math.max(longest, atMs - last);
    last = Math.max(last, atMs);
    for (const line of message
      .string()
      .split('\n')
      .filter((text) => text !== '' && atMs >= sinceMs)) {
      const { key } = JSON.parse(line) as Result;
      const before = keys.get(key);
      keys.set(key, { lastMs: atMs, longestMs: Math.max(before?.longestMs ?? 0, atMs - (before?.lastMs ?? atMs)) });
    }
    if (message.seq >= state.last_seq) break;
  }
  await consumer.delete();
  const ofKeys = [...keys.values()].map(({ longestMs }) => longestMs).sort((a, b) => a - b);
  const [middle = NaN, most = NaN] = [ofKeys[Math.floor(ofKeys.length / 2)], ofKeys.at(-1)];
  return `longest gap between results ${Math.round(longest)} ms; of one key ${Math.round(most)} ms, of the key in the middle ${Math.round(middle)} ms`;
}
