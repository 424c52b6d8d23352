// MILLRACE_CLUSTER=existing, on an API server that the mode knows nothing of: nodes are objects of it, and the command that loads images is
// a script that notes what it was given.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callApi } from '../support/api-request.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { clusterStatus, downCluster, upCluster, whyNoCluster, type UpOptions } from './cluster.ts';

let server: ApiServer;
let folder: string;
beforeAll(async () => {
  [server, folder] = [await startApiServer(), await mkdtemp(join(tmpdir(), 'millrace-existing-'))];
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const told: string[] = [];
function options(environment: Readonly<Record<string, string>> = {}): UpOptions {
  const ours = { MILLRACE_CLUSTER: 'existing', KUBECONFIG: server.kubeconfig };
  return { environment: { ...process.env, ...ours, ...environment }, log: (line) => told.push(line) };
}

async function makeNode(name: string, ready: 'True' | 'False', labels: object = {}): Promise<void> {
  const made = await callApi(server, {
    method: 'POST',
    path: '/api/v1/nodes',
    body: { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } },
  });
  expect(made.status).toBe(201);
  const status = { conditions: [{ type: 'Ready', status: ready, reason: 'Test', message: 'as the test says' }] };
  const body = { apiVersion: 'v1', kind: 'Node', metadata: { name }, status };
  const patched = await callApi(server, {
    method: 'PATCH',
    path: `/api/v1/nodes/${name}/status`,
    body,
    contentType: 'application/merge-patch+json',
  });
  expect(patched.status).toBe(200);
}

test('a cluster without a node that is ready is not up, and its status says so', async () => {
  await makeNode('sick', 'False');
  await expect(upCluster(options())).rejects.toThrow(`the cluster of KUBECONFIG (${server.kubeconfig}) has no node that is ready`);
  expect((await clusterStatus(options()))[0]).toBe('NOT READY, existing, no node is ready');
});

test('its nodes are those that are ready, the control plane first; its status is its own and not that of a cluster made here', async () => {
  await makeNode('a-worker', 'True');
  await makeNode('the-head', 'True', { 'node-role.kubernetes.io/control-plane': '' });
  const cluster = await upCluster(options());
  expect([cluster.kind, cluster.kubeconfig, cluster.env]).toEqual(['existing', server.kubeconfig, { KUBECONFIG: server.kubeconfig }]);
  expect(await cluster.nodes()).toEqual(['the-head', 'a-worker']);
  expect((await clusterStatus(options())).slice(0, 3)).toEqual([
    'ready, existing, nodes the-head a-worker',
    `export KUBECONFIG=${server.kubeconfig}`,
    expect.stringContaining('MILLRACE_CLUSTER_LOAD is not set: a command that takes the path of an image archive') as string,
  ]);
});

test('images get there by the command that was named: once for each archive, whatever its path', async () => {
  const script = join(folder, 'load.sh');
  const [noted, archive] = [join(folder, 'noted'), join(folder, "it's an image.tar")];
  await writeFile(archive, '');
  await writeFile(script, `#!/bin/sh\necho "$1|$2" >> '${noted}'\n[ -e "$2" ] || { echo no such archive >&2; exit 3; }\n`, { mode: 0o755 });
  const cluster = await upCluster(options({ MILLRACE_CLUSTER_LOAD: `${script} --quiet` }));
  await cluster.loadImage(archive);
  expect(await cluster.loadServerImage('nats')).toMatch(/^millrace\.test\/nats:2\./);
  expect((await readFile(noted, 'utf8')).trim().split('\n')).toEqual([
    `--quiet|${archive}`,
    expect.stringMatching(/^--quiet\|.*\/nats\.tar$/),
  ]);
  await expect(cluster.loadImage(join(folder, 'gone.tar'))).rejects.toThrow(/no such archive/);
});

test('without such a command it says what is missing; nodes are no containers', async () => {
  const cluster = await upCluster(options({ MILLRACE_CLUSTER_LOAD: '' }));
  await expect(cluster.loadImage('x.tar')).rejects.toThrow(
    'an existing cluster needs MILLRACE_CLUSTER_LOAD: a command that takes the path',
  );
  await expect(cluster.docker(['ps'])).rejects.toThrow('are not containers of this machine');
});

test('taken down it stays, and so does a cluster that was made here', async () => {
  told.length = 0;
  await downCluster(options());
  expect(told).toEqual(['the cluster of KUBECONFIG was there before, and stays']);
  expect(await (await upCluster(options())).nodes()).toContain('the-head');
});

test('one that does not answer is an error and no reason to skip; a file that is not there is one', async () => {
  const away = join(folder, 'away');
  await writeFile(away, (await readFile(server.kubeconfig, 'utf8')).replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1'));
  await expect(upCluster(options({ KUBECONFIG: away }))).rejects.toThrow(/refused/);
  expect(await whyNoCluster(options({ KUBECONFIG: away }))).toBeNull();
  expect(await whyNoCluster(options({ KUBECONFIG: join(folder, 'none') }))).toContain('needs KUBECONFIG');
});
