// What holds of scaling whatever is measured: bounds, monotony, rest, and that nothing that is no number, or cannot be, takes a worker away.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scalingSchema } from '../../crds/stream-job/scaling.ts';
import type { ScalingStatus } from '../../crds/stream-job/status.ts';
import { Autoscaler } from './autoscaler.ts';
import { decideScaling, NO_NEEDS, type Needs, type Scene, type ScalingDecision } from './decide.ts';
import type { Signals } from './evaluate.ts';
import type { ScalingMemory } from './memory.ts';
import type { LoadGraph, Sample, TaskSample, WorkerSample } from './sample.ts';
import { settingsOf, type ScalingSettings } from './settings.ts';
import { sizeFor, within } from './size.ts';

const NOW = 10_000_000;
const PARTITIONS = 16;
const apply = (more: object = {}): ScalingSettings => settingsOf(scalingSchema.parse({ mode: 'Apply', max: 20, ...more }));
const positive = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true });
const sizes = fc.integer({ min: 1, max: PARTITIONS });
const shares = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { maxLength: 12 }).map((parts) => {
  const total = parts.reduce((sum, part) => sum + part, 0);
  return parts.toSorted((a, b) => b - a).map((part, i) => ({ task: `t/${i}`, share: part / total }));
});
/** What a job can be in, beside its load. */
const standing = fc.record({
  replicas: sizes,
  ready: fc.integer({ min: 0, max: PARTITIONS }),
  busy: positive(1),
  shares,
  window: sizes,
  windowMs: fc.constantFrom(0, 100_000, 310_000),
  sinceOutMs: fc.constantFrom(0, 50_000, 1_000_000),
  isHeld: fc.boolean(),
  catchUp: fc.constantFrom('1s', '20s', '1m'),
  targetLag: fc.constantFrom('1s', '10s', '10m'),
});
type Standing = typeof standing extends fc.Arbitrary<infer T> ? T : never;

/** Events of 1 ms of work each. */
const load = (perS: number, backlogEvents: number, { busy, shares: parts }: Pick<Standing, 'busy' | 'shares'>): Signals => ({
  kind: 'known',
  offeredPerS: perS,
  forecastPerS: perS,
  throughPerS: perS,
  offeredWork: perS / 1_000,
  backlogEvents,
  backlogWorkS: backlogEvents / 1_000,
  lagS: backlogEvents / Math.max(1, perS),
  busy,
  busyMax: busy,
  blocked: 0,
  shares: parts,
  perWorkerPerS: 1_000,
  takenEver: 1_000,
});
const scene = (more: Partial<Scene>): Scene => ({
  nowMs: NOW, declared: 1, ready: 1, podProblem: null, settled: true, partitions: PARTITIONS, ...more,
}); // prettier-ignore
const memory = (more: Partial<ScalingMemory>): ScalingMemory => ({
  replicas: 1, declared: 1, perWorkerPerS: 1_000, outMs: 0, inMs: 0, trial: null, hold: null, wakeTo: 1, ...more,
}); // prettier-ignore
const needed = (size: number, forMs: number): Needs => ({
  ...NO_NEEDS,
  sizes: Array.from({ length: 80 }, (_, i) => ({ atMs: NOW - forMs + (i * forMs) / 80, size, must: size })),
});
function decided(at: Standing, signals: Signals, settings = apply({ catchUp: at.catchUp, targetLag: at.targetLag })): ScalingDecision {
  const hold = at.isHeld ? { untilMs: NOW + 60_000, times: 1, why: 'they did not help' } : null;
  const kept = memory({ replicas: at.replicas, outMs: NOW - at.sinceOutMs, hold });
  return decideScaling(settings, scene({ ready: at.ready }), signals, kept, needed(at.window, at.windowMs));
}

describe('sizes', () => {
  const limits = fc.record({ min: fc.integer({ min: 1, max: 8 }), max: fc.integer({ min: 1, max: 40 }), partitions: sizes });
  const work = fc.oneof(positive(1e6), positive(50));

  test('a size is a whole number within its limits, and more work never needs less', () => {
    fc.assert(
      fc.property(work, fc.double({ min: 1, max: 1e3, noNaN: true }), shares, limits, (some, times, parts, of) => {
        const [less, more] = [sizeFor(some, parts, of), sizeFor(some * times, parts, of)];
        for (const size of [less, more]) {
          expect(Number.isInteger(size)).toBe(true);
          expect(size).toBeGreaterThanOrEqual(Math.min(of.min, of.max));
          expect(size).toBeLessThanOrEqual(of.max);
        }
        expect(more).toBeGreaterThanOrEqual(less);
      }),
    );
  });

  test('what is within its limits stays, and being put there twice changes nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 1_000 }), limits, (size, of) => {
        expect(within(within(size, of), of)).toBe(within(size, of));
        if (size >= of.min && size <= Math.min(of.max, of.partitions)) expect(within(size, of)).toBe(size);
      }),
    );
  });
});

describe('decisions, from any number of workers', () => {
  test('more events or more that wait never give fewer workers, unless more were just tried in vain', () => {
    fc.assert(
      fc.property(standing, positive(2e4), positive(1e7), fc.double({ min: 1, max: 50, noNaN: true }), (at, perS, backlog, times) => {
        const before = decided(at, load(perS, backlog, at)).replicas;
        expect(decided(at, load(perS, backlog * times, at)).replicas).toBeGreaterThanOrEqual(before);
        expect(decided(at, load(perS * times, backlog * times, at)).replicas).toBeGreaterThanOrEqual(before);
      }),
      { numRuns: 400 },
    );
  });

  const figure = fc.constantFrom('offeredPerS', 'forecastPerS', 'throughPerS', 'offeredWork', 'backlogEvents', 'backlogWorkS', 'lagS', 'busy', 'busyMax', 'blocked', 'perWorkerPerS', 'takenEver', 'share'); // prettier-ignore
  test('one figure that is no number changes nothing', () => {
    fc.assert(
      fc.property(
        standing,
        positive(2e4),
        positive(1e7),
        figure,
        fc.constantFrom(NaN, Infinity, -Infinity),
        (at, perS, backlog, name, value) => {
          const sound = load(perS, backlog, at);
          const signals: Signals = name === 'share' ? { ...sound, shares: [{ task: 't/0', share: value }] } : { ...sound, [name]: value };
          expect(decided(at, signals)).toMatchObject({ replicas: at.replicas, sentence: null, now: expect.stringMatching(/no numbers$/) });
        },
      ),
      { numRuns: 400 },
    );
  });

  test('it rests after three decisions at most, and then the load has workers enough and not twice as many', () => {
    fc.assert(
      fc.property(positive(9_000), sizes, (perS, start) => {
        const settings = apply({ behavior: { scaleDown: { percent: 100 } } });
        const seen = [start];
        let [kept, needs] = [memory({ replicas: start }), NO_NEEDS as Needs];
        for (let nowMs = NOW, looks = 0; looks < 400; looks++, nowMs += 4_000) {
          const busy = Math.min(1, perS / 1_000 / kept.replicas);
          const signals = load(perS, 0, { busy, shares: [] });
          const decision = decideScaling(settings, scene({ nowMs, ready: kept.replicas }), signals, kept, needs);
          [kept, needs] = [decision.memory, decision.needs];
          if (seen.at(-1) !== decision.replicas) seen.push(decision.replicas);
        }
        expect(seen.length - 1).toBeLessThanOrEqual(3);
        const work = perS / 1_000;
        expect(kept.replicas).toBeGreaterThanOrEqual(Math.min(PARTITIONS, work / 0.9 - 0.03));
        expect(kept.replicas).toBeLessThanOrEqual(Math.max(1, Math.ceil(work / 0.75)));
      }),
      { numRuns: 60 },
    );
  });
});

describe('one worker that tells nonsense', () => {
  const WORKERS = 4;
  const graph: LoadGraph = {
    stages: [
      { id: 'in', isSource: true, partitionCount: WORKERS, to: ['sums'] },
      { id: 'sums', isSource: false, partitionCount: PARTITIONS, to: [] },
    ],
  };
  type Lie = {
    readonly field: 'worker' | 'task';
    readonly name: 'busyMs' | 'blockedMs' | 'idleMs' | 'eventsIn' | 'edgesOut';
    readonly of: (is: number) => number;
  };
  const lies = fc.record<Lie>({
    field: fc.constantFrom('worker', 'task'),
    name: fc.constantFrom('busyMs', 'blockedMs', 'idleMs', 'eventsIn', 'edgesOut'),
    of: fc.oneof(
      fc.constantFrom(NaN, Infinity, -Infinity, -1, 0, 1e300, -1e300, Number.MAX_SAFE_INTEGER, -0.5).map((value) => () => value),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((times) => (is: number) => is * times),
    ),
  });

  /** At second t, 1,000 events a second, each 1 ms in `in` and 1.8 ms in `sums`: 2.8 workers are kept busy, 4 are there. */
  function sample(t: number, lie: Lie | null): Sample {
    const told = (worker: number, field: Lie['field'], name: Lie['name'], is: number): number =>
      lie !== null && worker === 0 && lie.field === field && lie.name === name ? lie.of(is) : is;
    const time = (worker: number, field: Lie['field'], busyMs: number): WorkerSample['time'] => ({
      busyMs: told(worker, field, 'busyMs', busyMs),
      blockedMs: told(worker, field, 'blockedMs', 0),
      idleMs: told(worker, field, 'idleMs', t * 1_000 - busyMs),
    });
    const tasks = graph.stages.flatMap(({ id, partitionCount }) =>
      Array.from({ length: partitionCount }, (_, partition): TaskSample => {
        const worker = partition % WORKERS;
        const events = (1_000 * t) / partitionCount;
        return {
          task: `${id}/${partition}`,
          stage: id,
          worker: `w${worker}`,
          epoch: 1,
          eventsIn: told(worker, 'task', 'eventsIn', events),
          edgesOut: id === 'in' ? [told(worker, 'task', 'edgesOut', events)] : [],
          time: time(worker, 'task', events * (id === 'in' ? 1 : 1.8)),
        };
      }),
    );
    const takenEvents = tasks.reduce((sum, { stage, eventsIn }) => sum + (stage === 'in' ? eventsIn : 0), 0);
    const given = tasks.reduce((sum, { edgesOut }) => sum + (edgesOut[0] ?? 0), 0);
    const taken = tasks.reduce((sum, { stage, eventsIn }) => sum + (stage === 'sums' ? eventsIn : 0), 0);
    return {
      atMs: t * 1_000,
      workers: Array.from({ length: WORKERS }, (_, w) => ({ id: `w${w}`, time: time(w, 'worker', (2_800 * t) / WORKERS) })),
      tasks,
      sources: [{ stage: 'in', takenEvents, backlogEvents: 0 }],
      lags: new Map([['sums', given - taken]]),
      missing: null,
    };
  }

  function played(lieAt: (t: number) => Lie | null): readonly { readonly t: number; readonly replicas: number; readonly now: string }[] {
    const autoscaler = new Autoscaler();
    const settings = apply({ behavior: { scaleDown: { stabilization: '1m', percent: 100 } } });
    let status: ScalingStatus | undefined;
    return Array.from({ length: 90 }, (_, look) => {
      const t = 100 + look * 4;
      const { replicas, status: next } = autoscaler.scale({
        key: 'j', settings, graph, status, deployed: WORKERS, sample: sample(t, lieAt(t)),
        scene: scene({ nowMs: NOW + t * 1_000, ready: WORKERS }),
      }); // prettier-ignore
      status = next ?? undefined;
      return { t, replicas, now: status?.now ?? '' };
    });
  }

  test('without it nothing changes, and that is known', () => {
    const looks = played(() => null);
    expect(new Set(looks.map(({ replicas }) => replicas))).toEqual(new Set([WORKERS]));
    expect(looks.at(-1)?.now).toMatch(/^4 workers stay, 4 are needed/);
  });

  test('for some seconds takes no worker away, then or behind it: what goes on for longer and could be is no nonsense', () => {
    fc.assert(
      fc.property(lies, fc.boolean(), (lie, isOnAndOff) => {
        const isLying = (t: number): boolean => t >= 200 && t < (isOnAndOff ? 216 : 208) && (!isOnAndOff || t % 8 === 0);
        for (const { t, replicas, now } of played((t) => (isLying(t) ? lie : null))) {
          expect(Number.isInteger(replicas)).toBe(true);
          expect(replicas, `${t} s ${now}`).toBeGreaterThanOrEqual(WORKERS);
          expect(replicas).toBeLessThanOrEqual(PARTITIONS);
        }
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    {
      lie: 'time that runs backwards',
      field: 'worker',
      name: 'busyMs',
      of: () => 5,
      says: /worker w0 tells of time that cannot have passed/,
    },
    { lie: 'a year in a second', field: 'worker', name: 'idleMs', of: () => 3e10, says: /worker w0 tells of time that cannot have passed/ },
    {
      lie: 'all events of the world',
      field: 'task',
      name: 'eventsIn',
      of: () => 9e15,
      says: /worker w0 tells of in\/0 what it cannot have done/,
    },
    {
      lie: 'steps longer than all time',
      field: 'task',
      name: 'busyMs',
      of: () => 1e12,
      says: /worker w0 tells of in\/0 what it cannot have done/,
    },
    { lie: 'no number', field: 'task', name: 'eventsIn', of: () => NaN, says: /cannot have done|no numbers/ },
  ] as const)('holds, and says why: $lie', ({ says, ...lie }) => {
    const looks = played((t) => (t >= 200 ? lie : null));
    const then = looks.find(({ t }) => t === 200);
    expect(then).toMatchObject({ replicas: WORKERS, now: expect.stringMatching(says) });
  });
});
