// Bad input, end to end: every good event gives its result, every bad one is one dead letter that tells where and why.

import { createServer } from 'node:net';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeadLetter } from '../../runtime/event/batch.ts';
import { runCommand } from '../support/command.ts';
import { withFolder } from '../support/flights-run.ts';
import { jobText, readDeadLetters, readLines, readSubject, runText } from '../support/job-run.ts';
import { startTestServer } from '../support/nats.ts';
import type { TestServer } from '../support/nats.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const GOOD = 2_000;
type Letter = Pick<DeadLetter, 'at' | 'code' | 'place'> & { readonly issue: string };

describe('rows that are none', () => {
  const ROWS_JOB = jobText(
    'rows',
    `
  sources:
    - { name: table, file: { path: rows.csv, format: csv }, schema: { n: int, text: string }, maxEventBytes: 10000 }
    - { name: lines, file: { path: rows.ndjson }, schema: { n: int, text: string }, maxEventBytes: 10000 }
    - { name: packed, file: { path: rows.ndjson.gz }, schema: { n: int, text: string } }
  sinks:
    - { name: good, from: [table, lines, packed], file: { path: good.ndjson } }
`,
  );
  const csv = [
    'n,text',
    ...goodLines((n) => `${n},"row, ${n}"`, {
      100: '100,one,two',
      200: 'many,row',
      300: Buffer.from('300,a\xff\xfeb', 'latin1'),
      400: `400,${'x'.repeat(20_000)}`,
      1999: '1999,"never closed',
    }),
  ];
  const lines = goodLines((n) => JSON.stringify({ n: n + GOOD, text: `line ${n}` }), {
    100: '{"n":100,',
    200: '{"n":"200","text":7}',
    300: Buffer.from('{"n":300,"text":"\xc3"}', 'latin1'),
    400: JSON.stringify({ n: 400, text: 'x'.repeat(20_000) }),
    500: '[1,2]',
    600: '',
    700: '{"n":700,"text":"y","more":1e400}',
  });
  const packed = gzipSync(goodLines((n) => JSON.stringify({ n: n + 2 * GOOD, text: `packed ${n}` }), {}).join('\n'));

  const expected: Letter[] = [
    { at: 'table', code: 'MR3001', place: 'line 102', issue: 'found 3 columns, expected 2' },
    { at: 'table', code: 'MR3001', place: 'line 202', issue: 'n: found "many", expected a whole number' },
    { at: 'table', code: 'MR3001', place: 'line 302', issue: 'invalid UTF-8 at byte 5: ff fe 62' },
    { at: 'table', code: 'MR3004', place: 'line 402', issue: '20004 bytes, at most 10000 are allowed' },
    { at: 'table', code: 'MR3001', place: 'line 2001', issue: 'column 2: a quote is opened and not closed to the end of the file' },
    { at: 'lines', code: 'MR3001', place: 'line 101', issue: 'not JSON: ' },
    { at: 'lines', code: 'MR3001', place: 'line 201', issue: 'n: found "200", expected a whole number | text: found 7, expected ' },
    { at: 'lines', code: 'MR3001', place: 'line 301', issue: 'invalid UTF-8 at byte 17: c3' },
    { at: 'lines', code: 'MR3004', place: 'line 401', issue: '20019 bytes, at most 10000 are allowed' },
    { at: 'lines', code: 'MR3001', place: 'line 501', issue: 'found a list of 2, expected an object with the declared fields' },
    { at: 'lines', code: 'MR3001', place: 'line 701', issue: 'the number 1e400 is beyond what a number can be' },
    { at: 'packed', code: 'MR3001', place: 'line ', issue: 'gzip' },
  ];

  test('of CSV, JSON, UTF-8 and gzip: the others give all results, each bad one is one dead letter, in the file and on the subject', () =>
    withFolder(async (folder) => {
      await writeFile(join(folder, 'rows.csv'), joined(csv));
      await writeFile(join(folder, 'rows.ndjson'), joined(lines));
      await writeFile(join(folder, 'rows.ndjson.gz'), packed.subarray(0, packed.length - 2_000));
      const { outcome, outDir } = await runText(folder, ROWS_JOB, { natsUrl: server.url, workers: 2 });
      expect(outcome).toMatchObject({ ending: 'completed', failure: null });

      const good = numbersOf(await readLines(outDir, 'good.ndjson'));
      const whole = [...range(0, GOOD), ...range(GOOD, 2 * GOOD)].filter(
        (n) => ![100, 200, 300, 400, 1999, 2100, 2200, 2300, 2400, 2500, 2600, 2700].includes(n),
      );
      expect(good.filter((n) => n < 2 * GOOD)).toEqual(whole);
      const unpacked = good.filter((n) => n >= 2 * GOOD);
      expect(unpacked.length).toBeGreaterThan(500);
      expect(unpacked).toEqual(range(2 * GOOD, 2 * GOOD + unpacked.length)); // up to where the data breaks off, without a gap

      const letters = await readDeadLetters(outDir);
      for (const { at, code, place, issue } of expected) {
        const found = letters.filter((letter) => letter.at === at && letter.place?.startsWith(place ?? '') === true);
        expect(found.map((letter) => [letter.code, letter.issues.join(' | ')])).toEqual([[code, expect.stringContaining(issue)]]);
      }
      expect(letters).toHaveLength(expected.length);
      expect(outcome.report).toMatchObject({ deadLetters: expected.length });
      expect(sorted(await readSubject(server.url, 'rows.dead-letters'))).toEqual(sorted(letters));
    }));
});

describe('events that fail on their way', () => {
  const KEYED_JOB = jobText(
    'keyed',
    `
  sources:
    - { name: events, file: { path: events.ndjson }, schema: { id: string, type: string, size: string, n: int } }
  stages:
    - { name: sized, from: events, map: { id: event.id, type: event.type, n: event.n, size: int(event.size) } }
    - name: doors
      from: sized
      keyBy: event.id
      machine:
        context: { opened: 0 }
        initial: closed
        states:
          closed: { on: { open: { target: opened, actions: [{ assign: { opened: context.opened + 1 } }] } } }
          opened:
            on:
              close:
                target: closed
                actions: [{ emit: { output: closed, value: { id: key, n: event.n, opened: context.opened } } }]
  sinks:
    - { name: closed, from: doors.closed, file: { path: closed.ndjson } }
`,
  );

  test('in an expression, or that no state handles: they alone are dead letters, their key and all others go on', () =>
    withFolder(async (folder) => {
      const events = range(0, 4_000).map((n) => ({
        id: `door ${n % 20}`,
        type: Math.floor(n / 20) % 2 === 0 ? 'open' : 'close',
        size: '1',
        n,
      }));
      const bad = [
        { id: 'door 3', type: 'close', size: 'huge', n: 1 },
        { id: 'door 4', type: 'explode', size: '1', n: 2 },
        { id: 'door 5', type: 'close', size: '1', n: 3 },
      ];
      const all = [...events.slice(0, 2_000), ...bad, ...events.slice(2_000)];
      await writeFile(join(folder, 'events.ndjson'), joined(all.map((event) => JSON.stringify(event))));
      const { outcome, outDir } = await runText(folder, KEYED_JOB, { natsUrl: server.url, workers: 2 });
      expect(outcome).toMatchObject({ ending: 'completed', failure: null });

      const closed = events.filter(({ type }) => type === 'close').map(({ id, n }) => ({ id, n, opened: Math.floor(n / 40) + 1 }));
      expect(sorted(await readLines(outDir, 'closed.ndjson'))).toEqual(sorted(closed));
      const letters = await readDeadLetters(outDir);
      expect(letters.map(({ code, at }) => `${code} ${at}`).sort()).toEqual(['MR3002 sized', 'MR3003 doors', 'MR3003 doors']);
      expect(letters.find(({ at }) => at === 'sized')).toMatchObject({
        message: expect.stringContaining('int(event.size)'),
        event: { id: 'door 3', size: 'huge' },
        place: 'line 2001',
      });
      expect(letters.filter(({ at }) => at === 'doors').map(({ key, message }) => `${key} ${message}`)).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/door 4.* in state closed handles no event explode/),
          expect.stringMatching(/door 5.* in state closed handles no event close/),
        ]),
      );
    }));

  test('in code, or that cannot be stored: the same', () =>
    withFolder(async (folder) => {
      await writeFile(join(folder, 'rows.ndjson'), joined(range(0, 1_000).map((n) => JSON.stringify({ n }))));
      await writeFile(join(folder, 'job.ts'), CODE_JOB);
      const { code } = await runCommand(['run', 'job.ts', '--out', 'out'], { cwd: folder });
      expect(code).toBe(0);
      const bad = [100, 200, 300, 400, 500];
      expect(numbersOf(await readLines(folder, 'out', 'rows-out.ndjson'))).toEqual(range(0, 1_000).filter((n) => !bad.includes(n)));
      const letters = await readDeadLetters(join(folder, 'out'));
      expect(letters.map(({ message }) => message.replace(/^MR3002 TransformFailed: /, '')).sort()).toEqual([
        expect.stringContaining('rows-map-reduce: an event holds a Map'),
        expect.stringContaining('rows-map-reduce: an event holds a function'),
        expect.stringContaining('rows-map-reduce: an event holds itself'),
        expect.stringContaining('rows-map: Error: no such door'),
        expect.stringContaining('rows-map: the result has a function'),
      ]);
    }));
});

describe('a server that cannot be used', () => {
  test('one that is too old: 3, its version and what is needed', async () => {
    const old = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.write(`INFO ${JSON.stringify({ server_id: 'OLD', version: '2.10.0', proto: 1, headers: true, max_payload: 1_048_576 })}\r\n`);
      socket.on('data', (bytes) => bytes.includes('PING') && socket.write('PONG\r\n'));
    }).listen(0, '127.0.0.1');
    await once(old, 'listening');
    try {
      await withFolder(async (folder) => {
        await writeFile(join(folder, 'rows.ndjson'), '{"n":1}\n');
        await writeFile(join(folder, 'job.yaml'), ONE_ROW_JOB);
        const url = `nats://127.0.0.1:${(old.address() as AddressInfo).port}`;
        const { code, stdout, stderr } = await runCommand(['run', 'job.yaml', '--nats', url], { cwd: folder });
        expect(stderr).toMatch(/^MR1004 NatsTooOld: .* is 2\.10\.0; Millrace needs 2\.15\.2 or newer; nothing was created\n {2}Upgrade/);
        expect([code, stdout]).toEqual([3, '']);
      });
    } finally {
      old.close();
    }
  });
});

test('workers that die at every start: the run ends, with the cause and with what to do', () =>
  withFolder(async (folder) => {
    await writeFile(join(folder, 'rows.ndjson'), '{"n":1}\n');
    await writeFile(join(folder, 'job.ts'), DYING_JOB);
    const { code, stdout } = await runCommand(['run', 'job.ts', '--isolation', 'process'], { cwd: folder });
    expect(stdout).toMatch(/✗ dying failed after .*: MR2108/);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/worker 0 died 8 times, each within a minute, .*: exit code 1: .*the model is missing/);
    expect(stdout.match(/another takes its place/g)).toHaveLength(7);
    expect(code).toBe(1);
  }));

const ONE_ROW_JOB = jobText('one', '  sources: [{ name: rows, file: { path: rows.ndjson } }]\n');

const CODE_JOB = `
import { file, job } from 'millrace';
const circle: { self?: unknown } = {};
circle.self = circle;
const odd: Record<number, unknown> = { 300: new Map([[1, 2]]), 400: () => 1, 500: circle };
export const code = job('code', (j) => {
  j.source('rows', file({ path: 'rows.ndjson', schema: { n: 'int' } }))
    .map((row) => {
      if (row.n === 100) throw new Error('no such door');
      return { n: row.n, more: row.n === 200 ? () => 1 : null };
    })
    .keyBy('n')
    .reduce({
      init: () => 0,
      step: (state: number, row: { n: number }, context) => {
        context.emit({ n: row.n, more: odd[row.n] ?? null });
        return state + 1;
      },
    })
    .toFile('rows-out.ndjson');
});
`;

/** Loads in the process of the command, and in no worker. */
const DYING_JOB = `
import { file, job } from 'millrace';
if (process.env['MILLRACE_WORKER_OPTIONS'] !== undefined) throw new Error('the model is missing');
export const dying = job('dying', (j) => {
  j.source('rows', file({ path: 'rows.ndjson', schema: { n: 'int' } })).filter((row) => row.n > 0).toFile('out.ndjson');
});
`;

/** Lines 0 … GOOD - 1, with those of `bad` in their places. */
function goodLines(line: (n: number) => string, bad: Readonly<Record<number, string | Buffer>>): (string | Buffer)[] {
  return range(0, GOOD).map((n) => bad[n] ?? line(n));
}

function joined(lines: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(lines.flatMap((line) => [Buffer.from(line as string), Buffer.from('\n')]));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

function numbersOf(values: readonly unknown[]): number[] {
  return values.map((value) => (value as { n: number }).n).sort((a, b) => a - b);
}

function sorted(values: readonly unknown[]): string[] {
  return values.map((value) => JSON.stringify(value)).sort();
}
