// Tells every key of a directory as it is, and then every change, for ever.
//
//   reading ── bucket gone ──▶ all keys told as vanished ──▶ looking ── bucket there ──▶ reading (from the start)
//
//   D1. Nothing is told twice and nothing is missed over lost connections: the reader goes on behind the last entry.
//   D2. A bucket that was made anew is another: what is not in it any more is told as vanished.

import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../base/errors.ts';
import type { StoredRecord } from '../../journal/journal.ts';
import type { Entry } from '../../worker/directory.ts';
import { directoryCreated, directoryStream, keySubject } from './kv-stream.ts';
import type { Link } from './link.ts';
import { NatsReader } from './nats-reader.ts';

export type OnChange = (key: string, entry: Entry | null) => void;

const READ_BYTES = 1024 * 1024;
const READ_WAIT_MS = 30_000;
/** How often a bucket that is gone is looked for. */
const LOOK_MS = 1_000;

export class DirectoryWatch {
  readonly #link: Link;
  readonly #job: string;
  readonly #onChange: OnChange;
  readonly #known = new Set<string>();
  readonly #prefixLength: number;
  readonly #abort = new AbortController();
  #reader: NatsReader | null = null;
  #created = '';
  #loop: Promise<void> | null = null;

  constructor(link: Link, job: string, onChange: OnChange) {
    this.#link = link;
    this.#job = job;
    this.#onChange = onChange;
    this.#prefixLength = keySubject(job, '').length;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#reader?.close();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        const created = await directoryCreated(this.#link, this.#job);
        if (created === null) this.#vanish();
        else await this.#read(created);
      } catch (error) {
        // Nobody answers now, the bucket went away while it was read, rights are missing: all of it may pass.
        if (!(error instanceof MillraceError)) throw error;
      }
      await sleep(LOOK_MS, undefined, { signal: this.#abort.signal }).catch(() => undefined);
    }
  }

  /** Until the bucket is gone or another, or the watch is stopped. */
  async #read(created: string): Promise<void> {
    if (this.#created !== '' && created !== this.#created) this.#vanish();
    this.#created = created;
    const reader = new NatsReader(
      this.#link,
      directoryStream(this.#job),
      { fromSequence: 1 },
      { onOpen: () => void this.#checkSame(reader, created) },
    );
    this.#reader = reader;
    try {
      while (!this.#abort.signal.aborted && this.#reader === reader)
        for (const record of await reader.next({ bytesMax: READ_BYTES, waitMs: READ_WAIT_MS })) this.#tell(record);
    } finally {
      await reader.close();
    }
  }

  /** D2: the reader's place means nothing in another bucket. */
  async #checkSame(reader: NatsReader, created: string): Promise<void> {
    const now = await directoryCreated(this.#link, this.#job).catch(() => created); // the next opening asks again
    if (now === created || this.#reader !== reader) return;
    this.#reader = null;
    reader.wake();
  }

  #tell({ subject, sequence, bytes }: StoredRecord): void {
    if (this.#abort.signal.aborted) return;
    const key = subject.slice(this.#prefixLength);
    const entry = toEntry(sequence, bytes);
    if (entry === null) this.#known.delete(key);
    else this.#known.add(key);
    this.#onChange(key, entry);
  }

  #vanish(): void {
    const keys = [...this.#known];
    this.#known.clear();
    for (const key of keys) this.#onChange(key, null);
  }
}

/** A deletion is a message without content; what is no JSON was put there by somebody else, and is nothing either. */
export function toEntry(sequence: number, bytes: Uint8Array): Entry | null {
  if (bytes.length === 0) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    return { value: JSON.parse(text) as unknown, revision: sequence };
  } catch {
    return null;
  }
}
