// The directory of a job in a NATS KV bucket, and its bus on core NATS.
//
// Read and written by plain requests, watched by our own gapless reader: a worker then needs the right to publish keys and
// to make a pull consumer on this one stream, nothing else of JetStream.
//   D3. A get is answered by the stream's leader: what was written is read.
//   D4. Without an answer nothing is known and nothing is sent again: MR2102, and the caller decides.

import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { isError, MillraceError } from '../../base/errors.ts';
import type { StoredRecord } from '../../journal/journal.ts';
import type { Bus, Directory, Entry } from '../../worker/directory.ts';
import { DirectoryWatch, toEntry, type OnChange } from './directory-watch.ts';
import { directoryCreated, directoryStream, ensureDirectory, keySubject, removeDirectory } from './kv-stream.ts';
import { Link } from './link.ts';
import { appendResult, NatsJournal } from './nats-journal.ts';

export type DirectoryOptions = { readonly replicas?: number };

const ANSWER_MS = 5_000;
const EXPECTED_HEADER = 'Nats-Expected-Last-Subject-Sequence';
const OPERATION_HEADER = 'KV-Operation';
const LOOK_MS = 500;
/** The server says at once that nobody listens; who listens says nothing. */
const HEARD_MS = 100;
/** Behind a break all connections are made anew, one sooner than another. */
const SETTLED_MS = 2_000;
/** What lasts is told again this often. */
const TELL_AGAIN_MS = 30_000;

/** The job's directory, made when it is not there. */
export async function openDirectory(connection: NatsConnection, job: string, { replicas = 1 }: DirectoryOptions = {}): Promise<Directory> {
  const link = Link.of(connection);
  await ensureDirectory(link, job, replicas);
  return new KvDirectory(link, job);
}

/** The job's directory as it is read from outside; null when there is none. */
export async function findDirectory(connection: NatsConnection, job: string): Promise<Directory | null> {
  const link = Link.of(connection);
  return (await directoryCreated(link, job)) === null ? null : new KvDirectory(link, job);
}

export type Waiting = {
  readonly signal: AbortSignal;
  /** Called when it is not there, or nobody answers: at first, and now and then while it lasts. */
  readonly onWait: (problem: string) => void;
};

/** The job's directory as soon as it is there, made by nobody here. Null when the signal aborted. */
export async function attachDirectory(connection: NatsConnection, job: string, { signal, onWait }: Waiting): Promise<Directory | null> {
  const link = Link.of(connection);
  for (let toldMs = -Infinity; !signal.aborted;) {
    try {
      if ((await directoryCreated(link, job)) !== null) return new KvDirectory(link, job);
      toldMs = tell(`the directory of job ${job} is not there yet`, toldMs, onWait);
    } catch (error) {
      if (!isError(error, 'MR2102')) throw error;
      toldMs = tell(error.message, toldMs, onWait);
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return null;
}

/** Removes the bucket with all in it; nothing when there is none. */
export async function deleteDirectory(connection: NatsConnection, job: string): Promise<void> {
  await removeDirectory(Link.of(connection), job);
}

class KvDirectory implements Directory {
  readonly #link: Link;
  readonly #job: string;
  readonly #journal: NatsJournal;

  constructor(link: Link, job: string) {
    this.#link = link;
    this.#job = job;
    this.#journal = new NatsJournal(link);
  }

  async get(key: string): Promise<Entry | null> {
    const last = await this.#last(key);
    return last === null ? null : toEntry(last.sequence, last.bytes);
  }

  async put(key: string, value: unknown): Promise<void> {
    await this.#store(key, JSON.stringify(value), {});
  }

  async update(key: string, value: unknown, revision: number): Promise<number | null> {
    const body = JSON.stringify(value);
    const stored = await this.#store(key, body, { [EXPECTED_HEADER]: String(revision) });
    if (stored !== null || revision !== 0) return stored;
    // The key may have been deleted: what is last then is its deletion, and takes the place of "none".
    const last = await this.#last(key);
    if (last === null || last.bytes.length > 0) return null;
    return this.#store(key, body, { [EXPECTED_HEADER]: String(last.sequence) });
  }

  async delete(key: string): Promise<void> {
    await this.#store(key, '', { [OPERATION_HEADER]: 'DEL' });
  }

  watch(onChange: OnChange): Promise<() => Promise<void>> {
    const watch = new DirectoryWatch(this.#link, this.#job, onChange);
    watch.start();
    return Promise.resolve(() => watch.stop());
  }

  #last(key: string): Promise<StoredRecord | null> {
    return this.#journal.last(directoryStream(this.#job), keySubject(this.#job, key));
  }

  /** The sequence that it has now; null when it is refused. */
  async #store(key: string, body: string, headers: Readonly<Record<string, string>>): Promise<number | null> {
    const result = appendResult(await this.#link.request(keySubject(this.#job, key), body, { timeoutMs: ANSWER_MS, headers }));
    if (result.kind === 'stored') return result.sequence;
    if (result.kind === 'refused') return null;
    throw new MillraceError('MR2102', {
      stream: directoryStream(this.#job),
      problem: result.kind === 'in-flight' ? 'another write of the key is under way' : result.reason,
    });
  }
}

/** Figures that may be lost, on `mr.<job>.bus.<topic>`. */
export function openBus(connection: NatsConnection, job: string): Bus {
  const subject = (topic: string): string => `mr.${job}.bus.${topic}`;
  const link = Link.of(connection);
  let upSinceMs = -Infinity;
  link.listen((up) => (upSinceMs = up ? performance.now() : Infinity));
  return {
    isHeard: async (topic) => {
      const { kind } = await link.request(subject(topic), '', { timeoutMs: HEARD_MS });
      if (kind === 'nobody') return performance.now() - upSinceMs < SETTLED_MS ? null : false;
      return kind === 'message' ? true : null;
    },
    publish: (topic, value) => {
      if (!connection.isClosed()) connection.publish(subject(topic), JSON.stringify(value));
    },
    subscribe: (topic, onMessage) => {
      const subscription = connection.subscribe(subject(topic), {
        callback: (error, message) => {
          const value = error === null ? jsonIn(message.string()) : undefined;
          if (value !== undefined) onMessage(value);
        },
      });
      return () => subscription.unsubscribe();
    },
  };
}

/** Who may publish may say anything: what is no JSON is not heard. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function tell(problem: string, toldMs: number, onWait: (problem: string) => void): number {
  const nowMs = performance.now();
  if (nowMs - toldMs < TELL_AGAIN_MS) return toldMs;
  onWait(problem);
  return nowMs;
}
