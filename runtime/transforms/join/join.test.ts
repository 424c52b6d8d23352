import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JoinSpec } from '../../../crds/stream-job/joins.ts';
import { WATERMARK_MIN } from '../../event/batch.ts';
import type { Value } from '../../event/batch.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeJoin } from './join.ts';

type Type = JoinSpec['type'];
type Row = { id: string; t: number; n: number } | null;

const SELECT = { left: 'left', right: 'right' };

function join(type: Type, withinMs: number, select: JoinSpec['select'] = SELECT, stepBytes?: number): StepHarness {
  return new StepHarness({
    make: () => makeJoin({ kind: 'join', spec: { with: 'other', type, within: `${withinMs}ms`, select }, withinMs }),
    stepBytes,
  });
}

/** A joined event as `a1+4@4`: left time, right time (- for none), time of the result. */
function show(value: Value, timeMs: number): string {
  const { left, right } = value as { left: Row; right: Row };
  if (left === undefined) return `${(value as unknown as { id: string }).id}${timeMs}`;
  return `${(left ?? right)!.id}${left?.t ?? '-'}+${right?.t ?? '-'}@${timeMs}`;
}

describe('an inner join within 5 ms', () => {
  test.each([
    { fact: 'joins what comes later on either side', events: 'a1 >a4 a6', emits: 'a1+4@4 a6+4@6' },
    { fact: 'the bound belongs to it', events: 'a1 >a6 >a-4', emits: 'a1+6@6 a1+-4@1' },
    { fact: 'beyond the bound is no match', events: 'a1 >a7 >a-5', emits: '' },
    { fact: 'keys do not mix', events: 'a1 >b1', emits: '' },
    { fact: 'every pair comes once, in the order of the buffered side', events: 'a1 a3 >a2 | >a2', emits: 'a1+2@2 a3+2@3 a1+2@2 a3+2@3' },
    { fact: 'matches wait in time, not in arrival', events: 'a9 a1 >a5', emits: 'a1+5@5 a9+5@9' },
    { fact: 'an event is there as long as something may match it', events: 'a1 W5 >a6', emits: 'W5 a1+6@6' },
    { fact: 'at or before the watermark is late: a dead letter', events: 'a1 W3 >a3 >a4', emits: 'W3 a1+4@4 dead:a3' },
    { fact: 'buffers survive a restart', events: 'a1 R >a2 R a3', emits: 'a1+2@2 a3+2@3' },
    { fact: 'the watermark goes on as it is', events: 'a1 W7 Wend', emits: 'W7 Wend' },
  ])('$fact', ({ events, emits }) => expect(join('inner', 5).play(events).drawn(show)).toBe(emits));
});

test.each([
  { fact: 'longer', withins: [5, 50], events: 'a1 >b2 a20 R >a45 b9', emits: 'a1+45@45 a20+45@45 b9+2@9', left: 0 },
  { fact: 'shorter', withins: [50, 5], events: 'a1 >b2 a20 R >a24 b9 b3', emits: 'a20+24@24 b3+2@3', left: 0 },
])('what an inner join holds is matched within an interval that became $fact', ({ withins, events, emits, left }) => {
  const next = [...withins];
  const spec = { with: 'other', type: 'inner' as const, within: '', select: SELECT };
  const played = new StepHarness({ make: () => makeJoin({ kind: 'join', spec, withinMs: next.shift() ?? 0 }) }).play(events);
  expect(played.drawn(show)).toBe(emits);
  played.play('Wend');
  expect(played.state.cells('node').size()).toBe(left);
});

describe('an outer join within 5 ms', () => {
  test.each<{ fact: string; type: Type; events: string; emits: string }>([
    {
      fact: 'left: an unmatched row comes when the watermark reaches its time + 5',
      type: 'left',
      events: 'a1 W5 W6',
      emits: 'W0 a1+-@1 W1',
    },
    { fact: 'left: a matched row does not', type: 'left', events: 'a1 >a6 Wend', emits: 'a1+6@6 Wend' },
    { fact: 'left: nor the other side alone', type: 'left', events: '>a1 Wend', emits: 'Wend' },
    { fact: 'right: the other way round', type: 'right', events: 'a1 >b2 Wend', emits: 'b-+2@2 Wend' },
    {
      fact: 'full: both, by time, left before right',
      type: 'full',
      events: '>b3 >a1 b9 c1 a3 Wend',
      emits: 'a3+1@3 c1+-@1 b-+3@3 b9+-@9 Wend',
    },
    { fact: 'a match that came long before is remembered', type: 'left', events: '>a1 W3 a6 W10 W11', emits: 'W-2 a6+1@6 W5 W6' },
    { fact: 'a match is found again after a restart', type: 'left', events: '>a1 W3 a6 R W8 R W11', emits: 'W-2 a6+1@6 W3 W6' },
    { fact: 'a row is judged once, restarts or not', type: 'left', events: 'a1 b2 W6 R W7 R Wend', emits: 'a1+-@1 W1 b2+-@2 W2 Wend' },
  ])('$fact', ({ type, events, emits }) => expect(join(type, 5).play(events).drawn(show)).toBe(emits));
});

test('late events go to the output that something reads', () => {
  const spec = { with: 'other', type: 'inner' as const, within: '5ms' };
  const harness = new StepHarness({ make: () => makeJoin({ kind: 'join', spec, withinMs: 5, late: 'output' }), outputs: ['late'] });
  expect(harness.play('a1 W3 >a3').drawn()).toBe('W3 late:a3');
  expect(harness.late).toBe(1);
});

test('without select the result holds both sides', () => {
  const harness = new StepHarness({
    make: () => makeJoin({ kind: 'join', spec: { with: 'other', type: 'inner', within: '5ms' }, withinMs: 5 }),
  });
  harness.play('a1 >a2');
  expect(harness.emissions).toMatchObject([{ value: { left: { id: 'a', t: 1 }, right: { id: 'a', t: 2 } }, timeMs: 2, key: 'a' }]);
});

test('select may be an expression or named fields, over null where a side has none', () => {
  const fields = join('full', 5, { gap: 'left == null || right == null ? -1 : right.t - left.t' }).play('a1 >a4 >b9 Wend');
  expect(fields.drawn((value) => String((value as { gap: number }).gap))).toBe('3 -1 Wend');
  const code = join('inner', 5, 'left.n + right.n').play('a1 >a4');
  expect(code.drawn(String)).toBe('5');
});

test('a pair whose select fails is a dead letter with both sides; other pairs stand', () => {
  const harness = join('inner', 5, 'left.t == 1 ? left.missing.field : left.t').play('a1 a2 >a3');
  expect(harness.deadLetters).toMatchObject([
    { code: 'MR3002', at: 'node', event: { left: { t: 1 }, right: { t: 3 } }, timeMs: 3, key: 'a', input: null },
  ]);
  expect(harness.emissions).toMatchObject([{ value: 2 }]);
});

test.each<{ type: Type; goneAt: number }>([
  { type: 'inner', goneAt: 29 + 5 },
  { type: 'full', goneAt: 29 + 2 * 5 },
])('$type: a bucket is dropped when nothing can match its events or needs them any more', ({ type, goneAt }) => {
  const cells = (events: string): number => join(type, 5).play(events).state.cells('node').size();
  expect(cells(`a1 >a2 a25 >a29 W${goneAt - 1}`)).toBe(2);
  expect(cells(`a1 >a2 a25 >a29 W${goneAt}`)).toBe(0);
});

// ---- against a slow and obvious model ----

type Play = { kind: 'event'; side: 'left' | 'right'; id: string; t: number } | { kind: 'rise'; byMs: number } | { kind: 'restart' };

function model(type: Type, withinMs: number, plays: readonly Play[]): { pairs: string[]; late: number } {
  const rows: { side: 'left' | 'right'; id: string; t: number; matched: boolean; given: boolean }[] = [];
  const out: string[] = [];
  let watermark = WATERMARK_MIN;
  let late = 0;
  const rise = (to: number): void => {
    const due: string[] = [];
    for (const row of rows) {
      if (row.given || row.t + withinMs > to) continue;
      row.given = true;
      const isOuter = type === 'full' || type === row.side;
      if (isOuter && !row.matched) due.push(row.side === 'left' ? `${row.id}${row.t}+-@${row.t}` : `${row.id}-+${row.t}@${row.t}`);
    }
    out.push(...due.sort(), to === Infinity ? 'Wend' : `W${type === 'inner' ? to : to - withinMs}`);
    watermark = to;
  };
  for (const play of plays) {
    if (play.kind === 'rise') rise(watermark === WATERMARK_MIN ? play.byMs - 60 : watermark + play.byMs);
    if (play.kind !== 'event') continue;
    if (play.t <= watermark) {
      late++;
      continue;
    }
    const row = { ...play, matched: false, given: false };
    const pairs: string[] = [];
    for (const one of rows) {
      if (one.side === row.side || one.id !== row.id || Math.abs(one.t - row.t) > withinMs) continue;
      one.matched = row.matched = true;
      const [left, right] = row.side === 'left' ? [row, one] : [one, row];
      pairs.push(`${row.id}${left.t}+${right.t}@${Math.max(left.t, right.t)}`);
    }
    out.push(...pairs.sort());
    rows.push(row);
  }
  rise(Infinity);
  return { pairs: out, late };
}

/** What the transform gives, pairs of one event and rows of one rise sorted, as the model has them. */
function run(type: Type, withinMs: number, plays: readonly Play[], stepBytes?: number): { pairs: string[]; late: number } {
  const harness = join(type, withinMs, SELECT, stepBytes);
  const out: string[] = [];
  let watermark = WATERMARK_MIN;
  let forwarded = WATERMARK_MIN;
  const collect = (): void => {
    for (const emission of harness.emissions)
      if (emission.kind === 'event' && emission.timeMs <= forwarded) throw new Error('a result behind the watermark');
    const drawn = harness
      .drawn(show)
      .split(' ')
      .filter((text) => text !== '' && !text.startsWith('dead:'));
    out.push(...drawn.filter((text) => !text.startsWith('W')).sort(), ...drawn.filter((text) => text.startsWith('W')));
  };
  for (const play of [...plays, { kind: 'end' } as const]) {
    if (play.kind === 'event') harness.push([{ id: play.id, timeMs: play.t, n: 0 }], play.side === 'left' ? 0 : 1);
    else if (play.kind === 'restart') harness.restart();
    else
      harness.advance((watermark = play.kind === 'end' ? Infinity : watermark === WATERMARK_MIN ? play.byMs - 60 : watermark + play.byMs));
    collect();
    forwarded = type === 'inner' ? watermark : watermark - withinMs;
  }
  if (harness.state.cells('node').size() > 0) throw new Error('state stays behind after the end');
  return { pairs: out, late: harness.late };
}

test('G1 joins give what comparing every pair gives', () => {
  const play: fc.Arbitrary<Play> = fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({
        kind: fc.constant('event' as const),
        side: fc.constantFrom('left' as const, 'right' as const),
        id: fc.constantFrom('a', 'b'),
        t: fc.integer({ min: -60, max: 60 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('rise' as const), byMs: fc.integer({ min: 1, max: 30 }) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  );
  fc.assert(
    fc.property(
      fc.constantFrom<Type[]>('inner', 'left', 'right', 'full'),
      fc.integer({ min: 0, max: 25 }),
      fc.array(play, { maxLength: 60 }),
      (type, withinMs, plays) => {
        const expected = model(type, withinMs, plays);
        for (const stepBytes of [undefined, 1, 150]) expect(run(type, withinMs, plays, stepBytes)).toEqual(expected);
      },
    ),
    { numRuns: 300 },
  );
});
