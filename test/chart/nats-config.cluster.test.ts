// The chart's configuration of NATS, given to real servers: one, and three that find each other.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../cli/local/server-process.ts';
import { Accounts } from '../../operator/nats/accounts.ts';
import { makeNatsKeys, userCredentials, type NatsKeys } from '../../operator/nats/nats-keys.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { findClusterPrograms } from '../support/cluster-programs.ts';
import { run } from '../cluster/program-run.ts';
import { startSupervised, type Supervised } from '../support/supervised.ts';
import { objectIn, render, type RenderedObject } from './helm.ts';

type Server = { readonly process: Supervised; readonly url: string; readonly monitor: string };
type Env = readonly { readonly name: string; readonly value?: string }[];

let folder = '';
let started: Supervised[] = [];
let opened: NatsConnection[] = [];
let troubles: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-chart-nats-'));
  [started, opened, troubles] = [[], [], []];
});
afterEach(async () => {
  await Promise.all(opened.map((connection) => connection.close()));
  await Promise.all(started.map((process) => process.stop()));
  await rm(folder, { recursive: true, force: true });
});

test('one server: every write is synced, large messages pass, and nobody comes in without credentials', async () => {
  const keys = await makeNatsKeys();
  const [server] = await start(await render({}), { keys, passwords: [''] });
  if (server === undefined) throw new Error('no server');
  await healthy(server);
  expect((await json(`${server.monitor}/jsz`))['config']).toMatchObject({
    sync_always: true,
    max_storage: Math.floor(0.9 * 10 * 2 ** 30),
    max_memory: 256 * 2 ** 20,
  });
  expect((await json(`${server.monitor}/varz`))['max_payload']).toBe(8 * 2 ** 20);
  await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow(/authorization/i);
  const client = await connect({ servers: server.url, authenticator: credsAuthenticator(await accountOn([server], keys)) });
  const streams = (await jetstreamManager(client)).streams;
  expect((await streams.add({ name: 'S', subjects: ['s'] })).config.num_replicas).toBe(1);
  await client.close();
});

test('three servers find each other, keep streams threefold, and go on when one is told to leave', async () => {
  const keys = await makeNatsKeys();
  const objects = await render({ values: 'three-servers' });
  const servers = await start(objects, { keys, passwords: ['one2three', 'one2three', 'one2three'] });
  await Promise.all(servers.map(healthy));
  const names = await Promise.all(servers.map(async ({ monitor }) => (await json(`${monitor}/varz`))['server_name']));
  expect(names).toEqual(['it-millrace-nats-0', 'it-millrace-nats-1', 'it-millrace-nats-2']);
  const authenticator = credsAuthenticator(await accountOn(servers, keys));
  // Each of them knows the account, whichever was told.
  for (const { url } of servers) await expect.poll(async () => (await connect({ servers: url, authenticator })).close()).toBeUndefined();
  const client = await connect({ servers: servers.map(({ url }) => url), authenticator });
  const streams = (await jetstreamManager(client)).streams;
  await streams.add({ name: 'S', subjects: ['s'], num_replicas: 3 });
  const [first, ...others] = servers;
  const { exec } = (containerOf(objects)['lifecycle'] as { readonly preStop: { readonly exec: { readonly command: string[] } } }).preStop;
  const { 'nats-server': binary } = await findClusterPrograms(['nats-server']);
  await run(
    binary,
    exec.command.slice(1).map((word) => word.replace('ldm=1', `ldm=${first?.process.pid}`)),
    { timeoutMs: 60_000 },
  );
  await expect.poll(() => first?.process.endedBy, { timeout: 120_000 }).not.toBeNull();
  await Promise.all(others.map(healthy));
  await expect.poll(async () => (await streams.info('S')).cluster?.leader).toMatch(/nats-[12]$/);
  await client.close();
});

test('a server with another password does not join', async () => {
  const keys = await makeNatsKeys();
  const [first, second, stranger] = await start(await render({ values: 'three-servers' }), {
    keys,
    passwords: ['right', 'right', 'wrong'],
  });
  if (first === undefined || second === undefined || stranger === undefined) throw new Error('three servers were started');
  const routes = async ({ monitor }: Server): Promise<readonly string[]> => {
    const { routes: all } = (await json(`${monitor}/routez`)) as { readonly routes?: readonly { readonly remote_name?: string }[] };
    return [...new Set((all ?? []).map(({ remote_name = '' }) => remote_name))];
  };
  // The other two have met; the stranger has been turned away as often.
  await expect.poll(() => routes(first)).toEqual(['it-millrace-nats-1']);
  await expect.poll(() => readFile(join(folder, '2', 'log'), 'utf8')).toMatch(/authorization violation|authentication error/i);
  expect(await routes(stranger)).toEqual([]);
});

/** As the operator does it: makes an account known by one of the servers. Credentials of a user who may do all there. */
async function accountOn(servers: readonly Server[], keys: NatsKeys): Promise<Uint8Array> {
  const accounts = new Accounts({ clock: systemClock, onTrouble: (reason) => troubles.push(reason) });
  const address = { url: servers.map(({ url }) => url).join(','), name: 'operator', credentials: join(folder, 'sys.creds') };
  const connection = await accounts.start({ keys: () => Promise.resolve(keys), secret: 'keys', address, onConnected: () => undefined });
  if (connection !== null) opened.push(connection);
  const { seed } = await accounts.register({ kind: 'namespace', namespace: 'shop' });
  // As long as those of a job of a thousand streams with long names.
  const allow = Array.from({ length: 4_000 }, (_, at) => `$JS.API.CONSUMER.CREATE.MR_${'n'.repeat(60)}_${'j'.repeat(60)}_${at}.*`);
  return Buffer.from(await userCredentials(seed, 'job', { pub: { allow: ['>', ...allow] }, sub: { allow: ['>'] } }));
}

/** Starts the servers of the StatefulSet: its configuration with addresses of this machine, one password a server. */
async function start(
  objects: readonly RenderedObject[],
  { keys, passwords }: { keys: NatsKeys; passwords: readonly string[] },
): Promise<Server[]> {
  const { 'nats-server': binary } = await findClusterPrograms(['nats-server']);
  const { data } = objectIn(objects, 'ConfigMap', 'it-millrace-nats') as unknown as { readonly data: { readonly 'nats.conf': string } };
  const environment = containerOf(objects)['env'] as Env;
  const routePorts = await Promise.all(passwords.map(() => freePort()));
  const servers: Server[] = [];
  for (const [index, password] of passwords.entries()) {
    const home = join(folder, String(index));
    await mkdir(join(home, 'auth'), { recursive: true });
    const [port, monitorPort] = [await freePort(), await freePort()];
    const variables = expand(environment, { POD_NAME: `it-millrace-nats-${index}`, ROUTE_PASSWORD: password });
    const config = `${variables}\n${data['nats.conf']}`
      .replace('"0.0.0.0:4222"', `"127.0.0.1:${port}"`)
      .replace('"0.0.0.0:8222"', `"127.0.0.1:${monitorPort}"`)
      .replace('"0.0.0.0:6222"', `"127.0.0.1:${routePorts[index]}"`)
      .replace(
        /@it-millrace-nats-(\d)\.it-millrace-nats-headless\.here\.svc\.cluster\.local:6222/g,
        (_host, at) => `@127.0.0.1:${routePorts[Number(at)]}`,
      )
      .replaceAll(/"\/data([\w/]*)"/g, (_text, rest: string) => JSON.stringify(join(home, 'data', rest)));
    await writeFile(join(home, 'nats.conf'), config);
    await writeFile(join(home, 'auth/auth.conf'), keys['auth.conf']);
    const process = await startSupervised({ binary, args: ['-c', join(home, 'nats.conf')], logPath: join(home, 'log') });
    started.push(process);
    servers.push({ process, url: `nats://127.0.0.1:${port}`, monitor: `http://127.0.0.1:${monitorPort}` });
  }
  return servers;
}

/** The environment as Kubernetes would make it, in the form in which nats-server reads a variable: as a line of its configuration. */
function expand(environment: Env, given: Readonly<Record<string, string>>): string {
  const values: Record<string, string> = { ...given };
  for (const { name, value } of environment)
    if (value !== undefined) values[name] = value.replace(/\$\((\w+)\)/g, (text, variable: string) => values[variable] ?? text);
  const used = Object.entries(values).filter(([name]) => !(name in given) && name !== 'GOMEMLIMIT');
  return used.map(([name, value]) => `${name} = ${value}`).join('\n');
}

function containerOf(objects: readonly RenderedObject[]): Readonly<Record<string, unknown>> {
  const { spec } = objectIn(objects, 'StatefulSet', 'it-millrace-nats') as unknown as {
    readonly spec: { readonly template: { readonly spec: { readonly containers: readonly [Readonly<Record<string, unknown>>] } } };
  };
  return spec.template.spec.containers[0];
}

/** By the probe of its pod. */
async function healthy({ monitor }: Server): Promise<void> {
  await expect.poll(async () => (await fetch(`${monitor}/healthz`).catch(() => null))?.status, { timeout: 120_000 }).toBe(200);
}

async function json(url: string): Promise<Readonly<Record<string, unknown>>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>;
}
