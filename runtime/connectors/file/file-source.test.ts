import { Buffer } from 'node:buffer';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventSchemaSpec } from '../../../crds/stream-job/events.ts';
import type { FileTableSpec } from '../../../crds/stream-job/sources.ts';
import { isError } from '../../base/errors.ts';
import { BadDeclaration } from '../../base/issues.ts';
import type { SourceConnector, SourcePosition } from '../source.ts';
import { makeFileSource } from './file-source.ts';
import { readTableRows } from './table-rows.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-file-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const clock = { nowMs: () => 1000, monotonicMs: () => 0, sleep: async () => {}, turn: async () => {} };
let files = 0;

type Made = {
  readonly format?: 'csv' | 'ndjson';
  readonly schema?: EventSchemaSpec;
  readonly nulls?: string[];
  readonly maxEventBytes?: number;
};

async function source(content: Buffer | string, made: Made = {}): Promise<SourceConnector> {
  const path = `input-${files++}`;
  await writeFile(join(folder, path), content);
  return openSource(path, made);
}

function openSource(path: string, made: Made = {}): Promise<SourceConnector> {
  const file = { path, format: made.format ?? 'csv', compression: 'auto', nulls: made.nulls ?? [] } as const;
  return makeFileSource({ name: 'rows', maxEventBytes: made.maxEventBytes ?? 1000, schema: made.schema, file }, { baseDir: folder, clock });
}

/** All that a source gives, read in steps of `eventsMax`, from `position` on. */
async function readAll(
  connector: SourceConnector,
  options: { readonly eventsMax?: number; readonly position?: SourcePosition | null } = {},
) {
  const reader = await connector.open(0, options.position ?? null);
  const all = {
    values: [] as unknown[],
    places: [] as number[],
    letters: [] as string[],
    events: [] as unknown[],
    positions: [] as SourcePosition[],
  };
  try {
    for (;;) {
      const read = await reader.read({ eventsMax: options.eventsMax ?? 100, bytesMax: 1_000_000, waitMs: 100 });
      all.values.push(...read.values);
      all.places.push(...read.places);
      all.letters.push(...read.deadLetters.map((letter) => `${letter.code} ${letter.place}: ${letter.issues.join('; ')}`));
      all.events.push(...read.deadLetters.map((letter) => letter.event));
      all.positions.push(read.position);
      if (read.done) return all;
    }
  } finally {
    await reader.close();
  }
}

describe('what can be wrong with a row becomes a dead letter, the others are read', () => {
  const schema: EventSchemaSpec = { n: 'int' };
  test.each<{ fact: string; content: Buffer | string; made?: Made; values: unknown[]; letters: string[]; events?: unknown[] }>([
    {
      fact: 'a good file',
      content: 'n,t\n1,a\n2,b\n',
      values: [
        { n: 1, t: 'a' },
        { n: 2, t: 'b' },
      ],
      letters: [],
    },
    {
      fact: 'a field of the wrong type',
      content: 'n,t\nx,a\n2,b\n',
      values: [{ n: 2, t: 'b' }],
      letters: ['MR3001 line 2: n: found "x", expected a whole number'],
      events: [{ n: 'x', t: 'a' }],
    },
    {
      fact: 'too few and too many columns',
      content: 'n,t\n1\n2,b\n3,c,d\n',
      values: [{ n: 2, t: 'b' }],
      letters: ['MR3001 line 2: found 1 columns, expected 2', 'MR3001 line 4: found 3 columns, expected 2'],
      events: ['1', '3,c,d'],
    },
    {
      fact: 'a lone quote',
      content: 'n,t\n1,"a\n2,b\n',
      values: [{ n: 2, t: 'b' }],
      letters: ['MR3001 line 2: column 2: a quote is opened and not closed to the end of the file'],
      events: ['1,"a'],
    },
    {
      fact: 'bytes that are not UTF-8',
      content: Buffer.from('n,t\n1,a\xff\xfe\n2,b\n', 'latin1'),
      values: [{ n: 2, t: 'b' }],
      letters: ['MR3001 line 2: invalid UTF-8 at byte 3: ff fe'],
    },
    {
      fact: 'a cut character',
      content: Buffer.concat([Buffer.from('n,t\n1,a'), Buffer.from('é').subarray(0, 1), Buffer.from('\n2,é\n')]),
      values: [{ n: 2, t: 'é' }],
      letters: ['MR3001 line 2: invalid UTF-8 at byte 3: c3'],
    },
    { fact: 'a true replacement character is a character', content: 'n,t\n1,\ufffd\n', values: [{ n: 1, t: '\ufffd' }], letters: [] },
    { fact: 'a NUL byte', content: 'n,t\n1,a\0\n2,b\n', values: [{ n: 2, t: 'b' }], letters: ['MR3001 line 2: a NUL byte at character 3'] },
    {
      fact: 'a giant row',
      content: `n,t\n1,${'x'.repeat(2_000_000)}\n2,b\n`,
      values: [{ n: 2, t: 'b' }],
      letters: ['MR3004 line 2: 2000002 bytes, at most 1000 are allowed'],
    },
    {
      fact: 'an empty file is noted',
      content: '',
      values: [],
      letters: ['MR3001 line 1: the file is empty: expected a header line with the names of the columns'],
    },
    { fact: 'a header alone gives no events', content: 'n,t\n', values: [], letters: [] },
    {
      fact: 'a line of JSON that is none',
      content: '{"n":1}\n{"n":\n{"n":2}',
      made: { format: 'ndjson', schema },
      values: [{ n: 1 }, { n: 2 }],
      letters: ['MR3001 line 2: not JSON: Unexpected end of JSON input'],
      events: ['{"n":'],
    },
    {
      fact: 'JSON that is no object',
      content: '[1]\n{"n":2}',
      made: { format: 'ndjson', schema },
      values: [{ n: 2 }],
      letters: ['MR3001 line 1: found a list of 1, expected an object with the declared fields'],
      events: [[1]],
    },
    {
      fact: 'JSON that violates the schema',
      content: '{"n":"1","m":2}\n',
      made: { format: 'ndjson', schema },
      values: [],
      letters: ['MR3001 line 1: n: found "1", expected a whole number'],
      events: [{ n: '1', m: 2 }],
    },
    { fact: 'an empty NDJSON file', content: '', made: { format: 'ndjson', schema }, values: [], letters: [] },
    { fact: 'any JSON value without a schema', content: '1\n"a"\nnull\n', made: { format: 'ndjson' }, values: [1, 'a', null], letters: [] },
  ])('$fact', async ({ content, made, values, letters, events }) => {
    for (const packed of [content, gzipSync(content)]) {
      if (content.length === 0 && packed !== content) continue; // an empty gzip file is checked below
      const all = await readAll(await source(packed, made ?? { schema }));
      expect(all.values).toEqual(values);
      expect(all.letters).toEqual(letters);
      if (events !== undefined) expect(all.events).toEqual(events);
    }
  });
});

describe('gzip data that is broken', () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => `${i},text ${(i * 7919) % 10_007}`);
  const gz = gzipSync(`n,t\n${rows.join('\n')}\n`);
  const damaged = (at: number): Buffer => Buffer.from(gz.map((byte, index) => (index === at ? byte ^ 0x55 : byte)));
  test.each([
    {
      fact: 'truncated',
      bytes: gz.subarray(0, gz.length >> 1),
      rowsMin: 8000,
      rowsMax: 12_000,
      says: /breaks off near byte \d+ of \d+: unexpected end of file/,
    },
    {
      fact: 'truncated within its checksum',
      bytes: gz.subarray(0, gz.length - 3),
      rowsMin: 20_000,
      rowsMax: 20_000,
      says: /unexpected end of file/,
    },
    { fact: 'with a wrong checksum', bytes: damaged(gz.length - 6), rowsMin: 19_900, rowsMax: 20_000, says: /incorrect data check/ },
    {
      fact: 'with garbage behind',
      bytes: Buffer.concat([gz, Buffer.from('garbage')]),
      rowsMin: 19_900,
      rowsMax: 20_000,
      says: /breaks off near byte/,
    },
    {
      fact: 'garbage from the start',
      bytes: Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(1000, 7)]),
      rowsMin: 0,
      rowsMax: 0,
      says: /breaks off near byte/,
    },
    { fact: 'padded with zeros is whole', bytes: Buffer.concat([gz, Buffer.alloc(5000)]), rowsMin: 20_000, rowsMax: 20_000, says: null },
    { fact: 'in two members is whole', bytes: Buffer.concat([gz, gzipSync('7,x\n')]), rowsMin: 20_001, rowsMax: 20_001, says: null },
    { fact: 'packed nothing', bytes: gzipSync(''), rowsMin: 0, rowsMax: 0, says: /the file is empty/ },
  ])('$fact: what came before is processed, and one dead letter tells', async ({ bytes, rowsMin, rowsMax, says }) => {
    const connector = await source(bytes, { schema: rowsMax > 0 ? { n: 'int' } : {} });
    const all = await readAll(connector, { eventsMax: 3000 });
    expect(all.values.length).toBeGreaterThanOrEqual(rowsMin);
    expect(all.values.length).toBeLessThanOrEqual(rowsMax);
    expect(all.values.slice(0, 20_000).every((value, i) => (value as { n: number }).n === i)).toBe(true);
    expect(all.letters.length).toBe(says === null ? 0 : 1);
    if (says !== null) expect(all.letters[0]).toMatch(says);
    const half = all.positions[all.positions.length >> 1] as SourcePosition;
    const rest = await readAll(connector, { position: half });
    expect(rest.values.length + rest.letters.length).toBe(all.values.length + all.letters.length - Number(half['record']));
  });
});

test('a reader opened at a position goes on with the next row, none lost, none twice', async () => {
  const lines = Array.from({ length: 500 }, (_, i) => (i % 7 === 3 ? `bad ${i}` : i % 5 === 1 ? `${i},"two\nlines"` : `${i},b`));
  const connector = await source(`n,t\n${lines.join('\n')}\n`, { schema: { n: 'int' } });
  const whole = await readAll(connector, { eventsMax: 37 });
  for (const position of whole.positions) {
    const rest = await readAll(connector, { position });
    const given = Number(position['record']);
    expect(rest.values.length + rest.letters.length).toBe(500 - given);
    expect(rest.values).toEqual(whole.values.slice(whole.values.length - rest.values.length));
    expect(rest.places).toEqual(whole.places.slice(whole.places.length - rest.places.length));
    expect(rest.letters).toEqual(whole.letters.slice(whole.letters.length - rest.letters.length));
  }
});

test('reads keep to their limits', async () => {
  const connector = await source(`n\n${'1\n'.repeat(1000)}`, {});
  const reader = await connector.open(0, null);
  const byEvents = await reader.read({ eventsMax: 10, bytesMax: 1_000_000, waitMs: 0 });
  const byBytes = await reader.read({ eventsMax: 1000, bytesMax: 7, waitMs: 0 });
  await reader.close();
  expect([byEvents.values.length, byBytes.values.length, byBytes.done, byBytes.ingestMs]).toEqual([10, 7, false, 1000]);
});

describe('what is wrong with the whole file is told at once', () => {
  test.each([
    {
      fact: 'columns that the schema declares and the header lacks',
      content: 'tailnum,orign,x,x\n',
      says: ['two columns are named "x"', 'the file has no column "origin" (did you mean "orign"?)'],
    },
    { fact: 'a header that is not UTF-8', content: Buffer.from([0xff, 0xfe, 0x61, 0, 0x0a, 0]), says: ['invalid UTF-8 at byte 0: ff fe'] },
    { fact: 'a first line without an end', content: 'x'.repeat(5000), says: ['the first line has 5000 bytes'] },
    { fact: 'a header with a lone quote', content: 'a,"b\n', says: ['a quote is opened and not closed'] },
  ])('$fact', async ({ content, says }) => {
    const error = await source(content, { schema: { origin: 'string' } }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(BadDeclaration);
    for (const part of says) expect((error as Error).message).toContain(part);
  });

  test.each([
    { fact: 'no such file', path: 'not-there.csv', says: 'ENOENT' },
    { fact: 'a folder', path: '.', says: 'no regular file' },
  ])('$fact', async ({ path, says }) => {
    const error = await openSource(path).catch((caught: unknown) => caught);
    expect(isError(error, 'MR1001')).toBe(true);
    expect((error as Error).message).toContain(says);
  });

  test('a file that changed since the run began is refused', async () => {
    const connector = await source('n\n1\n2\n', {});
    const { positions } = await readAll(connector);
    const error = await readAll(await source('n\n1\n2\n3\n', {}), { position: positions[0] as SourcePosition }).catch(
      (caught: unknown) => caught,
    );
    expect(isError(error, 'MR1001') && error.message).toContain('it changed since this run began');
  });
});

describe('rows of a side input', () => {
  const spec = (path: string): FileTableSpec => ({
    name: 'planes',
    key: 'row.n',
    schema: { n: 'int' },
    file: { path, format: 'csv', compression: 'auto', nulls: ['NA'] },
  });
  test('bad rows are left out and named, the version is the sha256 of the file', async () => {
    await writeFile(join(folder, 'planes.csv'), 'n,t\n1,NA\nx,b\n');
    expect(await readTableRows(spec('planes.csv'), folder)).toEqual({
      rows: [{ n: 1, t: null }],
      lines: [2],
      version: '798b2eebb3497645b21d87eff94edf09d84c759fa6a52b3da152690484f2597d',
      issues: ['line 3: n: found "x", expected a whole number'],
    });
  });
  test('packed data that breaks off is refused', async () => {
    await writeFile(join(folder, 'planes.csv.gz'), gzipSync(`n,t\n${'1,x\n'.repeat(1000)}`).subarray(0, 40));
    const error = await readTableRows(spec('planes.csv.gz'), folder).catch((caught: unknown) => caught);
    expect(isError(error, 'MR1001') && error.message).toContain('breaks off');
  });
});
