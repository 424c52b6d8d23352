import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate, NO_COSTS, type Signals } from './evaluate.ts';
import type { LoadGraph, Sample, StageTime } from './sample.ts';

const graph: LoadGraph = {
  stages: [
    { id: 'in', isSource: true, partitionCount: 1, to: ['sums'] },
    { id: 'sums', isSource: false, partitionCount: 2, to: [] },
  ],
};
type Given = {
  readonly perS?: number;
  readonly takenPerS?: number;
  readonly inMs?: number;
  readonly sumsMs?: number;
  readonly busyMs?: number;
  readonly lag?: number;
};

/** At second `t`: so many events came and were taken in each second, of so many ms of work each. */
function sample(
  t: number,
  { perS = 1_000, takenPerS = perS, inMs = 0.1, sumsMs = 0.2, busyMs, lag = 0 }: Given = {},
  more: Partial<Sample> = {},
): Sample {
  const taken = takenPerS * t;
  const time = (ms: number) => ({ busyMs: ms, blockedMs: 0, idleMs: Math.max(0, t * 1_000 - ms) });
  const steps = taken * inMs + taken * 2 * sumsMs;
  return {
    atMs: t * 1_000,
    workers: [{ id: 'w', time: time(busyMs ?? steps * 1.5) }],
    tasks: [
      { task: 'in/0', stage: 'in', worker: 'w', epoch: 1, eventsIn: taken, edgesOut: [taken * 2], time: time(taken * inMs) },
      ...[0, 1].map((p) => ({
        task: `sums/${p}`,
        stage: 'sums',
        worker: 'w',
        epoch: 1,
        eventsIn: taken,
        edgesOut: [],
        time: time(taken * sumsMs),
      })),
    ],
    sources: [{ stage: 'in', takenEvents: taken, backlogEvents: (perS - takenPerS) * t }],
    lags: new Map([['sums', lag]]),
    missing: null,
    ...more,
  };
}
const seconds = [20, 24, 28, 32, 36, 40];
const evaluated = (samples: readonly Sample[]): ReturnType<typeof evaluate>['signals'] =>
  evaluate(graph, samples, { costs: NO_COSTS, perWorkerPerS: null }).signals;
function known(samples: readonly Sample[]): Signals {
  const signals = evaluated(samples);
  if (signals.kind === 'unknown') throw new Error(signals.why);
  return signals;
}

test('an event costs what it and what it causes keep workers busy with', () => {
  // 0.1 ms, and two events of 0.2 ms behind it, and half of that around them
  const signals = known(seconds.map((t) => sample(t)));
  expect(signals.perWorkerPerS).toBeCloseTo(1_000 / 0.75, 3);
  expect(signals).toMatchObject({ offeredPerS: 1_000, throughPerS: 1_000, backlogEvents: 0, lagS: 0 });
  expect(signals.offeredWork).toBeCloseTo(0.75, 6);
  expect(signals.busy).toBeCloseTo(0.75, 6);
  expect(signals.shares.map(({ task }) => task)).toEqual(['sums/0', 'sums/1', 'in/0']);
});

test('what comes counts, though less is taken in; what waits is work where its workers are busy', () => {
  const signals = known(seconds.map((t) => sample(t, { perS: 2_000, takenPerS: 1_300 })));
  expect(signals).toMatchObject({ offeredPerS: 2_000, backlogEvents: 28_000, lagS: 14 });
  expect(signals.throughPerS).toBeCloseTo(1_300, 6);
  expect(signals.backlogWorkS).toBeCloseTo(21, 3);
});

test('what waits behind workers that have time is no work for more of them', () => {
  const signals = known(seconds.map((t) => sample(t, { perS: 200, lag: 10_000 })));
  expect(signals.busy).toBeLessThan(0.2);
  expect(signals.backlogWorkS).toBe(0);
  expect(signals.lagS).toBeCloseTo(20, 0); // 10,000 events of 0.3 ms are 4,000 of the source's 0.75 ms
});

test.each([
  { fact: 'nothing', samples: [], why: 'nothing was measured yet' },
  { fact: 'one sample', samples: [sample(20)], why: 'there are no two measurements yet to compare' },
  {
    fact: 'a sample that lacks something',
    samples: [sample(20), sample(24, {}, { missing: '1 of 3 tasks report nothing (in/0)' })],
    why: '1 of 3 tasks report nothing (in/0)',
  },
  {
    fact: 'counts that went back',
    samples: [sample(20, { perS: 9_000 }), sample(24)],
    why: 'counts went back: messages were removed from a source, or the run began anew',
  },
  { fact: 'no numbers', samples: [sample(20), sample(24, { lag: Number.NaN })], why: 'figures are no numbers' },
  {
    fact: 'workers that nobody saw before',
    samples: [sample(20), sample(24, {}, { workers: [{ id: 'x', time: { busyMs: 1, blockedMs: 0, idleMs: 1 } }] })],
    why: 'its workers are new',
  },
])('$fact says nothing', ({ samples, why }) => {
  expect(evaluated(samples)).toEqual({ kind: 'unknown', why });
});

test('a quiet job keeps what an event costs', () => {
  const before = evaluate(
    graph,
    seconds.map((t) => sample(t)),
    { costs: NO_COSTS, perWorkerPerS: null },
  );
  const quiet = [300, 304, 308, 312].map((t) => ({
    ...sample(40),
    atMs: t * 1_000,
    workers: [{ id: 'w', time: { busyMs: 500, blockedMs: 0, idleMs: t * 1_000 } }],
  }));
  const { signals } = evaluate(graph, quiet, { costs: before.costs, perWorkerPerS: 1_333 });
  expect(signals).toMatchObject({ kind: 'known', offeredPerS: 0, offeredWork: 0 });
  expect((signals as Signals).perWorkerPerS).toBeCloseTo(1_333.33, 1);
});

test('that events cost more is believed of busy workers only, that they cost less of all', () => {
  const after = (perS: number, sumsMs: number, from: ReturnType<typeof evaluate>): ReturnType<typeof evaluate> =>
    evaluate(
      graph,
      seconds.map((t) => sample(t, { perS, sumsMs })),
      { costs: from.costs, perWorkerPerS: 1_333 },
    );
  const known = after(1_000, 0.2, { costs: NO_COSTS, signals: { kind: 'unknown', why: '' } });
  const cost = ({ costs }: ReturnType<typeof evaluate>): number => costs.own.get('sums') ?? 0;
  expect(cost(after(200, 0.4, known))).toBe(cost(known));
  expect(cost(after(1_000, 0.4, known))).toBeGreaterThan(cost(known));
  expect(cost(after(200, 0.1, known))).toBeLessThan(cost(known));
});

describe('lag in event time (docs/adr/0060)', () => {
  const day = Date.UTC(2013, 0, 15);
  /** `behindS`: how far event time of sums is behind what its source gave, at second t; event time runs `pace` times as fast as the clock. */
  const timed = (t: number, { behindS, pace = 1, ...given }: Given & { readonly behindS: number; readonly pace?: number }): Sample => {
    const givenMs = day + t * 1_000 * pace;
    return sample(t, given, { times: [{ stage: 'sums', givenMs, takenMs: givenMs - behindS * 1_000 }] });
  };

  test.each([
    { fact: 'what waits is as late as its event time is behind', given: { perS: 1_000, lag: 1_000, behindS: 30 }, lagS: 30 },
    { fact: 'by the count where that is more', given: { perS: 200, lag: 10_000, behindS: 5 }, lagS: 20 },
    { fact: 'where nothing waits an old watermark is no lag', given: { perS: 1_000, behindS: 86_400 }, lagS: 0 },
    { fact: 'a stage that is ahead of what is known before it does not lag', given: { perS: 1_000, lag: 1_000, behindS: -30 }, lagS: 0.4 },
    { fact: 'an hour of event time in each second is no hour', given: { perS: 1_000, lag: 100, behindS: 3_600, pace: 3_600 }, lagS: 1 },
    { fact: 'event time that stands still counts as it is', given: { perS: 1_000, lag: 1_000, behindS: 40, pace: 0 }, lagS: 40 },
  ])('$fact', ({ given, lagS }) => expect(known(seconds.map((t) => timed(t, given))).lagS).toBeCloseTo(lagS, 0));

  test('it counts only what was the case all through the last seconds', () => {
    const late = (t: number, isLate: boolean): Sample => timed(t, { lag: 10, behindS: isLate ? 600 : 0 });
    const lagS = (...late4: readonly boolean[]): number => known([20, 24, 28, 32].map((t, i) => late(t, late4[i] === true))).lagS;
    expect(lagS(true, true, true, true)).toBe(600);
    expect(lagS(false, false, false, true)).toBeLessThan(1);
    expect(lagS(true, true, true, false)).toBeLessThan(1);
  });

  test('on a longer way it adds up, and the longest way counts', () => {
    const long: LoadGraph = {
      stages: [
        { id: 'in', isSource: true, partitionCount: 1, to: ['sums', 'out'] },
        { id: 'sums', isSource: false, partitionCount: 2, to: ['out'] },
        { id: 'out', isSource: false, partitionCount: 1, to: [] },
      ],
    };
    const samples = seconds.map((t): Sample => {
      const [now, behind] = [day + t * 1_000, (ms: number) => day + t * 1_000 - ms];
      const times = [
        { stage: 'sums', givenMs: now, takenMs: behind(20_000) },
        { stage: 'out', givenMs: behind(20_000), takenMs: behind(35_000) },
      ];
      return { ...sample(t), lags: new Map([['sums', 10], ['out', 10]]), times }; // prettier-ignore
    });
    const { signals } = evaluate(long, samples, { costs: NO_COSTS, perWorkerPerS: null });
    expect(signals).toMatchObject({ kind: 'known', lagS: 35 });
  });

  test('a time that is no number says nothing', () => {
    const samples = [...seconds.slice(0, -1).map((t) => timed(t, { lag: 10, behindS: 0 })), timed(40, { lag: 10, behindS: Number.NaN })];
    expect(evaluated(samples)).toEqual({ kind: 'unknown', why: 'figures are no numbers' });
  });

  const timesMs = fc.integer({ min: -8_640_000_000_000, max: 8_640_000_000_000 });
  const anyTimes = fc.array(fc.tuple(timesMs, timesMs), { minLength: seconds.length, maxLength: seconds.length });
  const withTimes = (times: readonly (readonly [number, number])[], lag: number, shiftMs = 0): readonly Sample[] =>
    seconds.map((t, i): Sample => {
      const [givenMs, takenMs] = times[i] ?? [0, 0];
      const time: StageTime = { stage: 'sums', givenMs: givenMs + shiftMs, takenMs: takenMs + shiftMs };
      return sample(t, { lag }, { times: [time] });
    });

  test('whatever times are told, only the lag may grow by them: no more workers are needed because of it', () => {
    fc.assert(
      fc.property(anyTimes, fc.nat(10_000), (times, lag) => {
        const [told, counted] = [known(withTimes(times, lag)), known(seconds.map((t) => sample(t, { lag })))];
        expect({ ...told, lagS: 0 }).toEqual({ ...counted, lagS: 0 });
        expect(told.lagS).toBeGreaterThanOrEqual(counted.lagS);
      }),
    );
  });

  test('whatever times are told, where nothing waits there is no lag', () => {
    fc.assert(
      fc.property(anyTimes, (times) => {
        expect(known(withTimes(times, 0)).lagS).toBe(0);
      }),
    );
  });

  test('the year that events are of makes no difference', () => {
    fc.assert(
      fc.property(anyTimes, fc.nat(10_000), timesMs, (times, lag, shiftMs) => {
        expect(known(withTimes(times, lag, shiftMs)).lagS).toBe(known(withTimes(times, lag)).lagS);
      }),
    );
  });
});
