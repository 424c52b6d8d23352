// A file as a sink: one JSON object a line, under the output folder.
//
//   W1. Exactly once: a record's bytes have one place, `before.offset`, fixed when it was committed. Applying it writes
//       just these bytes there. A second time, by the same owner or by a zombie of long ago, it writes what stands
//       there already.
//   W2. Nothing is truncated (see run-file.ts for why a fresh run need not): what lies behind a half-applied record was
//       never written, for records are applied in order.
//   W3. A record counts as applied when its bytes are on the disk (fdatasync). After a failure, whatever it was, the
//       whole record is written again: which of its pages a failed sync has lost can't be known.
//   W4. A file that is missing or shorter than what was written before is not filled with a hole: the job stops (MR4002).

import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import type { SinkSpec } from '../../../crds/stream-job/spec.ts';
import { assert } from '../../base/assert.ts';
import { MillraceError } from '../../base/errors.ts';
import { encodeJsonLines } from '../../event/codec/json-lines.ts';
import type { SinkConnector, SinkRecord, SinkState, SinkWriter } from '../sink.ts';
import { nameRunFile, openRunFile, type RunFileOptions } from './run-file.ts';

export type FileSinkEnv = {
  readonly outDir: string;
  /** The same for all workers and restarts of one run. */ readonly runId: string;
  readonly uniqueId: () => string;
};

export function makeFileSink(spec: SinkSpec & { readonly file: NonNullable<SinkSpec['file']> }, env: FileSinkEnv): SinkConnector {
  assert(/^[A-Za-z0-9_-]{1,64}$/.test(env.runId), () => `the run id ${JSON.stringify(env.runId)} can be part of a file name`);
  return {
    guarantee: 'exactly-once',
    initial: { offset: 0 },
    open: async (partition) => {
      const path = partitionPath(resolve(env.outDir, spec.file.path), partition);
      return new FileWriter(spec.name, { path, runId: env.runId, uniqueId: env.uniqueId });
    },
  };
}

/** Partition 0 has the declared path; the others, where a sink has several, a number before the extension. */
export function partitionPath(path: string, partition: number): string {
  const extension = extname(path);
  return partition === 0 ? path : `${path.slice(0, path.length - extension.length)}-${partition}${extension}`;
}

/** These won't go away by waiting. */
const CONFLICTS = new Set(['EISDIR', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);

class FileWriter implements SinkWriter {
  readonly #sink: string;
  readonly #target: RunFileOptions;
  #file: FileHandle | null = null;

  constructor(sink: string, target: RunFileOptions) {
    this.#sink = sink;
    this.#target = target;
  }

  prepare(batches: Parameters<SinkWriter['prepare']>[0], before: SinkState): ReturnType<SinkWriter['prepare']> {
    const { lines, failed } = encodeJsonLines(batches);
    const payload = lines.length === 0 ? Buffer.alloc(0) : Buffer.from(`${lines.join('\n')}\n`);
    return { payload, count: lines.length, after: { offset: offsetOf(before) + payload.length }, failed };
  }

  async apply(record: SinkRecord): Promise<void> {
    const from = offsetOf(record.before);
    assert(
      offsetOf(record.after) === from + record.payload.length,
      () => `record ${record.number} of sink ${this.#sink} says where its bytes end`,
    );
    if (record.payload.length === 0) return;
    await this.#guarded(async () => {
      const file = await this.#open(from);
      await writeAll(file, record.payload, from);
      await file.datasync();
    });
  }

  async finish(): Promise<void> {
    await this.#guarded(async () => {
      const file = await this.#open(0);
      await file.datasync();
      await nameRunFile(this.#target); // for whoever removed or replaced it meanwhile
    });
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  /** The run's file, at least `written` bytes long. */
  async #open(written: number): Promise<FileHandle> {
    this.#file ??= await openRunFile(this.#target, written === 0);
    if (this.#file === null)
      throw this.#conflict(`the results written before to ${this.#target.path} are gone (${written} bytes of this run)`);
    const { size } = await this.#file.stat();
    if (size < written) throw this.#conflict(`${this.#target.path} has ${size} bytes, but ${written} were written by this run`);
    return this.#file;
  }

  async #guarded(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      await this.close().catch(() => {}); // opened again, and the record written again, at the next attempt (W3)
      if (error instanceof MillraceError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      if (CONFLICTS.has(code ?? '')) throw this.#conflict(`${this.#target.path} can't be a file: ${message}`, error);
      throw new MillraceError('MR4001', { sink: this.#sink, path: this.#target.path, problem: message }, error);
    }
  }

  #conflict(problem: string, cause?: unknown): MillraceError {
    return new MillraceError('MR4002', { sink: this.#sink, problem }, cause);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' });
    done += bytesWritten;
  }
}

function offsetOf(state: SinkState): number {
  const { offset } = state;
  assert(
    typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0,
    () => `a file sink's state has an offset, not ${JSON.stringify(state)}`,
  );
  return offset;
}
