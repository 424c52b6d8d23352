import { expect, test } from 'vitest';
import type { AnyObject } from '../kube/kube-object.ts';
import { notRunning } from './savepoint-reconciler.ts';

const jobWith = (spec: object, status: object): AnyObject =>
  ({ metadata: { name: 'sums', namespace: 'shop', uid: 'u' }, spec, status: { phase: 'Running', ...status } }) as unknown as AnyObject;
const pools = [{ name: 'heavy', stages: ['sums'], scaling: { mode: 'Apply' } }];
const scaledTo = (replicas: number): object => ({ pools: [{ name: 'heavy', scaling: { replicas } }] });

test.each([
  { fact: 'a job that runs can have a savepoint', of: jobWith({}, {}), says: null },
  { fact: 'one that does not can not', of: jobWith({}, { phase: 'Suspended' }), says: /sums is Suspended/ },
  { fact: 'one whose pools all have workers can', of: jobWith({ pools }, scaledTo(1)), says: null },
  {
    fact: 'one with a pool that sleeps can not',
    of: jobWith({ pools }, scaledTo(0)),
    says: /no worker runs in pool heavy of StreamJob sums/,
  },
  {
    fact: 'one with a pool that was stopped can not',
    of: jobWith({ pools: [{ ...pools[0], replicas: 0 }] }, {}),
    says: /no worker runs in pool heavy/,
  },
  { fact: 'nor one whose default pool was', of: jobWith({ pools, replicas: 0 }, scaledTo(1)), says: /no worker runs in pool default/ },
])('$fact', ({ of, says }) => {
  if (says === null) expect(notRunning(of)).toBeNull();
  else expect(notRunning(of)).toMatch(says);
});
