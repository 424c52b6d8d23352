// The records of a CSV or NDJSON file, in order: values, or why there is none. Shared by the source and by side inputs.
//
//   R1. Every record is counted, good or bad, so that a count names the same place in every run.
//   R2. Packed data that breaks off gives what came before, then one bad record that says so, then the end.

import { BadDeclaration, type Issue } from '../../base/issues.ts';
import { suggest } from '../../base/nearest.ts';
import type { EventSchemaSpec } from '../../../crds/stream-job/events.ts';
import type { FileSourceSpec } from '../../../crds/stream-job/sources.ts';
import type { Value } from '../../event/batch.ts';
import { compileCsv, readHeader, type CsvDecoder } from '../../event/codec/csv.ts';
import { invalidUtf8, utf8Text } from '../../event/codec/json.ts';
import { compileJsonEvent, compileJsonEventAgain, type DecodedEvent, type EventDecoder } from '../../event/codec/json-event.ts';
import { RecordSplitter, type Cut } from '../../event/codec/record-splitter.ts';
import { shownEvent } from '../source-letters.ts';
import { FileBytes } from './file-bytes.ts';

export type FileRecord =
  | { readonly kind: 'value'; readonly value: Value; readonly line: number; readonly bytes: number }
  | { readonly kind: 'bad'; readonly issues: readonly string[]; readonly event: Value; readonly line: number; readonly bytes: number }
  | { readonly kind: 'tooLarge'; readonly head: string; readonly line: number; readonly bytes: number };

export type FileRecordsOptions = {
  /** Who reads, for errors: `source flights`. */
  readonly reader: string;
  readonly path: string;
  readonly file: FileSourceSpec;
  readonly schema: EventSchemaSpec | undefined;
  readonly recordBytesMax: number;
};

export class FileRecords {
  readonly bytes: FileBytes;
  /** Records given or skipped so far. */
  count = 0;
  /** Why the input could not be read to its end; null while it could. */
  broken: string | null = null;
  readonly #options: FileRecordsOptions;
  readonly #splitter: RecordSplitter;
  #decodeRow: CsvDecoder | null = null;
  #header: readonly string[] = [];
  readonly #decodeLine: EventDecoder;
  readonly #decodeLineAgain: (event: Value) => DecodedEvent;
  #state: 'records' | 'ended' | 'done' = 'records';
  #last: FileRecord | null = null; // one record more behind the last: the input was broken, or empty

  private constructor(bytes: FileBytes, options: FileRecordsOptions) {
    this.bytes = bytes;
    this.#options = options;
    this.#splitter = new RecordSplitter({ csv: options.file.format === 'csv', bytesMax: options.recordBytesMax });
    this.#decodeLine = compileJsonEvent(options.schema);
    this.#decodeLineAgain = compileJsonEventAgain(options.schema);
  }

  /** Opens the file and reads its header. Rejects with MR1001, or with BadDeclaration when it has not the schema's columns. */
  static async open(options: FileRecordsOptions): Promise<FileRecords> {
    const records = new FileRecords(await FileBytes.open(options.path, options.file.compression), options);
    try {
      if (options.file.format === 'csv') await records.#readHeader();
      return records;
    } catch (error) {
      await records.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.bytes.close();
  }

  /** The next record that is there without reading on; 'more' when `load` is needed, 'end' when there is none. */
  next(): FileRecord | 'more' | 'end' {
    if (this.#state === 'done') return 'end';
    const cut = this.#splitter.next();
    if (cut !== 'more') {
      this.count++;
      return this.#decode(cut);
    }
    if (this.#state !== 'ended') return 'more';
    this.#state = 'done';
    if (this.#last === null) return 'end';
    this.count++;
    return this.#last;
  }

  /** Passes up to `count` records undecoded; the rest must be passed after `load`. */
  skip(count: number): number {
    let passed = 0;
    while (passed < count && this.#state !== 'done') {
      if (this.#splitter.next() !== 'more') this.count++;
      else if (this.#state === 'ended') {
        this.#state = 'done';
        if (this.#last !== null) this.count++;
      } else break;
      passed++;
    }
    return passed;
  }

  /** Reads on. */
  async load(): Promise<void> {
    const chunk = await this.bytes.next();
    if (chunk.kind === 'bytes') return this.#splitter.push(chunk.bytes);
    this.#state = 'ended';
    if (chunk.kind === 'end') return this.#splitter.end();
    // What is left is the beginning of a record whose end nobody knows.
    this.broken = chunk.problem;
    const rest = this.#splitter.rest();
    const issues = [`${chunk.problem}; the records before it are processed, what follows is lost`];
    this.#last = {
      kind: 'bad',
      issues,
      event: shownEvent(rest, { from: 0, to: rest.length }),
      line: this.#splitter.nextLine,
      bytes: rest.length,
    };
    this.#splitter.drop();
  }

  /** An event that was taken out before: a row's text or its columns, or JSON. Needs the header only, so also when it is closed. */
  decodeAgain(event: Value): DecodedEvent {
    if (this.#decodeRow === null) return this.#decodeLineAgain(event);
    const text = typeof event === 'string' ? event : this.#rowOf(event);
    const row = this.#decodeRow(text, text.includes('"'));
    return 'value' in row ? row : { issues: row.issues, event };
  }

  #rowOf(event: Value): string {
    const columns = (event ?? {}) as Readonly<Record<string, unknown>>;
    const [empty = ''] = this.#options.file.nulls;
    return this.#header.map((name) => quoted(columns[name] ?? empty)).join(',');
  }

  #decode(cut: Exclude<Cut, 'more'>): FileRecord {
    const { bytes: buffer, from, to, line, quoted } = this.#splitter;
    const bytes = to - from;
    if (cut === 'tooLong') return { kind: 'tooLarge', head: buffer.toString('utf8', from, to), line, bytes: this.#splitter.skippedBytes };
    const bad = (issues: readonly string[], event?: Value): FileRecord => ({
      kind: 'bad',
      issues,
      event: shownEvent(buffer, { from, to }, event),
      line,
      bytes,
    });
    if (cut === 'malformed') return bad([this.#splitter.reason]);
    const text = utf8Text(buffer, from, to);
    if (text === null) return bad([invalidUtf8(buffer, from, to)]);
    if (this.#decodeRow === null) {
      const decoded = this.#decodeLine(text);
      return 'value' in decoded ? { kind: 'value', value: decoded.value, line, bytes } : bad(decoded.issues, decoded.event);
    }
    const row = this.#decodeRow(text, quoted);
    return 'value' in row ? { kind: 'value', value: row.value, line, bytes } : bad(row.issues, row.texts ?? undefined);
  }

  async #readHeader(): Promise<void> {
    const { file, schema } = this.#options;
    let cut = this.#splitter.next();
    while (cut === 'more' && this.#state !== 'ended') {
      await this.load();
      cut = this.#splitter.next();
    }
    if (cut === 'more') return this.#noHeader();
    const { bytes, from, to, quoted } = this.#splitter;
    if (cut === 'tooLong')
      throw this.#badHeader([
        {
          path: 'header',
          message: `the first line has ${this.#splitter.skippedBytes} bytes`,
          fix: 'a CSV file begins with a line of column names',
        },
      ]);
    if (cut === 'malformed') throw this.#badHeader([{ path: 'header', message: this.#splitter.reason, fix: 'mend the first line' }]);
    const text = utf8Text(bytes, from, to);
    if (text === null) throw this.#badHeader([{ path: 'header', message: invalidUtf8(bytes, from, to), fix: 'convert the file to UTF-8' }]);
    const header = readHeader(text, quoted);
    const issues = headerIssues(header, schema);
    if (issues.length > 0) throw this.#badHeader(issues);
    this.#decodeRow = compileCsv(header, { schema, nulls: file.nulls });
    this.#header = header;
  }

  /** An empty file is no mistake of the declaration: it gives no events, and one note that it was empty. */
  #noHeader(): void {
    this.#decodeRow = compileCsv([], { schema: undefined, nulls: [] });
    this.#last ??= {
      kind: 'bad',
      issues: ['the file is empty: expected a header line with the names of the columns'],
      event: null,
      line: 1,
      bytes: 0,
    };
  }

  #badHeader(issues: readonly Issue[]): BadDeclaration {
    return new BadDeclaration(`${this.#options.reader} (${this.#options.path})`, issues);
  }
}

function headerIssues(header: readonly string[], schema: EventSchemaSpec | undefined): readonly Issue[] {
  const twice = header.filter((name, index) => header.indexOf(name) !== index);
  const missing = Object.keys(schema ?? {}).filter((name) => !header.includes(name));
  return [
    ...[...new Set(twice)].map((name) => ({
      path: 'header',
      message: `two columns are named "${name}"`,
      fix: 'give every column its own name',
    })),
    ...missing.map((name) => ({ path: `schema.${name}`, message: `the file has no column "${name}"`, fix: suggest(name, header) })),
  ];
}

function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return `"${text.replaceAll('"', '""')}"`;
}
