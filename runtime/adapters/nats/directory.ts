// The directory of a job in a NATS KV bucket, and its bus on core NATS.
//
//   D1. A watch is made anew after every reconnection: it gives all keys as they are, and tells those that vanished.

import { Kvm } from '@nats-io/kv';
import type { KV, KvEntry } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Bus, Directory, Entry } from '../../worker/directory.ts';

const KV_TIMEOUT_MS = 5_000;

/** Bucket of a job: `MR_<job>`. */
export function bucketOf(job: string): string {
  return `MR_${job}`;
}

export async function openDirectory(connection: NatsConnection, job: string): Promise<Directory> {
  const kv = await new Kvm(connection).create(bucketOf(job), { history: 1, timeout: KV_TIMEOUT_MS });
  return new KvDirectory(connection, kv);
}

/** Removes the bucket with all in it. */
export async function deleteDirectory(connection: NatsConnection, job: string): Promise<void> {
  const kv = await new Kvm(connection).create(bucketOf(job), { history: 1, timeout: KV_TIMEOUT_MS });
  await kv.destroy();
}

class KvDirectory implements Directory {
  readonly #connection: NatsConnection;
  readonly #kv: KV;

  constructor(connection: NatsConnection, kv: KV) {
    this.#connection = connection;
    this.#kv = kv;
  }

  async get(key: string): Promise<Entry | null> {
    const entry = await this.#kv.get(key);
    return entry === null || entry.operation !== 'PUT' ? null : toEntry(entry);
  }

  async put(key: string, value: unknown): Promise<void> {
    await this.#kv.put(key, JSON.stringify(value));
  }

  async update(key: string, value: unknown, revision: number): Promise<number | null> {
    try {
      const body = JSON.stringify(value);
      return revision === 0 ? await this.#kv.create(key, body) : await this.#kv.update(key, body, revision);
    } catch (error) {
      if (isWrongRevision(error)) return null;
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#kv.delete(key);
  }

  async watch(onChange: (key: string, entry: Entry | null) => void): Promise<() => Promise<void>> {
    const watch = new KvWatch(this.#connection, this.#kv, onChange);
    await watch.open();
    return () => watch.stop();
  }
}

class KvWatch {
  readonly #connection: NatsConnection;
  readonly #kv: KV;
  readonly #onChange: (key: string, entry: Entry | null) => void;
  readonly #known = new Set<string>();
  #iterator: Awaited<ReturnType<KV['watch']>> | null = null;
  #stopped = false;

  constructor(connection: NatsConnection, kv: KV, onChange: (key: string, entry: Entry | null) => void) {
    this.#connection = connection;
    this.#kv = kv;
    this.#onChange = onChange;
    void this.#reopenOnReconnect();
  }

  async open(): Promise<void> {
    this.#iterator?.stop();
    const iterator = await this.#kv.watch();
    this.#iterator = iterator;
    void this.#pump(iterator, new Set(this.#known));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#iterator?.stop();
    await Promise.resolve();
  }

  async #pump(iterator: Awaited<ReturnType<KV['watch']>>, vanished: Set<string> | null): Promise<void> {
    for await (const entry of iterator) {
      if (this.#stopped || this.#iterator !== iterator) return;
      vanished?.delete(entry.key);
      this.#tell(entry);
      if (entry.delta === 0 && vanished !== null) {
        for (const key of vanished) this.#onChange(key, null);
        vanished = null;
      }
    }
  }

  #tell(entry: KvEntry): void {
    const isThere = entry.operation === 'PUT';
    if (isThere) this.#known.add(entry.key);
    else this.#known.delete(entry.key);
    this.#onChange(entry.key, isThere ? toEntry(entry) : null);
  }

  async #reopenOnReconnect(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (this.#stopped) return;
      if (status.type !== 'reconnect') continue;
      await this.open().catch(() => undefined); // the next reconnection tries again; heartbeats show who lives
    }
  }
}

/** Figures that may be lost, on `mr.<job>.bus.<topic>`. */
export function openBus(connection: NatsConnection, job: string): Bus {
  const subject = (topic: string): string => `mr.${job}.bus.${topic}`;
  return {
    publish: (topic, value) => {
      if (!connection.isClosed()) connection.publish(subject(topic), JSON.stringify(value));
    },
    subscribe: (topic, onMessage) => {
      const subscription = connection.subscribe(subject(topic), {
        callback: (error, message) => (error === null ? onMessage(message.json()) : undefined),
      });
      return () => subscription.unsubscribe();
    },
  };
}

function toEntry(entry: KvEntry): Entry {
  return { value: entry.json(), revision: entry.revision };
}

function isWrongRevision(error: unknown): boolean {
  return error instanceof Error && /wrong last sequence|10071/.test(`${error.message} ${String((error as { code?: unknown }).code)}`);
}
