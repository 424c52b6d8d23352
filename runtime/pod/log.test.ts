import { expect, test } from 'vitest';
import { MillraceError } from '../base/errors.ts';
import { codeIn, errorLine, makeLog, type Log } from './log.ts';

function logging(form: 'json' | 'text'): { lines: string[]; log: Log; pass: (ms: number) => void } {
  const lines: string[] = [];
  let nowMs = Date.UTC(2026, 0, 1);
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const log = makeLog({ form, job: 'shop_orders', worker: 'w1', clock, write: (line) => lines.push(line) });
  return { lines, log, pass: (ms) => void (nowMs += ms) };
}

test('a line is one JSON object with who says what when', () => {
  const { lines, log } = logging('json');
  log('warn', 'several\nlines', { task: 'hourly/3', code: 'MR2102' });
  expect(lines).toHaveLength(1);
  expect(lines[0]!.trimEnd()).not.toContain('\n');
  expect(JSON.parse(lines[0]!)).toEqual({
    time: '2026-01-01T00:00:00.000Z',
    level: 'warn',
    msg: 'several\nlines',
    job: 'shop_orders',
    worker: 'w1',
    task: 'hourly/3',
    code: 'MR2102',
  });
});

test('text is for people', () => {
  const { lines, log } = logging('text');
  log('info', 'ready', { port: 8081 });
  expect(lines).toEqual(['2026-01-01T00:00:00.000Z info  ready port=8081\n']);
});

const HOSTILE = '<b>\u001b[2J\r\n2026-01-01T00:00:00.000Z info  ready\u009b1m\u202e';
const SHOWN = '<b>\u241b[2J\u240d\u240a2026-01-01T00:00:00.000Z info  ready\u27e8U+009B\u27e91m\u27e8U+202E\u27e9';
const ESCAPED = '<b>\\u001b[2J\\r\\n2026-01-01T00:00:00.000Z info  ready\\u009b1m\\u202e';

test.each([
  { fact: 'as text', form: 'text', line: `warn  ${SHOWN} key="${ESCAPED}"\n` },
  { fact: 'as JSON', form: 'json', line: `"msg":"${ESCAPED}","job":"shop_orders","worker":"w1","key":"${ESCAPED}"}\n` },
] as const)('text of events is one line that steers no terminal, $fact (L3)', ({ form, line }) => {
  const { lines, log } = logging(form);
  log('warn', HOSTILE, { key: HOSTILE });
  expect(lines).toEqual([expect.stringContaining(line)]);
  expect(lines[0]!.indexOf('\n')).toBe(lines[0]!.length - 1);
});

test('a field that could be taken for two stands in quotes', () => {
  const { lines, log } = logging('text');
  log('info', 'x', { key: 'a level=error', code: 'MR2102', empty: '' });
  expect(lines[0]).toContain(' x key="a level=error" code=MR2102 empty=""\n');
});

test('what repeats is said again after a while, what differs at once', () => {
  const { lines, log, pass } = logging('text');
  for (let i = 0; i < 5; i++) log('info', 'waiting');
  log('info', 'another');
  pass(10_000);
  log('info', 'waiting');
  expect(lines.map((line) => line.slice(31).trim())).toEqual(['waiting', 'another', 'waiting']);
});

test('a catalogued error is told by its code and what to do, any other with its stack', () => {
  const known = errorLine(new MillraceError('MR1001', { path: '/data/x', problem: 'ENOENT' }));
  expect(known).toMatchObject({ msg: 'MR1001 FileUnreadable: cannot read /data/x: ENOENT', fields: { code: 'MR1001' } });
  expect(errorLine(new RangeError('moon')).fields['stack']).toContain('RangeError: moon');
  expect(errorLine('text')).toEqual({ msg: 'text', fields: {} });
  expect(codeIn('task a/0 stopped the job: MR2105 JournalBroken: x')).toEqual({ code: 'MR2105' });
  expect(codeIn('nothing')).toEqual({});
});
