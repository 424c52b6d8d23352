// What a decision means for each pool: how many workers, which pools go, and what is said of those without workers.

import { describe, expect, test } from 'vitest';
import { poolSchema } from '../../crds/stream-job/pools.ts';
import { decide } from './decide.ts';
import { declaredOf, figuresRunning, observedWith, running, secondsAgo, type Given } from './observed-sample.ts';
import type { Observed, PoolLeft, PoolObserved } from './observed.ts';
import { poolsToRemove, sizeOfPool } from './pools.ts';

const POOLS = '  pools: [{ name: heavy, stages: [sums] }]\n';
const declared = declaredOf('h1', (text) => text + POOLS);
const pods = (total: number, ready = total): PoolObserved['pods'] => ({ total, ready, terminating: 0, problems: [] });

function pool(given: Partial<PoolObserved> = {}): PoolObserved {
  const { name, scaling, workers } = poolSchema.parse({ name: 'heavy', stages: ['sums'] });
  const load = { kind: 'absent', reason: 'it is not scaled' } as const;
  return { name, scaling, workers, replicas: 2, pods: pods(2), deployedReplicas: 2, rollout: 'done', load, scaled: null, ...given };
}

const steady: Given = { declared, ...running(declared), figures: figuresRunning(declared, 1), pools: [pool()] };
const seen = (given: Given = {}): Observed =>
  observedWith({ ...steady, ...given, job: { status: running(declared).status, ...given.job } });
const sizes = (observed: Observed): readonly (number | null)[] => observed.pools.map((one) => sizeOfPool(one, decide(observed)));
const readyOf = (observed: Observed): string => {
  const { Ready } = decide(observed).conditions;
  return `${Ready?.status} ${Ready?.reason}: ${Ready?.message}`;
};

describe('the size of a pool', () => {
  test.each([
    { fact: 'is its own while the job runs', given: {}, size: 2 },
    { fact: 'is its own when the default pool has none', given: { cluster: { replicas: 0 } }, size: 2 },
    { fact: 'is none when the job is suspended', given: { cluster: { suspend: true } }, size: 0 },
    { fact: 'is none when the job is deleted', given: { job: { deletedMs: 1 } }, size: 0 },
    {
      fact: 'stays while NATS is away',
      given: { nats: { kind: 'absent', reason: 'gone' }, pools: [pool({ deployedReplicas: 5 })] },
      size: 5,
    },
    {
      fact: 'is none while workers stop for a new beginning',
      given: {
        declared: declaredOf('h2', (text) => text.replace('amount > 0.0', 'amount > 1.0') + POOLS),
        cluster: { upgrade: { strategy: 'stateless', progressDeadline: '2m', rollback: true } },
      },
      size: 0,
    },
  ] as { fact: string; given: Given; size: number }[])('$fact', ({ given, size }) => expect(sizes(seen(given))).toEqual([size]));
});

describe('a pool without workers', () => {
  const without = (stages: readonly string[]): Observed['figures'] => figuresRunning(declared, 1, stages);
  test('is told with the stages that wait, and the job is ready: that is what its spec asks for', () => {
    const observed = seen({ pools: [pool({ replicas: 0, pods: pods(0) })], figures: without(['sums/0', 'sums/1']) });
    expect(readyOf(observed)).toBe('True Running: revision 1: the 3 tasks run; no worker runs in pool heavy, so sums waits');
  });
  test('that is to have some is waited for', () => {
    const observed = seen({ pools: [pool({ pods: pods(1, 0) })], figures: without(['sums/0', 'sums/1']) });
    expect(readyOf(observed)).toBe(
      'False Recovering: 3 of 5 tasks run; waiting for sums/0, sums/1, a worker pod of pool heavy to be ready',
    );
  });
  test('the default one, too', () => {
    const observed = seen({ cluster: { replicas: 0 }, figures: without(['orders/0', 'out/0', 'dead-letters-subject/0']) });
    expect(readyOf(observed)).toBe(
      'True Running: revision 1: the 2 tasks run; no worker runs in pool default, so orders, out, dead-letters-subject wait',
    );
  });
  test('only when no pool has any the job is scaled to zero', () => {
    expect(readyOf(seen({ cluster: { replicas: 0 }, pools: [pool({ replicas: 0 })] }))).toContain('True ScaledToZero');
  });
});

describe('a pool whose pods find no node, while its tasks run on workers of another one', () => {
  const unplaced = pool({ pods: { ...pods(2, 0), problems: ['pod x has no node: 0/3 nodes are available'] } });
  const waits = 'waiting for a worker pod of pool heavy to be ready (pod x has no node: 0/3 nodes are available)';
  const before = declaredOf('h0');
  /** Revision 2, which began `sinceMs` ago, has brought the pool; revision 1 ran without. */
  const settling = (sinceMs: number): Observed => {
    const { nats, status } = running(declared, 2);
    const { stableRevision } = running(before).status;
    const intent = { action: 'upgrade', revision: nats.revision!, since: new Date(observedWith().nowMs - sinceMs).toISOString() } as const;
    const job = { status: { ...status, stableRevision: stableRevision!, intent } };
    return seen({ nats: { ...nats, kept: [1, 2] }, figures: figuresRunning(declared, 2), pools: [unplaced], job });
  };
  test('keeps the job from being ready', () =>
    expect(readyOf(seen({ pools: [unplaced] }))).toBe(`False Recovering: 5 of 5 tasks run; ${waits}`));
  test('also when no pod could be made', () =>
    expect(readyOf(seen({ pools: [pool({ pods: pods(0) })] }))).toContain('waiting for a worker pod of pool heavy to be ready'));
  test('keeps the revision that brought it from being done', () => {
    const decision = decide(settling(60_000));
    expect(decision).toMatchObject({ phase: 'Upgrading', intent: { action: 'upgrade' }, actions: [] });
    expect(decision.conditions.Ready).toEqual({ status: 'False', reason: 'Upgrading', message: `revision 2: 5 of 5 tasks run; ${waits}` });
  });
  test('and takes it back after its deadline', () => {
    const decision = decide(settling(121_000));
    expect(decision).toMatchObject({ phase: 'RollingBack', actions: [{ kind: 'restore-revision', from: 1 }] });
    expect(decision.conditions.Ready?.message).toContain(`revision 2 did not progress (revision 2: 5 of 5 tasks run; ${waits}, after 2m)`);
  });
  test('one of its pods is enough', () =>
    expect(readyOf(seen({ pools: [pool({ pods: pods(2, 1) })] }))).toBe('True Running: revision 1: all 5 tasks run'));
  test('one that no stage is in is not waited for', () =>
    expect(readyOf(seen({ ...running(before), declared: before, figures: figuresRunning(before, 1), pools: [unplaced] }))).toContain(
      'True Running',
    ));
});

describe('pods that are replaced because spec.workers changed', () => {
  const what = 'worker pods of pool heavy are being replaced, as what they get has changed; those of before go on until then';
  const unplaced = { ...pods(3, 2), problems: ['pod x has no node: 0/3 nodes are available'] };
  const why = '. The new ones do not start (pod x has no node: 0/3 nodes are available): change workers of pool heavy, or make it possible';
  test('keep the job from being ready, though all tasks run', () => {
    const observed = seen({ pools: [pool({ pods: pods(3), rollout: 'replacing' })] });
    expect(readyOf(observed)).toBe(`False ReplacingPods: revision 1: all 5 tasks run; ${what}`);
    expect(decide(observed)).toMatchObject({ phase: 'Running', actions: [], conditions: { Reconciling: { status: 'True' } } });
  });
  test('say why they do not start, and what to do; nothing is rolled back', () => {
    const observed = seen({ pools: [pool({ pods: unplaced, rollout: 'replacing' })] });
    expect(readyOf(observed)).toBe(`False ReplacingPods: revision 1: all 5 tasks run; ${what}${why}`);
    expect(decide(observed).actions).toEqual([]);
  });
  test('are not expected to come once Kubernetes does not expect them', () => {
    const { Stalled, Reconciling } = decide(seen({ pools: [pool({ pods: unplaced, rollout: 'stuck' })] })).conditions;
    expect([Stalled?.status, Stalled?.reason, Reconciling?.status]).toEqual(['True', 'ReplacingPods', 'False']);
  });
  test('of the default pool, too', () =>
    expect(readyOf(seen({ rollout: 'replacing' }))).toContain('worker pods are being replaced, as what they get has changed'));
  test('do not keep a revision from being stable: its deadline is not that of pods', () => {
    const { stableRevision: _, ...status } = running(declared).status;
    const intent = { action: 'upgrade', revision: status.revision!, since: secondsAgo(3_600) } as const;
    const decision = decide(seen({ rollout: 'replacing', job: { status: { ...status, intent } } }));
    expect(decision).toMatchObject({ intent: null, actions: [], remembers: { stableRevision: { number: 1 } } });
    expect(decision.conditions.Ready).toMatchObject({ status: 'False', reason: 'ReplacingPods' });
  });
});

describe('a pool that the spec does not have any more', () => {
  const left: PoolLeft = { name: 'old', pods: pods(1), runsTasks: false };
  const removed = (given: Given): readonly string[] => {
    const observed = seen({ poolsLeft: [left], ...given });
    return poolsToRemove(observed, decide(observed));
  };
  test.each([
    { fact: 'goes when the revision is stable and nothing runs on it', given: {}, gone: ['old'] },
    { fact: 'stays while a task runs on it', given: { poolsLeft: [{ ...left, runsTasks: true }] }, gone: [] },
    {
      fact: 'goes all the same when the default pool is to have no workers, that could take over',
      given: { poolsLeft: [{ ...left, runsTasks: true }], cluster: { replicas: 0 } },
      gone: ['old'],
    },
    {
      fact: 'goes when the job is suspended',
      given: { poolsLeft: [{ ...left, runsTasks: true }], cluster: { suspend: true } },
      gone: ['old'],
    },
    {
      fact: 'goes when no pool is to have workers',
      given: { poolsLeft: [{ ...left, runsTasks: true }], cluster: { replicas: 0 }, pools: [], declared: declaredOf('h2') },
      gone: ['old'],
    },
    { fact: 'stays while a revision takes over, which may be rolled back', given: { job: { status: { phase: 'Upgrading' } } }, gone: [] },
    { fact: 'stays while another revision runs than the spec says', given: { declared: declaredOf('h9') }, gone: [] },
    { fact: 'stays while NATS is away', given: { nats: { kind: 'absent', reason: 'gone' } }, gone: [] },
  ] as { fact: string; given: Given; gone: string[] }[])('$fact', ({ given, gone }) => expect(removed(given)).toEqual(gone));
});

describe('a stage that moves to another pool', () => {
  const before = declaredOf('h0');
  test.each(['last-state', 'savepoint', 'stateless'] as const)(
    'with strategy %s is handed over: no state goes, no savepoint is taken',
    (strategy) => {
      const observed = observedWith({
        ...steady,
        ...running(before),
        figures: figuresRunning(before, 1),
        job: { status: running(before).status },
        cluster: { upgrade: { strategy, progressDeadline: '2m', rollback: true } },
      });
      const decision = decide(observed);
      expect(decision.actions.map((action) => (action.kind === 'write-revision' ? action.run : action.kind))).toEqual([
        'ensure-streams',
        'continued',
      ]);
      expect(decision.events[0]?.message).toBe('revision 2: sums moves to pool heavy; 4 stages go on untouched');
      expect(decision.intent?.stages).toEqual([]);
    },
  );
});

test('scaling of pools is told by their names', () => {
  const verdicts = { limited: { reason: 'AtMaximum' as const, message: '2 workers are all' }, hot: 'sums/1 alone' };
  const scaled = { replicas: 2, status: null, sentences: ['workers 1 → 2: much comes'], verdicts };
  const decision = decide(seen({ pools: [pool({ scaled })] }));
  expect(decision.events.filter(({ reason }) => reason === 'Scaled').map(({ message }) => message)).toEqual([
    'pool heavy: workers 1 → 2: much comes',
  ]);
  expect(decision.conditions.ScalingLimited).toEqual({ status: 'True', reason: 'AtMaximum', message: 'pool heavy: 2 workers are all' });
  expect(decision.conditions.HotPartition?.message).toBe('pool heavy: sums/1 alone');
});

test('workers that a person asks for in a pool are told, too', () => {
  expect(decide(seen({ pools: [pool({ replicas: 3 })] })).events.map(({ message }) => message)).toEqual(['pool heavy: workers 2 → 3']);
});
