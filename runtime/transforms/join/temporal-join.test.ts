import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DELETED_KEY_MS } from '../../base/limits.ts';
import { WATERMARK_MAX, WATERMARK_MIN } from '../../event/batch.ts';
import type { Value } from '../../event/batch.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeTemporalJoin } from './temporal-join.ts';

type Options = { type?: 'inner' | 'left'; graceMs?: number; validForMs?: number | null; late?: 'output' | 'deadLetter'; deleted?: string };

/** Rows with n = 0 say that their key is deleted. */
function join({ type = 'left', graceMs = 0, validForMs = null, late = 'deadLetter', deleted = 'event.n == 0' }: Options = {}): StepHarness {
  const temporal = { grace: `${graceMs}ms`, deleted };
  const spec = { with: 'rates', type, temporal };
  return new StepHarness({
    make: () => makeTemporalJoin({ kind: 'temporalJoin', spec, temporal, graceMs, validForMs, late }),
    outputs: ['late'],
  });
}

/** An event with its row: `a5:3`, without one `a5:-`. */
function show(value: Value, timeMs: number): string {
  const { left, right, id } = value as { left?: { id: string }; right?: { n: number } | null; id?: string };
  return left === undefined ? `${id}${timeMs}` : `${left.id}${timeMs}:${right?.n ?? '-'}`;
}

describe('a temporal join to a versioned table that is a stream', () => {
  test.each<{ fact: string; events: string; emits: string } & Options>([
    { fact: 'an event gets the row that was valid at its time', events: '>a1=1 >a5=2 | a3 a7 W9', emits: 'a3:1 a7:2 W9' },
    { fact: 'a row of the same time is valid already', events: '>a1=1 >a5=2 | a5 W9', emits: 'a5:2 W9' },
    { fact: 'of two rows of one time the later one is', events: '>a1=1 >a1=2 | a5 W9', emits: 'a5:2 W9' },
    { fact: 'before the first row there is none: left', events: '>a5=1 | a3 W9', emits: 'a3:- W9' },
    { fact: 'before the first row there is none: inner', type: 'inner', events: '>a5=1 | a3 a6 W9', emits: 'a6:1 W9' },
    { fact: 'keys do not mix', events: '>a1=1 | b3 W9', emits: 'b3:- W9' },
    { fact: 'an event waits for the watermark', events: '>a1=1 | a3 a7 W5 W7', emits: 'a3:1 W5 a7:1 W7' },
    { fact: 'so a row that comes out of order is seen', events: 'a3 | >a5=2 >a1=1 W9', emits: 'a3:1 W9' },
    { fact: 'within its grace also behind the watermark', graceMs: 4, events: 'a3 >a0=8 W5 >a2=1 W7', emits: 'W1 a3:1 W3' },
    { fact: 'results come by time, then as events came', events: '>a1=1 | a7 a3 b3 a3 W9', emits: 'a3:1 b3:- a3:1 a7:1 W9' },
    { fact: 'a deleted key has no row, until the next one', events: '>a1=1 >a5=0 >a8=2 | a3 a6 a9 W9', emits: 'a3:1 a6:- a9:2 W9' },
    { fact: 'a row that is too old counts as none', validForMs: 5, events: '>a1=1 | a5 a6 W9', emits: 'a5:1 a6:- W9' },
    { fact: 'an event at or before its time is late', late: 'output', graceMs: 2, events: 'W5 a3 a4 W6', emits: 'W3 late:a3 a4:- W4' },
    { fact: 'a late event that nobody reads is a dead letter', events: 'W5 a5', emits: 'W5 dead:a5' },
    { fact: 'a late row is seen by the events to come', late: 'output', events: 'W5 >a2=1 a7 W9', emits: 'W5 a7:1 W9' },
    {
      fact: 'a late row that a newer one has replaced is late',
      late: 'output',
      events: '>a4=2 W5 >a2=1 a7 W9',
      emits: 'W5 late:a2 a7:2 W9',
    },
    { fact: 'nor does it bring a deleted key back', late: 'output', events: '>a4=0 W5 >a2=1 a7 W9', emits: 'W5 late:a2 a7:- W9' },
    { fact: 'what waits and what is valid survive a restart', events: '>a1=1 >a6=2 | a3 R W4 R a7 R W9', emits: 'a3:1 W4 a7:2 W9' },
    { fact: 'at the end all that waits comes', graceMs: 100, events: '>a1=1 | a3 Wend', emits: 'a3:1 Wend' },
  ])('$fact', ({ events, emits, ...options }) => expect(join(options).play(events).drawn(show)).toBe(emits));
});

test('a row of which nobody can say whether it is a deletion is a dead letter', () => {
  const harness = join({ deleted: 'event.missing.n' }).play('>a1=1 | a3 W9');
  expect(harness.deadLetters).toMatchObject([{ code: 'MR3002', at: 'node', event: { id: 'a', n: 1 }, timeMs: 1 }]);
  expect(harness.drawn(show)).toContain('a3:-');
});

test('versions that no event can need any more are dropped: of a key one row stays', () => {
  const harness = join();
  for (let t = 1; t <= 5_000; t++) harness.push([{ id: 'a', timeMs: t, n: t }], 1);
  harness.advance(5_000);
  expect(harness.state.cells('node').size()).toBe(1);
  harness.play('a5001 W5001');
  expect(harness.drawn(show)).toBe('W5000 a5001:5000 W5001');
});

test.each([
  { fact: 'a deleted key is forgotten after a day', options: {}, rows: '>a1=1 >a5=0 W9', goneAt: 5 + DELETED_KEY_MS },
  { fact: 'a row is forgotten when it is no longer valid', options: { validForMs: 50 }, rows: '>a1=1 W9', goneAt: 51 },
  { fact: 'and not before events within the grace had it', options: { validForMs: 50, graceMs: 7 }, rows: '>a1=1 W9', goneAt: 58 },
])('$fact', ({ options, rows, goneAt }) => {
  const harness = join(options).play(rows);
  harness.advance(goneAt - 1);
  harness.restart();
  expect(harness.state.cells('node').size()).toBe(1);
  harness.advance(goneAt);
  expect(harness.state.cells('node').size()).toBe(0);
});

test('a validity that became longer (an upgrade) holds for rows that are there', () => {
  const valid = [10, 1_000];
  const temporal = { grace: '0ms' };
  const spec = { with: 'rates', type: 'left' as const, temporal };
  const harness = new StepHarness({
    make: () => makeTemporalJoin({ kind: 'temporalJoin', spec, temporal, graceMs: 0, validForMs: valid.shift() ?? 0, late: 'output' }),
  });
  harness.play('>a1=1 W5 R W100 a200 W300');
  expect(harness.drawn(show)).toBe('W5 W100 a200:1 W300');
});

// ---- against a slow and obvious model

type Play = { kind: 'event' | 'row'; id: string; t: number; n: number } | { kind: 'rise'; byMs: number } | { kind: 'restart' };
type Row = { id: string; t: number; n: number };

/** Every row that was taken, looked through for each event. */
function model(
  { type, graceMs, validForMs }: { type: 'inner' | 'left'; graceMs: number; validForMs: number },
  plays: readonly Play[],
): string {
  const rows: Row[] = [];
  let waiting: Row[] = [];
  const out: string[] = [];
  let watermark = WATERMARK_MIN;
  const newest = (id: string, t: number): Row | undefined =>
    rows
      .filter((row) => row.id === id && row.t <= t)
      .reduce<Row | undefined>((best, row) => (best !== undefined && best.t > row.t ? best : row), undefined);
  for (const play of [...plays, { kind: 'rise', byMs: Infinity } as const]) {
    const nowMs = watermark - graceMs;
    switch (play.kind) {
      case 'restart':
        break;
      case 'event':
        if (play.t <= nowMs) out.push(`late:${play.id}${play.t}`);
        else waiting.push(play);
        break;
      case 'row': {
        const known = newest(play.id, nowMs);
        const isKnown = known !== undefined && known.t > play.t && (known.n === 0 || known.t + validForMs > nowMs);
        if (play.t <= nowMs && (isKnown || (play.n !== 0 && play.t + validForMs <= nowMs))) out.push(`late:${play.id}${play.t}`);
        else rows.push(play);
        break;
      }
      case 'rise': {
        watermark = watermark === WATERMARK_MIN && play.byMs !== Infinity ? play.byMs - 40 : watermark + play.byMs;
        if (play.byMs === Infinity) watermark = WATERMARK_MAX;
        const due = waiting.filter(({ t }) => t <= watermark - graceMs).sort((a, b) => a.t - b.t);
        waiting = waiting.filter(({ t }) => t > watermark - graceMs);
        for (const { id, t } of due) {
          const row = newest(id, t);
          const found = row !== undefined && row.n !== 0 && t < row.t + validForMs ? row.n : '-';
          if (found !== '-' || type === 'left') out.push(`${id}${t}:${found}`);
        }
        out.push(watermark === WATERMARK_MAX ? 'Wend' : `W${watermark - graceMs}`);
      }
    }
  }
  return out.join(' ');
}

function run(options: { type: 'inner' | 'left'; graceMs: number; validForMs: number }, plays: readonly Play[]): string {
  const harness = join({ ...options, late: 'output' });
  let watermark = WATERMARK_MIN;
  for (const play of plays) {
    if (play.kind === 'restart') harness.restart();
    else if (play.kind === 'rise') harness.advance((watermark = watermark === WATERMARK_MIN ? play.byMs - 40 : watermark + play.byMs));
    else harness.push([{ id: play.id, timeMs: play.t, n: play.n }], play.kind === 'event' ? 0 : 1);
  }
  harness.advance(WATERMARK_MAX);
  return harness.drawn(show);
}

test('G2 out-of-order rows, deletions, lateness and restarts: what looking through all rows gives', () => {
  const at = { id: fc.constantFrom('a', 'b'), t: fc.integer({ min: -40, max: 60 }), n: fc.integer({ min: 0, max: 5 }) };
  const play: fc.Arbitrary<Play> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('event' as const), ...at }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('row' as const), ...at }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('rise' as const), byMs: fc.integer({ min: 1, max: 25 }) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  );
  const options = fc.record({
    type: fc.constantFrom('inner' as const, 'left' as const),
    graceMs: fc.integer({ min: 0, max: 20 }),
    validForMs: fc.integer({ min: 1, max: 60 }),
  });
  fc.assert(
    fc.property(options, fc.array(play, { maxLength: 60 }), (how, plays) => {
      expect(run(how, plays)).toBe(model(how, plays));
    }),
    { numRuns: 500 },
  );
});
