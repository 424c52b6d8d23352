// Blobs on JetStream: raw chunks in a stream of their own, ten times as fast as the client's object store.
//
// One stream per job (MR_<job>_blobs), one subject per blob (mr.<job>.blob.<name>). Messages of a blob:
//   chunk      24 bytes prefix (magic, upload id, index) · bytes
//   manifest   the same prefix with index 0xffffffff · JSON { chunks, bytes, sha256, firstSequence }
//   B1. The manifest is sent when every chunk is acknowledged: a blob without one does not exist.
//   B2. Chunks carry the id of their upload, so a chunk sent twice, or left by an upload that died, does no harm.
//   B3. What `get` returns has the sha256 that was asked for; anything else is null.

import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { isError } from '../../base/errors.ts';
import type { BlobStore } from '../../journal/journal.ts';
import { PREFIX_BYTES, chunkMessage, manifestMessage, readManifest, readPrefix, type ChunkPrefix, type Manifest } from './blob-messages.ts';
import { callApi, parseAnswer, type PublishAck } from './jetstream-api.ts';
import { valueOf } from './lane-stream.ts';
import { Link } from './link.ts';
import { NatsJournal, type NatsJournalOptions } from './nats-journal.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Chunks sent and not yet acknowledged. */
const IN_FLIGHT_MAX = 16;
const READ_BYTES = 8 * 1024 * 1024;
const READ_WAIT_MS = 1_000;
const PUBLISH_TIMEOUT_MS = 5_000;
const RETRY_WAIT_MS = 100;

export type BlobStoreOptions = NatsJournalOptions & { /** Disk bound of all blobs of the job. */ readonly bytesMax?: number };

export class NatsBlobStore implements BlobStore {
  readonly #link: Link;
  readonly #journal: NatsJournal;
  readonly #stream: string;
  readonly #subjects: string;

  private constructor(nc: NatsConnection, job: string, options: BlobStoreOptions) {
    this.#link = Link.of(nc);
    this.#journal = new NatsJournal(this.#link, options);
    this.#stream = blobStream(job);
    this.#subjects = `mr.${job}.blob`;
  }

  /** Makes the job's blob stream when it is not there. */
  static async open(nc: NatsConnection, job: string, options: BlobStoreOptions = {}): Promise<NatsBlobStore> {
    const store = new NatsBlobStore(nc, job, options);
    await store.#journal.ensureLane({ stream: store.#stream, subjects: [`${store.#subjects}.>`], bytesMax: options.bytesMax ?? -1 });
    return store;
  }

  /** The store of a job whose blob stream somebody else makes. */
  static attach(nc: NatsConnection, job: string): NatsBlobStore {
    return new NatsBlobStore(nc, job, {});
  }

  /** Deletes the job's blob stream with all in it. */
  static remove(nc: NatsConnection, job: string): Promise<void> {
    return new NatsJournal(Link.of(nc)).deleteLane(blobStream(job));
  }

  async put(name: string, bytes: Uint8Array): Promise<string> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const subject = this.#subjectOf(name);
    if ((await this.#manifest(subject))?.sha256 === sha256) return sha256;
    const upload = randomBytes(16);
    const chunkBytes = Math.min(CHUNK_BYTES, this.#link.payloadBytesMax - PREFIX_BYTES);
    const chunks = Math.ceil(bytes.length / chunkBytes);
    const sequences = await inParallel(chunks, IN_FLIGHT_MAX, (index) => {
      const part = bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes);
      return this.#publish(subject, chunkMessage(upload, index, part));
    });
    const firstSequence = sequences.reduce((first, sequence) => Math.min(first, sequence), Infinity);
    const manifest = { chunks, bytes: bytes.length, sha256, firstSequence: chunks === 0 ? 0 : firstSequence };
    await this.#publish(subject, manifestMessage(upload, manifest));
    return sha256;
  }

  async get(name: string, sha256: string | null): Promise<Uint8Array | null> {
    const subject = this.#subjectOf(name);
    const manifest = await this.#manifest(subject);
    if (manifest === null || (sha256 !== null && manifest.sha256 !== sha256)) return null;
    const bytes = await this.#gather(subject, manifest);
    return bytes !== null && createHash('sha256').update(bytes).digest('hex') === manifest.sha256 ? bytes : null;
  }

  async delete(name: string): Promise<void> {
    await this.#purge({ filter: this.#subjectOf(name) });
  }

  async deleteBefore(prefix: string, name: string): Promise<void> {
    const manifest = await this.#manifest(this.#subjectOf(name));
    if (manifest === null) return;
    // `seq`: the first message that stays. A chunk that was sent twice may lie before it: B2.
    await this.#purge({ filter: this.#subjectOf(`${prefix}.>`), seq: manifest.firstSequence || manifest.sequence });
  }

  async #purge(asked: { readonly filter: string; readonly seq?: number }): Promise<void> {
    valueOf(this.#stream, await callApi(this.#link, `STREAM.PURGE.${this.#stream}`, asked));
  }

  /** The blob's manifest: its last message, when that is one. Waits for a server that is away. */
  async #manifest(subject: string): Promise<Manifest | null> {
    for (;;) {
      try {
        const last = await this.#journal.last(this.#stream, subject);
        return last === null ? null : readManifest(last.bytes, last.sequence);
      } catch (error) {
        if (!isError(error, 'MR2102')) throw error;
      }
      await sleep(RETRY_WAIT_MS);
    }
  }

  async #gather(subject: string, manifest: Manifest): Promise<Uint8Array | null> {
    const bytes = Buffer.allocUnsafe(manifest.bytes);
    const seen = new Set<number>();
    const reader = this.#journal.read(this.#stream, { fromSequence: manifest.firstSequence, subjects: [subject] });
    try {
      for (;;) {
        for (const record of await reader.next({ bytesMax: READ_BYTES, waitMs: READ_WAIT_MS })) {
          const prefix = readPrefix(record.bytes);
          if (prefix !== null && prefix.upload === manifest.upload)
            place(bytes, manifest, prefix, record.bytes.subarray(PREFIX_BYTES), seen);
          if (record.sequence >= manifest.sequence) return seen.size === manifest.chunks ? bytes : null;
        }
        // Deleted while we read: the manifest, the end to wait for, will not come.
        if ((await this.#manifest(subject))?.upload !== manifest.upload) return null;
      }
    } finally {
      await reader.close();
    }
  }

  /** Resolves with the sequence once it is stored. A lost answer sends it again (B2). */
  async #publish(subject: string, bytes: Uint8Array): Promise<number> {
    for (;;) {
      const reply = await this.#link.request(subject, bytes, { timeoutMs: PUBLISH_TIMEOUT_MS });
      const answer = reply.kind === 'message' ? parseAnswer<PublishAck>(reply.data) : null;
      if (answer?.kind === 'ok') return answer.value.seq;
      await sleep(RETRY_WAIT_MS);
    }
  }

  #subjectOf(name: string): string {
    return `${this.#subjects}.${name}`;
  }
}

/** JetStream stream of a job's blobs. */
export function blobStream(job: string): string {
  return `MR_${job}_blobs`;
}

function place(bytes: Uint8Array, manifest: Manifest, { index }: ChunkPrefix, part: Uint8Array, seen: Set<number>): void {
  if (index >= manifest.chunks) return; // the manifest itself
  // Every chunk but the last has one size; the last ends at the end.
  const start = index === manifest.chunks - 1 ? manifest.bytes - part.length : index * part.length;
  if (start < 0 || start + part.length > bytes.length) return;
  bytes.set(part, start);
  seen.add(index);
}

/** Runs `work` for 0 … count - 1, at most `limit` at a time. */
async function inParallel(count: number, limit: number, work: (index: number) => Promise<number>): Promise<readonly number[]> {
  const results = new Array<number>(count);
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, count) }, run));
  return results;
}
