import { describe, expect, test } from 'vitest';
import type { Health } from '../worker/health.ts';
import { LOOP_STOOD_MAX_MS, probes, type Probe, type ProbeInput } from './probes.ts';

const running: Health = { started: true, ready: true, progressing: true, reason: 'all 3 tasks run', isAssigned: true, tasks: [] };
const good: ProbeInput = { phase: 'running', reason: 'runs revision 1', connected: true, worker: running, loopStoodMs: 12 };

/** Which probes are content: `startup readiness liveness`, `-` where one is not. */
function answers(change: Partial<ProbeInput>): string {
  const names: readonly Probe[] = ['startupz', 'readyz', 'livez'];
  return names.map((name) => (probes[name]({ ...good, ...change }).ok ? name.slice(0, 1) : '-')).join('');
}

describe('startup, readiness and liveness', () => {
  test.each([
    { fact: 'a worker whose tasks run', change: {}, are: 'srl' },
    { fact: 'before NATS was reached', change: { phase: 'connecting', connected: false, worker: null }, are: '--l' },
    { fact: 'before the job is there', change: { phase: 'waiting', worker: null }, are: '--l' },
    { fact: 'while a stream is waited for', change: { phase: 'loading', worker: null }, are: '--l' },
    { fact: 'while state is restored', change: { worker: { ...running, started: false, ready: false } }, are: '--l' },
    { fact: 'NATS away: not ready, and not killed for it', change: { connected: false }, are: 's-l' },
    { fact: 'a revision that cannot be run: up, and not killed for it', change: { phase: 'refused', worker: null }, are: 's-l' },
    { fact: 'a commit that hangs', change: { worker: { ...running, progressing: false } }, are: 'sr-' },
    { fact: 'a loop that stood still', change: { loopStoodMs: LOOP_STOOD_MAX_MS }, are: 'sr-' },
    { fact: 'a pod that is draining gets nothing more', change: { phase: 'draining', worker: null }, are: '--l' },
  ] satisfies { fact: string; change: Partial<ProbeInput>; are: string }[])('$fact', ({ change, are }) => {
    expect(answers(change)).toBe(are);
  });
});

test('each answer says why', () => {
  const restoring = { ...running, started: false, ready: false, reason: '2 of 3 tasks do not run yet: a/1, a/2' };
  expect(probes.readyz({ ...good, worker: restoring }).why).toBe('2 of 3 tasks do not run yet: a/1, a/2');
  expect(probes.startupz({ ...good, phase: 'loading', reason: 'waits for streams: x', worker: null }).why).toBe(
    'loading: waits for streams: x',
  );
  expect(probes.livez({ ...good, loopStoodMs: 12_345 }).why).toBe('the event loop stood still for 12345 ms');
});
