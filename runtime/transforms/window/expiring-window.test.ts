// Windows by count and the global one whose keys expire: drawn, and against a model that keeps every event.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { greatestCommonDivisor } from '../../base/greatest-common-divisor.ts';
import type { CompiledPanes, CompiledWindow } from '../../plan/physical-plan.ts';
import type { StepHarness } from '../../testing/step-harness.ts';
import { showWindow, trigger, windowHarness, type Play } from './window-drawing.ts';

const TTL_MS = 10;
const by = (size: number, every = size, orAfterMs: number | null = null): CompiledWindow => ({ kind: 'count', size, every, orAfterMs });
const state = (emits: boolean) => ({ state: { ttlMs: TTL_MS, emits } });
const everyTwo = (accumulation: CompiledPanes['accumulation']): CompiledPanes => ({ early: [trigger({ count: 2 })], accumulation });

describe('C2 windows by count of a key that was quiet for 10 ms', () => {
  test.each([
    { fact: 'are forgotten, and what was in none is in none', window: by(3), emits: false, events: 'a1 a2 W11 W12 a14', says: 'W11 W12' },
    { fact: 'or come as they are', window: by(3), emits: true, events: 'a1 a2 W11 W12', says: 'W11 #0[1,3) a=2 at 12 W12' },
    {
      fact: 'begin anew with the first number',
      window: by(2),
      emits: true,
      events: 'a1 a2 a3 a4 a15 a16',
      says: '#0[1,3) a=2 #1[3,5) a=2 #0[15,17) a=2',
    },
    { fact: 'say nothing when all was told', window: by(2), emits: true, events: 'a1 a2 W30', says: '#0[1,3) a=2 W30' },
    {
      fact: 'say of overlapping ones the last',
      window: by(4, 2),
      emits: true,
      events: 'a1 a2 a3 W30',
      says: '#0[1,3) a=2 #1[1,4) a=3 at 13 W30',
    },
    {
      fact: 'go at the end of the input',
      window: by(3),
      emits: true,
      events: 'a1 b3 Wend',
      says: '#0[1,2) a=1 at 11 #0[3,4) b=1 at 13 Wend',
    },
    { fact: 'go once, over restarts', window: by(3), emits: true, events: 'a1 R a2 R W12 R W30', says: '#0[1,3) a=2 at 12 W12 W30' },
    {
      fact: 'are put off by their own timer',
      window: by(9, 9, 5),
      emits: true,
      events: 'a1 W6 a9 W14 W24',
      says: '#0[1,2) a=1 at 6 W6 #1[9,10) a=1 at 14 W14 W24',
    },
    {
      fact: 'come where their own time is over by then, though the watermark does not say so yet',
      window: by(9, 9, 5),
      emits: false,
      events: 'a1 a20 W24 W25 W40',
      says: '#0[1,2) a=1 at 11 W24 #0[20,21) a=1 at 25 W25 W40',
    },
    {
      fact: 'come where their own time is over just then',
      window: by(9, 9, 10),
      emits: false,
      events: 'a1 W11 W30',
      says: '#0[1,2) a=1 at 11 W11 W30',
    },
    {
      fact: 'are in no result where their own time is not over yet',
      window: by(9, 9, 11),
      emits: false,
      events: 'a1 W11 W30',
      says: 'W11 W30',
    },
  ])('$fact', ({ window, emits, events, says }) => {
    const played = windowHarness(window, 'output', state(emits)).play(events);
    expect(played.drawn(showWindow)).toBe(says);
  });
});

describe('C2 the global window of a key that was quiet for 10 ms', () => {
  test.each([
    {
      fact: 'ends, as at the end of the input',
      accumulation: 'accumulating',
      events: 'a1 a2 a3 W13 a14',
      says: 'early0 a=2 at 2 onTime1! a=3 at 13 W13',
    },
    {
      fact: 'ends before an event that is not of it',
      accumulation: 'accumulating',
      events: 'a1 a20 a21',
      says: 'onTime0! a=1 at 11 early0 a=2 at 21',
    },
    { fact: 'tells what is new', accumulation: 'discarding', events: 'a1 a2 a3 W30', says: 'early0 a=2 at 2 onTime1! a=1 at 13 W30' },
    {
      fact: 'takes back what it told',
      accumulation: 'retracting',
      events: 'a1 a2 a3 W30',
      says: 'early0 a=2 at 2 not0 a=2 at 13 onTime1! a=3 at 13 W30',
    },
    { fact: 'ends once, over restarts', accumulation: 'accumulating', events: 'a1 R W11 R W30', says: 'onTime0! a=1 at 11 W11 W30' },
  ] as const)('$fact', ({ accumulation, events, says }) => {
    const played = windowHarness({ kind: 'global' }, 'output', { ...state(false), panes: everyTwo(accumulation) }).play(events);
    expect(played.drawn(showWindow)).toBe(says);
  });
});

test.each([
  { what: 'a window by count', window: by(4, 2), more: {} },
  { what: 'the global window', window: { kind: 'global' } as const, more: { panes: everyTwo('accumulating') } },
])('nothing stays of keys that are never seen again: $what', ({ window, more }) => {
  const played = windowHarness(window, 'output', { ...state(false), ...more }).play('a1 b2 c3 W13');
  expect([played.state.cells('node').size(), played.state.nextDueMs('node')]).toEqual([0, Infinity]);
});

// ---- against a model

type ModelKey = { all: number[]; since: number; number: number; lastMs: number };
type Kind = { readonly add: (id: string, key: ModelKey) => string | null; readonly end: (id: string, key: ModelKey) => string | null };

function modelOf(kind: Kind, plays: readonly Play[]): string {
  const keys = new Map<string, ModelKey>();
  const out: (string | null)[] = [];
  let watermark = -Infinity;
  const end = (id: string): void => {
    out.push(kind.end(id, keys.get(id)!));
    keys.delete(id);
  };
  for (const play of plays) {
    if (play.kind === 'event') {
      const { id, timeMs } = play;
      if ((keys.get(id)?.lastMs ?? Infinity) + TTL_MS <= timeMs) end(id);
      const key = keys.get(id) ?? { all: [], since: 0, number: 0, lastMs: timeMs };
      keys.set(id, key);
      key.all.push(timeMs);
      key.since++;
      key.lastMs = Math.max(key.lastMs, timeMs);
      out.push(kind.add(id, key));
    } else if (play.kind === 'watermark' && play.watermark > watermark) {
      watermark = play.watermark;
      const due = [...keys].filter(([, { lastMs }]) => lastMs + TTL_MS <= watermark);
      for (const [id] of due.toSorted(([a, { lastMs }], [b, other]) => lastMs - other.lastMs || (a < b ? -1 : 1))) end(id);
      out.push(`W${watermark === Infinity ? 'end' : watermark}`);
    }
  }
  return out.filter((text) => text !== null).join(' ');
}

function countKind(size: number, every: number, emits: boolean): Kind {
  const piece = greatestCommonDivisor(size, every);
  const shown = (id: string, key: ModelKey, times: readonly number[]): string => {
    key.since = 0;
    return `#${key.number++}[${Math.min(...times)},${Math.max(...times) + 1}) ${id}=${times.length}`;
  };
  return {
    add: (id, key) => (key.since === every ? shown(id, key, key.all.slice(-size)) : null),
    end: (id, key) => (emits && key.since > 0 ? shown(id, key, key.all.slice(-(size - piece + (key.all.length % piece)))) : null),
  };
}

const globalKind: Kind = {
  add: (id, key) => {
    if (key.since < 2) return null;
    key.since = 0;
    return `early${key.number++} ${id}=${key.all.length}`;
  },
  end: (id, key) => `onTime${key.number}! ${id}=${key.all.length}`,
};

function run(harness: StepHarness, plays: readonly Play[]): string {
  for (const play of plays) {
    if (play.kind === 'event') harness.push([{ id: play.id, timeMs: play.timeMs, n: 1 }]);
    else if (play.kind === 'restart') harness.restart();
    else harness.advance(play.watermark);
  }
  expect(harness.state.cells('node').size()).toBe(0);
  return harness.drawn(showWindow).replaceAll(/ at -?\d+/g, '');
}

const time = fc.integer({ min: 0, max: 90 });
const plays: fc.Arbitrary<Play[]> = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: fc.record({ kind: fc.constant('event' as const), id: fc.constantFrom('a', 'b'), timeMs: time }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('watermark' as const), watermark: time }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
    ),
    { maxLength: 60 },
  )
  .map((list) => [...list, { kind: 'watermark', watermark: Infinity }]);

test('C2 windows by count that expire equal a model that keeps every event, over restarts', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.nat({ max: 5 }), fc.boolean(), plays, (size, less, emits, list) => {
      const every = Math.max(1, size - less);
      expect(run(windowHarness(by(size, every), 'output', state(emits)), list)).toBe(modelOf(countKind(size, every, emits), list));
    }),
    { numRuns: 300 },
  );
});

test('C2 a global window that expires equals a model that keeps every event, over restarts', () => {
  fc.assert(
    fc.property(plays, (list) => {
      const harness = windowHarness({ kind: 'global' }, 'output', { ...state(false), panes: everyTwo('accumulating') });
      expect(run(harness, list)).toBe(modelOf(globalKind, list));
    }),
    { numRuns: 300 },
  );
});
