// What an elector does about a Lease. Times are seconds on its own clock; a lease is `holder@renewTime`.
import { expect, test } from 'vitest';
import { heldSpec, type Lease, leaseStep, microTime, nextSight, releasedSpec, type Sight } from './lease-step.ts';

test.each([
  { fact: 'no lease: it is created', seen: [], step: 'create' },
  { fact: 'a lease never seen before is left alone for its whole duration', seen: ['0 other@1'], step: 'wait until 15' },
  { fact: 'a lease that stays the same for its duration is taken', seen: ['0 other@1', '14 other@1', '15 other@1'], step: 'hold' },
  { fact: 'just before that it is not', seen: ['0 other@1', '14.9 other@1'], step: 'wait until 15' },
  { fact: 'each renewal counts from when it was seen', seen: ['0 other@1', '10 other@2', '20 other@2'], step: 'wait until 25' },
  { fact: 'a renewal that says an earlier time is a renewal', seen: ['0 other@9', '10 other@1', '20 other@1'], step: 'wait until 25' },
  { fact: 'a lease given back is taken at once', seen: ['0 other@1', '2 @1'], step: 'hold' },
  { fact: 'our own lease is held on', seen: ['0 me@1'], step: 'hold' },
  { fact: 'another holder begins a new duration', seen: ['0 other@1', '14 third@2', '20 third@2'], step: 'wait until 29' },
  { fact: 'a lease that vanished is waited for', seen: ['0 other@1', '3 gone'], step: 'wait until 15' },
  { fact: 'and made anew when its holder had its time', seen: ['0 other@1', '15 gone'], step: 'create' },
  { fact: 'our own lease that vanished is made anew', seen: ['0 me@1', '3 gone'], step: 'create' },
])('$fact', ({ seen, step }) => {
  let sight: Sight | null = null;
  let lease: Lease | null = null;
  let nowMs = 0;
  for (const text of seen) {
    const [atS, said = ''] = text.split(' ');
    nowMs = Number(atS) * 1_000;
    lease = said === 'gone' ? null : leaseOf(said);
    sight = nextSight(sight, lease, nowMs);
  }
  const next = leaseStep(sight, { lease, identity: 'me', nowMs });
  expect(next.kind === 'wait' ? `wait until ${next.untilMs / 1_000}` : next.kind).toBe(step);
});

const holding = { identity: 'me', durationMs: 15_000, wallMs: Date.UTC(2026, 10, 26) };
const now = '2026-11-26T00:00:00.000000Z';

test('the first holder counts no transition', () => {
  expect(heldSpec(undefined, holding)).toEqual({
    holderIdentity: 'me',
    leaseDurationSeconds: 15,
    acquireTime: now,
    renewTime: now,
    leaseTransitions: 0,
  });
});

test('a renewal keeps when it was acquired; another holder counts', () => {
  const before = { ...heldSpec(undefined, holding), acquireTime: '2026-01-01T00:00:00.000000Z', leaseTransitions: 4 };
  expect(heldSpec(before, holding)).toEqual({ ...before, renewTime: now });
  expect(heldSpec({ ...before, holderIdentity: 'other' }, holding)).toEqual({ ...before, acquireTime: now, leaseTransitions: 5 });
  expect(heldSpec(releasedSpec(before, 0), holding)).toMatchObject({ acquireTime: now, leaseTransitions: 5 });
});

test('a duration that is no whole number of seconds is rounded up: nobody takes over early', () =>
  expect(heldSpec(undefined, { ...holding, durationMs: 2_001 }).leaseDurationSeconds).toBe(3));

test('MicroTime has six digits', () => expect(microTime(1_234)).toBe('1970-01-01T00:00:01.234000Z'));

function leaseOf(said: string): Lease {
  const [holderIdentity = '', renewTime = ''] = said.split('@');
  const metadata = { name: 'lease', namespace: 'default', uid: 'u', resourceVersion: '1' };
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: { holderIdentity, leaseDurationSeconds: 15, renewTime } };
}
