// Who may look, asked of a real API server: accounts with rights of all sorts, and an operator without the right to ask.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApiServer, type ApiServer } from '../../test/support/api-server.ts';
import { clientOf, ports } from '../kube/kube-harness.ts';
import { ClusterAccess } from './cluster-access.ts';

let server: ApiServer;
let access: ClusterAccess;

beforeAll(async () => {
  server = await startApiServer();
  for (const namespace of ['here', 'there']) await kubectl('create', 'namespace', namespace);
  for (const account of ['viewer', 'editor', 'stranger', 'everywhere'])
    await kubectl('create', 'serviceaccount', account, '--namespace', 'here');
  for (const [name, verbs] of [
    ['looks', ['get']],
    ['changes', ['get', 'update']],
  ] as const) {
    const rules = [{ apiGroups: ['millrace.dev'], resources: ['streamjobs'], verbs }];
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules };
    expect(await server.kubectl(['create', '-f', '-'], JSON.stringify(role))).toMatchObject({ code: 0 });
  }
  await kubectl('create', 'rolebinding', 'editor', '--clusterrole=changes', '--serviceaccount=here:editor', '--namespace', 'here');
  await kubectl('create', 'rolebinding', 'viewer', '--clusterrole=looks', '--serviceaccount=here:viewer', '--namespace', 'here');
  await kubectl('create', 'clusterrolebinding', 'everywhere', '--clusterrole=looks', '--serviceaccount=here:everywhere');
  access = new ClusterAccess({ client: await clientOf(server), clock: ports.clock });
});
afterAll(() => server?.stop());

test.each([
  { who: 'viewer', where: null, kind: 'allowed', message: undefined },
  { who: 'viewer', where: 'here', kind: 'allowed', message: undefined },
  { who: 'viewer', where: 'there', kind: 403, message: 'system:serviceaccount:here:viewer may not get streamjobs in namespace there' },
  { who: 'everywhere', where: 'there', kind: 'allowed', message: undefined },
  { who: 'stranger', where: null, kind: 'allowed', message: undefined },
  { who: 'stranger', where: 'here', kind: 403, message: 'system:serviceaccount:here:stranger may not get streamjobs in namespace here' },
])('$who in $where: $kind', async ({ who, where, kind, message }) => {
  const entry = await access.entry({ authorization: `Bearer ${await tokenOf(who)}` }, where);
  expect(entry.kind === 'allowed' ? entry.kind : entry.status).toBe(kind);
  expect(entry.kind === 'allowed' ? undefined : entry.message).toBe(message);
});

test.each([
  { who: 'editor', where: 'here', may: 'allowed' },
  { who: 'editor', where: 'there', may: 'system:serviceaccount:here:editor may not update streamjobs in namespace there' },
  { who: 'viewer', where: 'here', may: 'system:serviceaccount:here:viewer may not update streamjobs in namespace here' },
])('may $who decide about what is in $where: $may', async ({ who, where, may }) => {
  const entry = await access.changing({ authorization: `Bearer ${await tokenOf(who)}` }, where);
  expect(entry.kind === 'allowed' ? entry.kind : entry.message).toBe(may);
});

test('who says nothing decides about nothing', async () => {
  expect(await access.changing({ authorization: null }, 'here')).toMatchObject({ kind: 'refused', status: 401 });
});

test.each([
  { fact: 'no header', authorization: null, message: 'Say who you are' },
  { fact: 'a header of another kind', authorization: 'Basic YTpi', message: 'Say who you are' },
  { fact: 'a token of nobody', authorization: 'Bearer nobody', message: 'knows nobody by this token' },
])('$fact is answered with 401', async ({ authorization, message }) => {
  expect(await access.entry({ authorization }, null)).toMatchObject({ status: 401, message: expect.stringContaining(message) });
});

test('an account that is gone is let in no longer than an answer counts', async () => {
  await kubectl('create', 'serviceaccount', 'leaving', '--namespace', 'here');
  const asker = { authorization: `Bearer ${await tokenOf('leaving')}` };
  let nowMs = 0;
  const timed = new ClusterAccess({ client: await clientOf(server), clock: { ...ports.clock, monotonicMs: () => nowMs } });
  expect(await timed.entry(asker, null)).toEqual({ kind: 'allowed', who: 'system:serviceaccount:here:leaving' });
  await kubectl('delete', 'serviceaccount', 'leaving', '--namespace', 'here');
  nowMs = 10_000;
  // The API server itself keeps what it knows of a token for some seconds.
  await expect.poll(() => ((nowMs += 10_000), timed.entry(asker, null)), { timeout: 90_000 }).toMatchObject({ status: 401 });
});

test('an operator that may not ask says which right it lacks, and lets nobody in', async () => {
  const asks = new ClusterAccess({ client: await clientOf(server, { token: await tokenOf('stranger') }), clock: ports.clock });
  const entry = await asks.entry({ authorization: `Bearer ${await tokenOf('viewer')}` }, 'here');
  expect(entry).toMatchObject({ kind: 'refused', status: 503 });
  for (const part of ['create tokenreviews', 'console.clusterRoleBinding', 'system:auth-delegator'])
    expect(JSON.stringify(entry)).toContain(part);
  await kubectl('create', 'clusterrolebinding', 'asks', '--clusterrole=system:auth-delegator', '--serviceaccount=here:stranger');
  await expect.poll(async () => (await asks.entry({ authorization: `Bearer ${await tokenOf('viewer')}` }, 'here')).kind).toBe('allowed');
});

test('answers are shared while they count: many who ask at once are one question', async () => {
  const client = await clientOf(server);
  const asked = new ClusterAccess({ client, clock: ports.clock });
  const asker = { authorization: `Bearer ${await tokenOf('viewer')}` };
  await Promise.all(Array.from({ length: 50 }, () => asked.entry(asker, 'here')));
  const counts = [...client.callCounts()].filter(([name]) => name.includes('reviews')).map(([, count]) => count);
  expect(counts.toSorted((a, b) => a - b)).toEqual([1, 2]); // whose token; everywhere, and here
});

test('more than can be asked at once are told so, and nobody is let in by it', async () => {
  const asked = new ClusterAccess({ client: await clientOf(server), clock: ports.clock });
  const entries = await Promise.all(Array.from({ length: 200 }, (_, at) => asked.entry({ authorization: `Bearer nobody-${at}` }, null)));
  const statuses = new Set(entries.map((entry) => (entry.kind === 'allowed' ? 'allowed' : entry.status)));
  expect(statuses).toContain(503);
  // On a machine that stalls none of them may be answered in time.
  expect([...statuses].filter((status) => status !== 401 && status !== 503)).toEqual([]);
});

async function tokenOf(account: string): Promise<string> {
  return (await kubectl('create', 'token', account, '--namespace', 'here')).trim();
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const ended = await server.kubectl(args);
  if (ended.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout;
}
