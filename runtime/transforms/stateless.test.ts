// filter, map, flatMap, sample, keyBy: what becomes of each event of a batch.

import { describe, expect, test } from 'vitest';
import type { Code } from '../../crds/stream-job/code.ts';
import { decodeKey } from '../event/key.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { StepHarness } from '../testing/step-harness.ts';
import { makeTransform } from './make-transform.ts';

function harness(op: OpPlan): StepHarness {
  return new StepHarness({ make: () => makeTransform({ id: 'node', inputs: [], op }) });
}

/** Plays `events` and gives what came out, as JSON a value, dead letters as `dead:` with their problem. */
function check(op: OpPlan, events: string, expected: { gives: string; filtered?: number; dead?: readonly string[] }): void {
  const played = harness(op).play(events);
  expect(played.filtered).toBe(expected.filtered ?? 0);
  expect(played.deadLetters.map((letter) => letter.message.replace('MR3002 TransformFailed: node: ', ''))).toEqual(expected.dead ?? []);
  for (const letter of played.deadLetters) expect(letter).toMatchObject({ code: 'MR3002', at: 'node', place: null });
  expect(played.emissions.map((each) => (each.kind === 'event' ? `${JSON.stringify(each.value)}@${each.timeMs}` : 'W')).join(' ')).toBe(
    expected.gives,
  );
}

describe('B1 filter', () => {
  test.each([
    {
      fact: 'events for which it holds go on unchanged',
      code: 'event.n > 1',
      events: 'a1 b2',
      gives: '{"id":"b","t":2,"n":2}@2',
      filtered: 1,
    },
    {
      fact: 'a function takes its place',
      code: (event: { n: number }) => event.n > 1,
      events: 'a1 b2',
      gives: '{"id":"b","t":2,"n":2}@2',
      filtered: 1,
    },
    { fact: 'all may go', code: 'false', events: 'a1 b2', gives: '', filtered: 2 },
    {
      fact: "the key, the time and the step's clock can be asked",
      code: "key == 'a' && timeMs == 1 && nowMs == 0",
      events: 'a1 b2',
      gives: '{"id":"a","t":1,"n":1}@1',
      filtered: 1,
    },
  ])('$fact', ({ code, events, ...expected }) => check({ kind: 'filter', code: code as Code }, events, expected));

  test('what fails for one event is a dead letter with that event, the others go on', () => {
    const played = harness({
      kind: 'filter',
      code: ((event: { n: number }) => {
        if (event.n === 2) throw new TypeError('two!');
        return true;
      }) as Code,
    }).play('a1 b2 c3');
    expect(played.deadLetters).toEqual([
      {
        code: 'MR3002',
        at: 'node',
        message: 'MR3002 TransformFailed: node: TypeError: two!',
        issues: [],
        event: { id: 'b', t: 2, n: 2 },
        place: null,
        timeMs: 2,
        key: 'b',
        stack: expect.stringMatching(/^TypeError: two!\n +at .*stateless\.test\.ts:\d+/) as string,
      },
    ]);
    expect(played.filtered).toBe(0);
    played.deadLetters.length = 0;
    expect(played.drawn()).toBe('a1 c3');
  });

  test('a batch that loses nothing is passed on itself', () => {
    const batch = { values: [{ n: 1 }], times: [1], keys: ['a'], ingestMs: 0 };
    const seen: unknown[] = [];
    const transform = makeTransform({ id: 'node', inputs: [], op: { kind: 'filter', code: 'true' } });
    transform.onBatch(batch, { nowMs: 0, emit: (given: unknown) => seen.push(given) } as never, 'left');
    expect(seen[0]).toBe(batch);
  });
});

describe('B1 map', () => {
  test.each([
    { fact: 'an expression makes the new event; the time stays', map: 'event.n * 2', events: 'a3', gives: '6@3' },
    { fact: 'named fields make one, in their order', map: { z: 'event.n', a: "'x'" }, events: 'a3', gives: '{"z":3,"a":"x"}@3' },
    { fact: 'null is a value', map: 'null', events: 'a3', gives: 'null@3' },
    {
      fact: 'an async function makes a dead letter',
      map: async () => 1,
      events: 'a3',
      gives: '',
      dead: ['it gave a promise; transforms are synchronous'],
    },
    {
      fact: 'what is thrown is shown, whatever it is',
      map: () => {
        throw 'no';
      },
      events: 'a3',
      gives: '',
      dead: ['it threw "no"'],
    },
  ])('$fact', ({ map, events, ...expected }) => check({ kind: 'map', map: map as Code }, events, expected));
});

describe('B1 flatMap', () => {
  test.each([
    {
      fact: 'a list gives its events in order, with the time of the first',
      flatMap: '[event.n, event.n + 1]',
      events: 'a1 b5',
      gives: '1@1 2@1 5@5 6@5',
    },
    {
      fact: 'of several branches those that hold give theirs',
      flatMap: [{ emit: "'all'" }, { when: 'event.n > 1', emit: { n: 'event.n' } }],
      events: 'a1 b2',
      gives: '"all"@1 "all"@2 {"n":2}@2',
    },
    { fact: 'an event that gives nothing counts as filtered', flatMap: '[]', events: 'a1', gives: '', filtered: 1 },
    {
      fact: 'what is no list is a dead letter',
      flatMap: 'event.n',
      events: 'a1',
      gives: '',
      dead: ['it must give a list of events, it gave 1'],
    },
    {
      fact: 'one failing result takes the others of its event with it, not those of others',
      flatMap: [
        { emit: 'event.n' },
        {
          when: 'event.n == 1',
          emit: (() => {
            throw new Error('one!');
          }) as Code,
        },
      ],
      events: 'a1 b2',
      gives: '2@2',
      dead: ['Error: one!'],
    },
  ])('$fact', ({ flatMap, events, ...expected }) => check({ kind: 'flatMap', flatMap: flatMap as Code }, events, expected));
});

describe('B2 sample', () => {
  const many = Array.from({ length: 2_000 }, (_, i) => ({ id: 'k', timeMs: i, n: i % 500 }));
  const sampled = (ratio: number, by: Code | null): string => {
    const played = harness({ kind: 'sample', ratio, by });
    played.push(many);
    expect(played.emissions.length + played.filtered).toBe(many.length);
    return played.drawn();
  };

  test('about the ratio goes on, the same at every replay', () => {
    const count = sampled(0.25, null).split(' ').length;
    expect(count).toBeGreaterThan(400);
    expect(count).toBeLessThan(600);
    expect(sampled(0.25, null)).toBe(sampled(0.25, null));
  });
  test('none and all', () => {
    expect(sampled(0, null)).toBe('');
    expect(sampled(1, null).split(' ')).toHaveLength(many.length);
  });
  test('all events of one key are in or all are out', () => {
    const times = sampled(0.25, 'event.n')
      .split(' ')
      .map((text) => Number(text.slice(1)) % 500);
    const counts = Map.groupBy(times, (n) => n);
    expect([...counts.values()].every((list) => list.length === 4)).toBe(true);
  });
});

describe('keyBy', () => {
  const keys = (code: OpPlan & { kind: 'keyBy' }, events: string): unknown[] =>
    harness(code)
      .play(events)
      .emissions.map((each) => each.kind === 'event' && decodeKey(each.key!));
  test.each([
    { fact: 'one expression is the key itself', code: 'event.n', key: 7 },
    { fact: 'one named part too', code: { x: 'event.id' }, key: 'a' },
    { fact: 'several parts are a list, in their order', code: { z: 'event.n', a: 'event.id' }, key: [7, 'a'] },
    { fact: 'a part of several may be null', code: { z: 'null', a: 'event.id' }, key: [null, 'a'] },
  ])('$fact', ({ code, key }) => expect(keys({ kind: 'keyBy', code: code as Code, names: [] }, 'a7')).toEqual([key]));

  test.each([
    { fact: 'null', code: "event.n == 1 ? null : 'k'", dead: 'the key is null; filter events without a key out before, or give them one' },
    {
      fact: 'a promise',
      code: (event: { n: number }) => (event.n === 1 ? Promise.resolve(1) : 'k'),
      dead: 'it gave a promise; transforms are synchronous',
    },
    { fact: 'not-a-number', code: (event: { n: number }) => (event.n === 1 ? NaN : 'k'), dead: 'the key is NaN, which equals no other' },
    {
      fact: 'not-a-number inside a list',
      code: (event: { n: number }) => (event.n === 1 ? [0, NaN] : 'k'),
      dead: 'the key is NaN, which equals no other',
    },
  ])('an event whose key is $fact is a dead letter, the others go on', ({ code, dead }) => {
    check({ kind: 'keyBy', code: code as Code, names: [] }, 'a1 b2', { gives: '{"id":"b","t":2,"n":2}@2', dead: [dead] });
  });
});
