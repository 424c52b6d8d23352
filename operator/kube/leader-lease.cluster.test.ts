// Two electors, one Lease, a real API server: never two leaders, and a new one in time.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startApiServer, type ApiServer } from '../../test/support/api-server.ts';
import type { KubeClient } from './kube-client.ts';
import { clientOf, must, ports } from './kube-harness.ts';
import { LeaderLease, type LeaderLeaseOptions } from './leader-lease.ts';
import { resources } from './resource.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy-harness.ts';

/** Those that are used in earnest, but for the pace: who stalls for less than the deadline stays the leader. */
const times = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 500 };
const namespace = 'default';
let server: ApiServer;
let client: KubeClient;
const toStop: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  server = await startApiServer();
  client = await clientOf(server);
});
afterAll(() => server?.stop());
afterEach(async () => {
  for (const one of toStop.splice(0).reverse()) await one.stop();
});

test('the first leads, the second waits and knows whom for', async () => {
  const [a, b] = [await elector('lease-1', 'a'), await elector('lease-1', 'b')];
  a.start();
  await expect.poll(() => a.isLeader()).toBe(true);
  b.start();
  await sleep(times.durationMs + 1_000);
  expect([a.isLeader(), b.isLeader()]).toEqual([true, false]);
  expect([a.leader(), b.leader()]).toEqual(['a', 'a']);
  const lease = must(await client.get(resources.leases, { namespace, name: 'lease-1' }));
  expect(lease['spec']).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
});

test('a lease that is given back has a new holder at once', async () => {
  const [a, b] = [await elector('lease-2', 'a'), await elector('lease-2', 'b')];
  a.start();
  await expect.poll(() => a.isLeader()).toBe(true);
  b.start();
  await expect.poll(() => b.leader()).toBe('a');
  await a.stop();
  expect(a.isLeader()).toBe(false);
  // Whoever asks now need not wait for the lease to run out.
  const given = must(await client.get(resources.leases, { namespace, name: 'lease-2' }));
  expect(['', 'b']).toContain((given['spec'] as { readonly holderIdentity?: string }).holderIdentity);
  const startMs = performance.now();
  await expect.poll(() => b.isLeader(), { interval: 5 }).toBe(true);
  console.log(`given back, it has a new holder after ${Math.round(performance.now() - startMs)} ms`);
  expect(a.lost).toEqual([]);
  const lease = must(await client.get(resources.leases, { namespace, name: 'lease-2' }));
  expect(lease['spec']).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
});

test('the same identity goes on at once after a crash', async () => {
  const a = await elector('lease-3', 'a', await startProxy());
  a.start();
  await expect.poll(() => a.isLeader()).toBe(true);
  a.proxy?.set('hold');
  const again = await elector('lease-3', 'a');
  again.start();
  const startMs = performance.now();
  await expect.poll(() => again.isLeader(), { interval: 5 }).toBe(true);
  expect(performance.now() - startMs).toBeLessThan(times.durationMs);
  a.proxy?.set('refuse');
  a.proxy?.cut();
});

test.each([
  { fact: 'renewals that hang', retryMs: 500, how: 'hold' as const, name: 'lease-hang' },
  { fact: 'renewals that are refused', retryMs: 500, how: 'refuse' as const, name: 'lease-refuse' },
  { fact: 'renewals that hang, with the pace that is used in earnest', retryMs: 2_000, how: 'hold' as const, name: 'lease-earnest' },
])('a leader with $fact stops acting before the next one begins', async ({ how, name, retryMs }) => {
  const paced = { ...times, retryMs };
  const [a, b] = [await elector(name, 'a', await startProxy(), paced), await elector(name, 'b', undefined, paced)];
  a.start();
  await expect.poll(() => a.isLeader()).toBe(true);
  b.start();
  await expect.poll(() => b.leader()).toBe('a');
  await sleep(retryMs * 2);
  const stoppedMs = performance.now();
  a.proxy?.set(how);
  a.proxy?.cut();
  const { gapMs, both, atMs } = await watchHandOver(a, b);
  console.log(`${name}: new leader after ${Math.round(atMs - stoppedMs)} ms, nobody led for ${Math.round(gapMs)} ms`);
  expect(both).toBe(0);
  expect(a.lost).toEqual([expect.stringContaining('was not renewed')]);
  expect(a.signal?.aborted).toBe(true);
  a.proxy?.set('pass');
  await sleep(500);
  expect([a.isLeader(), b.isLeader()]).toEqual([false, true]); // L3
});

test('a leader whose lease another took stops at its next renewal', async () => {
  const a = await elector('lease-4', 'a');
  a.start();
  await expect.poll(() => a.isLeader()).toBe(true);
  const spec = { holderIdentity: 'intruder', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:00.000000Z' };
  must(await client.mergePatch(resources.leases, { namespace, name: 'lease-4' }, { spec }));
  await expect.poll(() => a.lost).toEqual(['intruder holds the lease']);
  expect(a.leader()).toBe('intruder');
});

test('a lease that vanishes while its holder lives is waited for by who saw it', async () => {
  const [a, b] = [await elector('lease-5', 'a'), await elector('lease-5', 'b')];
  a.start();
  await expect.poll(() => a.isLeader()).toBe(true);
  b.start();
  await expect.poll(() => b.leader()).toBe('a');
  must(await client.delete(resources.leases, { namespace, name: 'lease-5' }));
  await sleep(times.durationMs);
  expect([a.isLeader(), b.isLeader()]).toEqual([true, false]);
});

test('eight candidates at once: one leads', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, (_, nth) => elector('lease-6', `candidate-${nth}`)));
  for (const one of all) one.start();
  const leaders = (): number => all.filter((one) => one.isLeader()).length;
  await expect.poll(leaders).toBe(1);
  await expect.poll(() => all.every((one) => one.leader() !== null)).toBe(true); // each has asked
  for (const endMs = performance.now() + 2_000; performance.now() < endMs; await sleep(2)) expect(leaders()).toBe(1);
});

type Elector = LeaderLease & { readonly lost: string[]; readonly proxy: TcpProxy | undefined; signal: AbortSignal | null };
type Times = Required<Pick<LeaderLeaseOptions, 'durationMs' | 'renewDeadlineMs' | 'retryMs'>>;

async function elector(name: string, identity: string, proxy?: TcpProxy, paced: Times = times): Promise<Elector> {
  const lost: string[] = [];
  const more: { signal: AbortSignal | null } = { signal: null };
  const lease: LeaderLease = new LeaderLease({
    ...ports,
    ...paced,
    client: await clientOf(server, proxy === undefined ? {} : { url: proxy.url }),
    namespace,
    name,
    identity,
    onLeading: (signal) => {
      made.signal = signal;
    },
    onLost: (reason) => lost.push(reason),
  });
  const made: Elector = Object.assign(lease, { lost, proxy, ...more });
  toStop.push(lease);
  return made;
}

async function startProxy(): Promise<TcpProxy> {
  const proxy = await startTcpProxy(server.url);
  toStop.unshift(proxy);
  return proxy;
}

/** Looks at both every 2 ms until the second leads: for how long none did, and how often both. */
async function watchHandOver(
  a: LeaderLease,
  b: LeaderLease,
): Promise<{ readonly gapMs: number; readonly both: number; readonly atMs: number }> {
  let both = 0;
  let lastMs = performance.now();
  while (!b.isLeader()) {
    if (a.isLeader()) lastMs = performance.now();
    await sleep(2);
  }
  const atMs = performance.now();
  for (let nth = 0; nth < 500; nth++) {
    if (a.isLeader() && b.isLeader()) both++;
    await sleep(2);
  }
  return { gapMs: atMs - lastMs, both, atMs };
}
