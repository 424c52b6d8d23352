// A file as a source: one split, CSV or NDJSON, gzip or plain. Bounded.
//
//   F1. The position is the number of records given, good and bad ones; a resumed run reads the file again and passes
//       so many. It carries the file's version: going on with another file would lose or double rows, so that is refused.

import { resolve } from 'node:path';
import type { SourceSpec } from '../../../crds/stream-job/sources.ts';
import { MillraceError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Value } from '../../event/batch.ts';
import type { SourceConnector, SourcePosition, SourceRead, SourceReader } from '../source.ts';
import { tooLargeLetter, undecodableLetter, type SourceLetter } from '../source-letters.ts';
import { FileRecords, type FileRecord, type FileRecordsOptions } from './file-records.ts';

export type FileSourceEnv = { readonly baseDir: string; readonly clock: Clock };

/** Opens the file once to see that it is there and has the declared columns. Rejects with MR1001 or BadDeclaration. */
export async function makeFileSource(
  spec: SourceSpec & { readonly file: NonNullable<SourceSpec['file']> },
  env: FileSourceEnv,
): Promise<SourceConnector> {
  const options: FileRecordsOptions = {
    reader: `source ${spec.name}`,
    path: resolve(env.baseDir, spec.file.path),
    file: spec.file,
    schema: spec.schema,
    recordBytesMax: spec.maxEventBytes,
  };
  const records = await FileRecords.open(options);
  await records.close();
  return {
    splitCount: 1,
    decodeAgain: (event) => records.decodeAgain(event),
    open: async (_split, position) => FileReader.open(options, { source: spec.name, clock: env.clock, position }),
  };
}

type ReadLimits = Parameters<SourceReader['read']>[0];

class FileReader implements SourceReader {
  readonly #records: FileRecords;
  readonly #source: string;
  readonly #clock: Clock;
  readonly #bytesMax: number;

  private constructor(records: FileRecords, options: { readonly source: string; readonly clock: Clock; readonly bytesMax: number }) {
    this.#records = records;
    this.#source = options.source;
    this.#clock = options.clock;
    this.#bytesMax = options.bytesMax;
  }

  static async open(
    options: FileRecordsOptions,
    at: { readonly source: string; readonly clock: Clock; readonly position: SourcePosition | null },
  ): Promise<FileReader> {
    const records = await FileRecords.open(options);
    try {
      await goTo(records, at.position);
      return new FileReader(records, { source: at.source, clock: at.clock, bytesMax: options.recordBytesMax });
    } catch (error) {
      await records.close();
      throw error;
    }
  }

  async read(limits: ReadLimits): Promise<SourceRead> {
    const values: Value[] = [];
    const places: number[] = [];
    const deadLetters: SourceLetter[] = [];
    let bytes = 0;
    let done = false;
    while (!done && values.length + deadLetters.length < limits.eventsMax && bytes < limits.bytesMax) {
      const record = this.#records.next();
      if (record === 'more') await this.#records.load();
      else if (record === 'end') done = true;
      else {
        bytes += record.bytes;
        if (record.kind !== 'value') deadLetters.push(this.#letterOf(record));
        else {
          values.push(record.value);
          places.push(record.line);
        }
      }
    }
    const position = { record: this.#records.count, version: this.#records.bytes.version };
    return {
      values,
      places,
      placeWord: 'line',
      deadLetters,
      position,
      ingestMs: this.#clock.nowMs(),
      done,
      bytes,
      progress: done ? 1 : this.#records.bytes.progress,
    };
  }

  close(): Promise<void> {
    return this.#records.close();
  }

  #letterOf(record: Exclude<FileRecord, { kind: 'value' }>): SourceLetter {
    const place = `line ${record.line}`;
    if (record.kind === 'bad') return undecodableLetter(this.#source, place, record);
    return tooLargeLetter(this.#source, place, { bytes: record.bytes, bytesMax: this.#bytesMax, head: record.head });
  }
}

async function goTo(records: FileRecords, position: SourcePosition | null): Promise<void> {
  if (position === null) return;
  const { path, version } = records.bytes;
  if (position['version'] !== version) {
    const problem = `it changed since this run began reading it (version ${String(position['version'])}, now ${version}); nothing was read; restore it, or start over with --fresh`;
    throw new MillraceError('MR1001', { path, problem });
  }
  let left = Number(position['record']);
  while (left > 0) {
    const passed = records.skip(left);
    if (passed === 0) {
      if (records.next() === 'end') return;
      await records.load();
    }
    left -= passed;
  }
}
