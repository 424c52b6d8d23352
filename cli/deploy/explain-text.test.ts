import { expect, test } from 'vitest';
import type { AnyObject } from '../../operator/kube/kube-object.ts';
import { explainText } from './explain-text.ts';

const metadata = {
  name: 'flights',
  namespace: 'demo',
  uid: 'u',
  resourceVersion: '1',
  generation: 2,
  managedFields: [{ subresource: 'status', time: '2026-01-05T09:45:00Z' }, { time: '2026-01-05T09:46:00Z' }],
};
const object = (spec: object, status: object): AnyObject => ({
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'StreamJob',
  metadata,
  spec,
  status,
});
const explained = (spec: object, status: object): string => explainText(object(spec, status), Date.parse('2026-01-05T09:50:00Z'));
const scaling = { mode: 'Apply', min: 1, max: 8, targetLag: '10s', catchUp: '1m', utilization: 75, idle: '5m' };

test('a job that is scaled says what is, what keeps it, and what was decided', () => {
  const text = explained(
    { replicas: 1, scaling },
    {
      observedGeneration: 2,
      phase: 'Running',
      replicas: 8,
      readyReplicas: 7,
      scaling: {
        replicas: 8,
        declared: 1,
        eventsPerWorker: 2400,
        lastOut: '2026-01-05T09:45:00Z',
        now: '8 workers stay, 11 are needed: 20k events/s come, a worker does 2.4k/s, planned at 75 %',
      },
      conditions: [
        {
          type: 'ScalingLimited',
          status: 'True',
          reason: 'AtMaximum',
          message: '8 workers are all that there may be (scaling.max is 8), and they are not enough',
          observedGeneration: 1,
          lastTransitionTime: '2026-01-05T09:45:00Z',
        },
        {
          type: 'Ready',
          status: 'True',
          reason: 'Running',
          message: 'fine',
          observedGeneration: 1,
          lastTransitionTime: '2026-01-05T09:45:00Z',
        },
      ],
      decisions: ['2026-01-05T09:45:00Z workers 2 → 8: 20k events/s come, a worker does 2.4k/s, planned at 75 %'],
    },
  );
  expect(text).toBe(`flights: Running, 7 of 8 workers ready, 8 asked for

The operator wrote this 5m ago; it writes when something changes.

scaling.mode Apply: 1 to 8 workers, 75 % busy, at most 10s behind, a backlog gone in 1m, asleep after 5m without events.

Now
  8 workers stay, 11 are needed: 20k events/s come, a worker does 2.4k/s, planned at 75 %
  A worker does 2400 events/s.
  Workers were added last at 2026-01-05T09:45:00Z.

ScalingLimited (AtMaximum)
  8 workers are all that there may be (scaling.max is 8), and they are not enough

Last decisions
  2026-01-05T09:45:00Z workers 2 → 8: 20k events/s come, a worker does 2.4k/s, planned at 75 %
`);
});

test('each pool says how it is scaled, and what is', () => {
  const pools = [
    { name: 'heavy', replicas: 1, scaling: { ...scaling, idle: undefined } },
    { name: 'fixed', replicas: 2, scaling: { mode: 'Off' } },
  ];
  const now = '3 workers stay, 3 are needed: 9k events/s come, a worker does 4k/s, planned at 75 %';
  const status = {
    observedGeneration: 1,
    phase: 'Running',
    replicas: 1,
    readyReplicas: 1,
    pools: [{ name: 'heavy', replicas: 3, ready: '2/3', scaling: { replicas: 3, declared: 1, now } }],
    decisions: ['2026-01-05T09:45:00Z pool heavy: workers 1 → 3: 9k events/s come'],
  };
  expect(explained({ replicas: 1, scaling: { mode: 'Off' }, pools }, status)).toBe(`flights: Running, 1 of 1 workers ready, 1 asked for

This is of an earlier spec (generation 1 of 2): no operator has looked at the new one yet.
The operator wrote this 5m ago; it writes when something changes.

scaling.mode Off: spec.replicas (1) says how many; kubectl scale, an HPA or KEDA may change it.

Pool heavy: 2 workers ready, 3 asked for
scaling.mode Apply: 1 to 8 workers, 75 % busy, at most 10s behind, a backlog gone in 1m.

Now
  ${now}

Pool fixed: how many workers there are is not known yet
scaling.mode Off: its replicas (2) say how many.

Last decisions
  2026-01-05T09:45:00Z pool heavy: workers 1 → 3: 9k events/s come
`);
});

test.each([
  {
    fact: 'a job that is not scaled says who says how many',
    scaling: { mode: 'Off' },
    says: `scaling.mode Off: spec.replicas (3) says how many; kubectl scale, an HPA or KEDA may change it.

Last decisions
  none: nothing is scaled on load
`,
  },
  {
    fact: 'a job that is to be scaled says that nothing was measured yet',
    scaling,
    says: `scaling.mode Apply: 1 to 8 workers, 75 % busy, at most 10s behind, a backlog gone in 1m, asleep after 5m without events.

Now
  nothing was measured yet

Last decisions
  none yet
`,
  },
])('$fact, while no operator has looked at it', ({ scaling: declared, says }) => {
  expect(explained({ replicas: 3, scaling: declared }, {})).toBe(`flights: Pending, how many workers there are is not known yet

No operator has looked at it yet: nothing of what is declared is done. See whether one runs.

${says}`);
});
