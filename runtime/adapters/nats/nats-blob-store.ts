// Blobs on JetStream: raw chunks in a stream of their own, ten times as fast as the client's object store.
//
// One stream per job (MR_<job>_blobs), one subject per blob (mr.<job>.blob.<name>). Messages of a blob:
//   chunk      24 bytes prefix (magic, upload id, index) · bytes
//   manifest   the same prefix with index 0xffffffff · JSON { chunks, bytes, sha256, firstSequence }
//   B1. The manifest is sent when every chunk is acknowledged: a blob without one does not exist.
//   B2. Chunks carry the id of their upload, so a chunk sent twice, or left by an upload that died, does no harm.
//   B3. What was read to its end has the sha256 that was asked for.
//   B4. A chunk is sent when all but IN_FLIGHT_MAX - 1 before it are acknowledged: who reads has no more than that many to put in order.

import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { MillraceError, isError } from '../../base/errors.ts';
import type { BlobContent, BlobStore, StoredBlob } from '../../journal/journal.ts';
import { PREFIX_BYTES, chunkMessages, manifestMessage, readManifest, type Manifest } from './blob-messages.ts';
import { ChunkLine } from './chunk-line.ts';
import { callApi, parseAnswer, type PublishAck } from './jetstream-api.ts';
import { valueOf } from './lane-stream.ts';
import { Link } from './link.ts';
import { NatsJournal, type NatsJournalOptions } from './nats-journal.ts';
import { SendWindow } from './send-window.ts';

const CHUNK_BYTES = 1024 * 1024;
/** Chunks sent and not yet acknowledged. */
const IN_FLIGHT_MAX = 16;
/** Of one blob: many tasks of a worker may be restored at once. */
const READ_BYTES = 2 * 1024 * 1024;
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

  async put(name: string, content: BlobContent): Promise<StoredBlob> {
    const subject = this.#subjectOf(name);
    const upload = randomBytes(16);
    const hash = createHash('sha256');
    const window = new SendWindow(IN_FLIGHT_MAX);
    let [chunks, bytes, firstSequence] = [0, 0, Infinity];
    for await (const message of chunkMessages(upload, content, Math.min(PREFIX_BYTES + CHUNK_BYTES, this.#link.payloadBytesMax))) {
      hash.update(message.subarray(PREFIX_BYTES));
      chunks++;
      bytes += message.length - PREFIX_BYTES;
      await window.send(async () => {
        const sequence = await this.#publish(subject, message);
        firstSequence = Math.min(firstSequence, sequence);
      });
    }
    await window.emptied();
    const sha256 = hash.digest('hex');
    await this.#publish(subject, manifestMessage(upload, { chunks, bytes, sha256, firstSequence: chunks === 0 ? 0 : firstSequence }));
    return { sha256, bytes };
  }

  async get(name: string, sha256: string | null): Promise<AsyncIterable<Uint8Array> | null> {
    const manifest = await this.#manifest(this.#subjectOf(name));
    return manifest === null || (sha256 !== null && manifest.sha256 !== sha256) ? null : this.#chunks(name, manifest);
  }

  async has(name: string, sha256: string): Promise<boolean> {
    return (await this.#manifest(this.#subjectOf(name)))?.sha256 === sha256;
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

  async *#chunks(name: string, manifest: Manifest): AsyncGenerator<Uint8Array> {
    const subject = this.#subjectOf(name);
    const hash = createHash('sha256');
    const line = new ChunkLine(manifest);
    const reader = this.#journal.read(this.#stream, { fromSequence: manifest.firstSequence, subjects: [subject] });
    try {
      for (let isEnd = manifest.chunks === 0; !isEnd;) {
        const records = await reader.next({ bytesMax: READ_BYTES, waitMs: READ_WAIT_MS });
        for (const record of records) {
          for (const part of line.take(record.bytes)) {
            hash.update(part);
            yield part;
          }
          if ((isEnd = record.sequence >= manifest.sequence)) break;
        }
        // Deleted while we read: the manifest, the end to wait for, will not come.
        if (records.length === 0 && (await this.#manifest(subject))?.upload !== manifest.upload) break;
      }
    } finally {
      await reader.close();
    }
    if (!line.isWhole || hash.digest('hex') !== manifest.sha256)
      throw new MillraceError('MR2106', { task: name, problem: `of ${manifest.bytes} bytes not all are there, or they are others` });
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
