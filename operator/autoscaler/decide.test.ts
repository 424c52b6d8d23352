import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scalingSchema } from '../../crds/stream-job/scaling.ts';
import { decideScaling, NO_NEEDS, type Needs, type Scene, type ScalingDecision } from './decide.ts';
import type { Signals, Unknown } from './evaluate.ts';
import type { ScalingMemory } from './memory.ts';
import { settingsOf, type ScalingSettings } from './settings.ts';

const NOW = 10_000_000;
const apply = (more: object = {}): ScalingSettings => settingsOf(scalingSchema.parse({ mode: 'Apply', max: 20, ...more }));
const scene = (more: Partial<Scene> = {}): Scene => ({
  nowMs: NOW,
  declared: 1,
  ready: 2,
  podProblem: null,
  settled: true,
  partitions: 16,
  ...more,
});
const memory = (more: Partial<ScalingMemory> = {}): ScalingMemory => ({
  replicas: 2,
  declared: 1,
  perWorkerPerS: 1_000,
  outMs: 0,
  inMs: 0,
  trial: null,
  hold: null,
  wakeTo: 1,
  ...more,
});
/** Events of 1 ms of work each. */
const load = (perS: number, backlog = 0, more: Partial<Signals> = {}): Signals => ({
  kind: 'known',
  offeredPerS: perS,
  forecastPerS: perS,
  throughPerS: perS,
  offeredWork: perS / 1_000,
  backlogEvents: backlog,
  backlogWorkS: backlog / 1_000,
  lagS: backlog / Math.max(1, perS),
  busy: 0.5,
  busyMax: 0.6,
  blocked: 0,
  shares: [],
  perWorkerPerS: 1_000,
  takenEver: 1_000,
  ...more,
});
/** The same was needed all the time. */
const needs = (size: number, forMs = 310_000): Needs => ({
  ...NO_NEEDS,
  sizes: Array.from({ length: 80 }, (_, i) => ({ atMs: NOW - forMs + (i * forMs) / 80, size, must: size })),
});
const decided = (given: {
  readonly settings?: ScalingSettings;
  readonly scene?: Partial<Scene>;
  readonly signals: Signals | Unknown;
  readonly memory?: Partial<ScalingMemory>;
  readonly needs?: Needs;
}): ScalingDecision =>
  decideScaling(given.settings ?? apply(), scene(given.scene), given.signals, memory(given.memory), given.needs ?? NO_NEEDS);

const HOLD = { untilMs: NOW + 60_000, times: 1, why: 'it did not help' };
const TRIAL = { from: 2, sinceMs: NOW - 61_000, perS: 2_000, perWorkerPerS: 1_000 };

describe('decisions, each with its sentence', () => {
  test.each([
    {
      fact: 'enough is left alone',
      given: { signals: load(1_400) },
      replicas: 2,
      says: /^2 workers stay, 2 are needed: 1.4k events\/s come, a worker does 1k\/s, planned at 75 %$/,
    },
    {
      fact: 'between planned and too busy nothing changes',
      given: { signals: load(1_750) },
      replicas: 2,
      says: /^2 workers stay, 3 are needed/,
    },
    {
      fact: 'more load, one step to the right size',
      given: { signals: load(7_000) },
      replicas: 10,
      says: /^workers 2 → 10: 7k events\/s come, a worker does 1k\/s, planned at 75 %$/,
    },
    {
      fact: 'a backlog is to be gone in catchUp',
      given: { signals: load(1_000, 182_000) },
      replicas: 5,
      says: /^workers 2 → 5: .*182k wait \(3m2s\), to clear in 1m$/,
    },
    { fact: 'max is max', given: { signals: load(90_000) }, replicas: 16, says: /^workers 2 → 16/ },
    {
      fact: 'scaleUp by pods a period',
      given: { settings: apply({ behavior: { scaleUp: { pods: 2 } } }), signals: load(7_000) },
      replicas: 4,
      says: /10 are needed, behavior.scaleUp allows no more at once$/,
    },
    {
      fact: 'scaleUp with a limit waits for its period',
      given: {
        settings: apply({ behavior: { scaleUp: { pods: 2, period: '1m' } } }),
        signals: load(7_000),
        memory: { outMs: NOW - 59_000 },
      },
      replicas: 2,
      says: /^2 workers stay/,
    },
    {
      fact: 'scaleUp by the larger of pods and percent',
      given: { settings: apply({ behavior: { scaleUp: { pods: 2, percent: 200 } } }), signals: load(7_000) },
      replicas: 6,
      says: /^workers 2 → 6/,
    },
    {
      fact: 'scaleDown by the larger of pods and percent',
      given: {
        settings: apply({ behavior: { scaleDown: { pods: 1, percent: 50 } } }),
        signals: load(100),
        memory: { replicas: 6 },
        scene: { ready: 6 },
        needs: needs(1),
      },
      replicas: 3,
      says: /^workers 6 → 3/,
    },
    {
      fact: 'in by the most of the window',
      given: { signals: load(1_000), memory: { replicas: 6 }, scene: { ready: 6 }, needs: needs(4) },
      replicas: 4,
      says: /^workers 6 → 4: at most 4 needed for 5m; /,
    },
    {
      fact: 'in by half at once',
      given: { signals: load(100), memory: { replicas: 9 }, scene: { ready: 9 }, needs: needs(1) },
      replicas: 5,
      says: /^workers 9 → 5/,
    },
    {
      fact: 'a window that is not full takes nothing away',
      given: { signals: load(100), needs: needs(1, 100_000) },
      replicas: 2,
      says: /^2 workers stay/,
    },
    {
      fact: 'a window with a hole takes nothing away',
      given: {
        signals: load(100),
        needs: {
          ...NO_NEEDS,
          sizes: [
            { atMs: NOW - 400_000, size: 1, must: 1 },
            { atMs: NOW - 31_000, size: 1, must: 1 },
          ],
        },
      },
      replicas: 2,
      says: /^2 workers stay/,
    },
    {
      fact: 'while workers start none is taken away',
      given: { signals: load(100), memory: { replicas: 6 }, scene: { ready: 5 }, needs: needs(1) },
      replicas: 6,
      says: /^6 workers stay/,
    },
    {
      fact: 'a busy job is not made smaller',
      given: { signals: load(100, 0, { busy: 0.8 }), needs: needs(1) },
      replicas: 2,
      says: /^2 workers stay/,
    },
    {
      fact: 'a job that lags is not made smaller',
      given: { signals: load(100, 1_200), needs: needs(1) },
      replicas: 2,
      says: /^2 workers stay/,
    },
    {
      fact: 'what is not known changes nothing',
      given: { signals: { kind: 'unknown', why: '2 of 9 tasks report nothing' }, needs: needs(1) } as const,
      replicas: 2,
      says: /^2 workers stay: 2 of 9 tasks report nothing$/,
    },
    {
      fact: 'an upgrade is left alone',
      given: { signals: load(9_000), scene: { settled: 'a revision takes over' } },
      replicas: 2,
      says: /^2 workers stay: a revision takes over$/,
    },
    { fact: 'replicas 0 is left alone', given: { signals: load(9_000), scene: { declared: 0 } }, replicas: 2, says: /spec.replicas is 0/ },
    {
      fact: 'another max at once',
      given: { settings: apply({ max: 3 }), signals: load(9_000), memory: { replicas: 6 } },
      replicas: 3,
      says: /^workers 6 → 3: scaling.max is 3$/,
    },
    {
      fact: 'another min at once',
      given: { settings: apply({ min: 4 }), signals: load(0) },
      replicas: 4,
      says: /^workers 2 → 4: scaling.min is 4$/,
    },
    {
      fact: 'more workers that did not help go again',
      given: {
        signals: load(6_000, 90_000, { throughPerS: 2_050, busy: 0.2, blocked: 0.7 }),
        memory: { replicas: 8, trial: TRIAL },
        scene: { ready: 8 },
      },
      replicas: 2,
      says: /^workers 8 → 2: 8 did 1.02 times what 2 did, 3 times was expected; workers are busy 20 %, blocked 70 %; not again for 5m$/,
    },
    {
      fact: 'more workers that helped stay',
      given: { signals: load(6_000, 90_000, { throughPerS: 6_000 }), memory: { replicas: 10, trial: TRIAL }, scene: { ready: 10 } },
      replicas: 10,
      says: /^10 workers stay/,
    },
    {
      fact: 'while it is held nothing is added',
      given: { signals: load(9_000), memory: { hold: HOLD } },
      replicas: 2,
      says: /^2 workers stay/,
    },
    {
      fact: 'a quiet job goes to sleep',
      given: { settings: apply({ idle: '1m' }), signals: load(0), needs: { ...NO_NEEDS, quietSinceMs: NOW - 61_000 } },
      replicas: 0,
      says: /^workers 2 → 0: no event came for 1m; the next one wakes it$/,
    },
    {
      fact: 'not before its first event',
      given: { settings: apply({ idle: '1m' }), signals: load(0, 0, { takenEver: 0 }), needs: { ...NO_NEEDS, quietSinceMs: NOW - 61_000 } },
      replicas: 2,
      says: /^2 workers stay/,
    },
    {
      fact: 'an event wakes it',
      given: { settings: apply({ idle: '1m' }), signals: load(0, 1), memory: { replicas: 0, wakeTo: 3 }, scene: { ready: 0 } },
      replicas: 3,
      says: /^workers 0 → 3: 1 events wait$/,
    },
    {
      fact: 'without events it sleeps on',
      given: { settings: apply({ idle: '1m' }), signals: load(0), memory: { replicas: 0 }, scene: { ready: 0 } },
      replicas: 0,
      says: /^no worker runs: no event waits$/,
    },
  ])('$fact', ({ given, replicas, says }) => {
    const { now, ...decision } = decided(given);
    expect({ replicas: decision.replicas, now }).toEqual({ replicas, now: expect.stringMatching(says) });
    expect(decision.sentence).toBe(now.startsWith('workers') ? now : null);
    expect(decision.memory.replicas).toBe(replicas);
  });
});

describe('what keeps it', () => {
  const lagging: Needs = { ...NO_NEEDS, lagsSinceMs: NOW - 40_000 };
  test.each([
    {
      fact: 'workers that wait for a sink',
      signals: load(1_000, 50_000, { backlogWorkS: 0, busy: 0.2, blocked: 0.8 }),
      more: {},
      reason: 'WaitsElsewhere',
    },
    {
      fact: 'the largest size',
      signals: load(9_000, 500_000, { busy: 0.97 }),
      more: { memory: { replicas: 16 }, scene: { ready: 16 } },
      reason: 'AtMaximum',
    },
    {
      fact: 'pods that do not start',
      signals: load(9_000, 500_000),
      more: { scene: { podProblem: 'pod x has no node' } },
      reason: 'PodsNotStarting',
    },
    { fact: 'more that did not help', signals: load(9_000, 500_000), more: { memory: { hold: HOLD } }, reason: 'Ineffective' },
  ])('$fact', ({ signals, more, reason }) => {
    expect(decided({ signals, needs: lagging, ...more }).verdicts.limited?.reason).toBe(reason);
  });

  test('a partition that one worker cannot do is named', () => {
    const shares = [
      { task: 'counts/3', share: 0.8 },
      { task: 'counts/1', share: 0.2 },
    ];
    expect(decided({ signals: load(2_000, 90_000, { shares }), needs: lagging }).verdicts.hot).toMatch(
      /^partition counts\/3 alone has the work of 1.6 workers/,
    );
    const heavyKey = { key: 'k7 "x"', share: 0.93 };
    const named = { signals: load(2_000, 90_000, { shares, heavyKey }), needs: lagging };
    expect(decided(named).verdicts.hot).toMatch(/more do not help; about 90 % of its events have the key "k7 \\"x\\""$/);
    expect(decided({ ...named, settings: apply({ hotKeys: 'Hide' }) }).verdicts.hot).toMatch(
      /about 90 % of its events have one key \(scaling.hotKeys is Hide\)$/,
    );
    expect(decided({ signals: load(900, 90_000, { shares }), needs: lagging }).verdicts.hot).toBeNull();
  });
});

describe('whatever is measured', () => {
  const perS = fc.double({ min: 0, max: 1e6, noNaN: true });
  const backlog = fc.double({ min: 0, max: 1e8, noNaN: true });
  const shares = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 }).map((parts) => {
    const total = parts.reduce((sum, part) => sum + part, 0);
    return parts.toSorted((a, b) => b - a).map((part, i) => ({ task: `t/${i}`, share: part / total }));
  });
  const replicas = fc.integer({ min: 1, max: 16 });
  const busy = fc.double({ min: 0, max: 1, noNaN: true });
  const any = fc.record({
    perS,
    backlog,
    shares,
    replicas,
    busy,
    catchUp: fc.constantFrom('1s', '5s', '1m'),
    targetLag: fc.constantFrom('1s', '10s', '10m'),
    window: fc.integer({ min: 1, max: 16 }),
    ready: fc.integer({ min: 0, max: 16 }),
  });

  test('the size is within its bounds', () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 5, max: 40 }), (given, min, max) => {
        const decision = decided({
          settings: apply({ min, max }),
          signals: load(given.perS, given.backlog, { shares: given.shares, busy: given.busy }),
          memory: { replicas: given.replicas },
          scene: { ready: given.ready },
          needs: needs(given.window),
        });
        expect(decision.replicas).toBeGreaterThanOrEqual(min);
        expect(decision.replicas).toBeLessThanOrEqual(Math.min(max, 16));
      }),
    );
  });

  test('more load or more backlog never asks for fewer workers', () => {
    fc.assert(
      fc.property(any, fc.double({ min: 1, max: 10, noNaN: true }), fc.double({ min: 1, max: 10, noNaN: true }), (given, more, longer) => {
        const of = (rate: number, waits: number): number =>
          decided({
            settings: apply({ catchUp: given.catchUp, targetLag: given.targetLag }),
            signals: load(rate, waits, { shares: given.shares }),
            memory: { replicas: 1 },
            scene: { ready: 1 },
          }).replicas;
        const before = of(given.perS, given.backlog);
        expect(of(given.perS * more, given.backlog)).toBeGreaterThanOrEqual(before);
        expect(of(given.perS, given.backlog * longer)).toBeGreaterThanOrEqual(before);
      }),
    );
  });

  test('no worker goes while it is busy, lags, or something is not known', () => {
    fc.assert(
      fc.property(any, fc.constantFrom('busy', 'lags', 'unknown', 'starts'), (given, why) => {
        const rate = Math.max(1, given.perS);
        const signals: Signals | Unknown =
          why === 'unknown'
            ? { kind: 'unknown', why: 'nothing is reported' }
            : load(rate, why === 'lags' ? rate * 11 : 0, { busy: why === 'busy' ? 0.75 + given.busy / 4 : 0.1, shares: given.shares });
        const decision = decided({
          signals,
          memory: { replicas: given.replicas },
          scene: { ready: why === 'starts' ? given.replicas - 1 : given.replicas },
          needs: needs(1),
        });
        expect(decision.replicas).toBeGreaterThanOrEqual(given.replicas);
      }),
    );
  });

  test('a constant load comes to rest within three decisions', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 15_000, noNaN: true }), shares, replicas, (rate, parts, start) => {
        let [now, kept, size, changes] = [NOW, { ...NO_NEEDS } as Needs, memory({ replicas: start }), 0];
        for (let look = 0; look < 600; look++, now += 4_000) {
          const work = rate / 1_000;
          const signals = load(rate, 0, {
            shares: parts,
            busy: Math.min(1, work / size.replicas),
            busyMax: Math.min(1, work / size.replicas),
          });
          const settings = apply({ behavior: { scaleDown: { percent: 100 } } });
          const decision = decideScaling(settings, scene({ nowMs: now, ready: size.replicas }), signals, size, kept);
          if (decision.replicas !== size.replicas) changes++;
          [kept, size] = [decision.needs, decision.memory];
        }
        expect(changes).toBeLessThanOrEqual(3);
      }),
      { numRuns: 40 },
    );
  });
});
