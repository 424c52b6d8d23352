import { expect, test } from 'vitest';
import type { AnyObject } from '../../operator/kube/kube-object.ts';
import { explainText } from './explain-text.ts';

const object = (spec: object, status: object): AnyObject => ({
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'StreamJob',
  metadata: { name: 'flights', namespace: 'demo', uid: 'u', resourceVersion: '1' },
  spec,
  status,
});
const scaling = { mode: 'Apply', min: 1, max: 8, targetLag: '10s', catchUp: '1m', utilization: 75, idle: '5m' };

test('a job that is scaled says what is, what keeps it, and what was decided', () => {
  const text = explainText(
    object(
      { replicas: 1, scaling },
      {
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
    ),
  );
  expect(text).toBe(`flights: Running, 7 of 8 workers ready, 8 asked for

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
    phase: 'Running',
    replicas: 1,
    readyReplicas: 1,
    pools: [{ name: 'heavy', replicas: 3, ready: '2/3', scaling: { replicas: 3, declared: 1, now } }],
    decisions: ['2026-01-05T09:45:00Z pool heavy: workers 1 → 3: 9k events/s come'],
  };
  expect(explainText(object({ replicas: 1, scaling: { mode: 'Off' }, pools }, status)))
    .toBe(`flights: Running, 1 of 1 workers ready, 1 asked for

scaling.mode Off: spec.replicas (1) says how many; kubectl scale, an HPA or KEDA may change it.

Pool heavy: 2 workers ready, 3 asked for
scaling.mode Apply: 1 to 8 workers, 75 % busy, at most 10s behind, a backlog gone in 1m.

Now
  ${now}

Pool fixed: Unknown workers ready, Unknown asked for
scaling.mode Off: its replicas (2) say how many.

Last decisions
  2026-01-05T09:45:00Z pool heavy: workers 1 → 3: 9k events/s come
`);
});

test('a job that is not scaled says who says how many', () => {
  expect(explainText(object({ replicas: 3, scaling: { mode: 'Off' } }, {})))
    .toBe(`flights: Pending, Unknown of Unknown workers ready, 3 asked for

scaling.mode Off: spec.replicas (3) says how many; kubectl scale, an HPA or KEDA may change it.

Last decisions
  none yet
`);
});
