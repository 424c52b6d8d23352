// Whether the pods of a Deployment are as it asks for now, by what its controller says.
import { expect, test } from 'vitest';
import { rolloutOf } from './observe-pools.ts';

const LATE = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
const seen = { observedGeneration: 2, replicas: 3, updatedReplicas: 3 };

test.each([
  { fact: 'none is there', status: null, rollout: 'done' },
  { fact: 'its controller has not looked after it yet: it is new', status: {}, rollout: 'done' },
  { fact: 'all pods are as it asks for', status: seen, rollout: 'done' },
  { fact: 'some are as it asked for before', status: { ...seen, updatedReplicas: 1 }, rollout: 'replacing' },
  { fact: 'they have been for long', status: { ...seen, updatedReplicas: 1, conditions: LATE }, rollout: 'stuck' },
  { fact: 'all are as asked for, but some have not started for long', status: { ...seen, conditions: LATE }, rollout: 'done' },
  { fact: 'its controller has not seen what was changed last', status: { ...seen, observedGeneration: 1 }, rollout: 'replacing' },
  { fact: 'what it has not seen is another number', status: { ...seen, observedGeneration: 1, replicas: 2 }, rollout: 'done' },
  { fact: 'what it has not seen concerns no pod', status: { observedGeneration: 1 }, replicas: 0, rollout: 'done' },
])('$fact: $rollout', ({ status, replicas = 3, rollout }) => {
  const metadata = { name: 'w', namespace: 'n', uid: 'u', resourceVersion: '1', generation: 2 };
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas }, status: status ?? {} };
  expect(rolloutOf(status === null ? undefined : deployment)).toBe(rollout);
});
