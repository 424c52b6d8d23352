// The port of a journal: fenced appends per partition, reads per lane. guide: docs/protocol.md, rules J1 …
//
// One JetStream stream is one lane; a partition is one subject of it. Sequences are those of the stream.
// The NATS adapter and the in-memory model keep the same contract (journal-contract.ts is run on both).

/** A stored message of the journal, bytes as they were appended. */
export type StoredRecord = {
  readonly subject: string;
  readonly sequence: number;
  readonly bytes: Uint8Array;
  /** Wall-clock ms at which the server stored it. */ readonly storedMs: number;
  /** Header `traceparent` of a message of a user, when a reader was asked for it. */
  readonly traceparent?: string;
  /** The header that a reader was asked to give, where a message has it. */
  readonly header?: string;
};

/** `code`: the server's error number, for people and for tests that hold the model against the server. */
export type AppendResult =
  | { readonly kind: 'stored'; readonly sequence: number }
  /** 10071: the subject's last sequence is another; nothing was written. `actual` when the server said it. */
  | { readonly kind: 'refused'; readonly actual: number | null; readonly code?: number }
  /** 10164: not proof of anything (J5): read the fence. */
  | { readonly kind: 'in-flight'; readonly code?: number }
  /** Back-pressure (J8): 10077 stream full, 503 no leader, server out of space. Nothing was written; wait and send again. */
  | { readonly kind: 'busy'; readonly reason: string; readonly code?: number }
  /** No answer (time-out, disconnect): may or may not have been stored (J4): read the fence. */
  | { readonly kind: 'unknown'; readonly reason: string };

export type LaneConfig = {
  readonly stream: string;
  /** Subjects of the lane: `prefix.*`. */
  readonly subjects: readonly string[];
  /** Disk bound; a full lane refuses appends (busy), it never drops. */
  readonly bytesMax: number;
};

export interface Journal {
  /** Makes the lane when it is not there (`discard: new`, no max age, deny delete, file storage); checks its settings when it is. */
  ensureLane(config: LaneConfig): Promise<void>;
  /** Stores `bytes` when the last sequence of `subject` is `expected` (0: none yet). Never retries by itself. */
  append(stream: string, subject: string, expected: number, bytes: Uint8Array): Promise<AppendResult>;
  /** Last record of a subject as its leader sees it, or null. Rejects with a retry error while there is no leader. */
  last(stream: string, subject: string): Promise<StoredRecord | null>;
  /** Opens a reader of the lane from `fromSequence` on (records of all subjects, or of `subjects`), stream order. */
  read(stream: string, options: ReadOptions): LaneReader;
  /** Removes records of `subject` with a sequence below `belowSequence`; never its last record (J6). */
  purge(stream: string, subject: string, belowSequence: number): Promise<void>;
  /** Bytes and messages stored, first and last sequence. */
  figures(
    stream: string,
  ): Promise<{ readonly bytes: number; readonly messages: number; readonly firstSequence: number; readonly lastSequence: number }>;
  /** Removes the lane with all in it. */
  deleteLane(stream: string): Promise<void>;
}

export type ReadOptions = { readonly fromSequence: number; readonly subjects?: readonly string[] };

/** Gapless reader (J7): rejects never for lost connections, it re-reads from the last record that it gave. */
export interface LaneReader {
  /** Next records in stream order, as soon as there is one; at most `bytesMax` together (at least one). Empty after `waitMs`. */
  next(options: { readonly bytesMax: number; readonly waitMs: number }): Promise<readonly StoredRecord[]>;
  /** Wakes a waiting `next`, which then returns empty. */
  wake(): void;
  close(): Promise<void>;
}

/** What a blob is made of: chunks of any size, asked for when there is room for them. */
export type BlobContent = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export type StoredBlob = { /** Of the whole, hex. */ readonly sha256: string; readonly bytes: number };

/** Store of large blobs (checkpoints): neither side ever holds a whole one. See blob-bytes.ts for small ones. */
export interface BlobStore {
  /** Stores what `content` gives under `name` (replacing none: names are unique); resolves when durable. Rejects with what `content`
   *  throws: then there is no such blob. */
  put(name: string, content: BlobContent): Promise<StoredBlob>;
  /** The blob in chunks, in order; null when it is not there, or with another hash than `sha256` (null: any). Only when the iteration
   *  ends it was whole, with the hash that it was stored with; else it throws MR2106, behind chunks that were given already. */
  get(name: string, sha256: string | null): Promise<AsyncIterable<Uint8Array> | null>;
  /** A blob of that hash was stored under `name`. */
  has(name: string, sha256: string): Promise<boolean>;
  delete(name: string): Promise<void>;
  /** Deletes what was stored before `name` under names that begin with `prefix` and a dot; nothing when `name` is not there. */
  deleteBefore(prefix: string, name: string): Promise<void>;
}
