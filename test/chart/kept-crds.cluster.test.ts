// A release that is uninstalled leaves its custom resource definitions, and with them the jobs; one of its name that is installed again takes them,
// by another Helm too.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadJob } from '../e2e/support/load.ts';
import { startApiServer, type ApiServer } from '../support/api-server.ts';
import { untilServed } from '../support/definitions.ts';
import { chartFolder, helm, type HelmVersion } from './helm.ts';

const namespace = 'kept';
let server: ApiServer;
let folder = '';

beforeAll(async () => {
  server = await startApiServer();
  await kubectl(['create', 'namespace', namespace]);
  folder = await mkdtemp(join(tmpdir(), 'millrace-kept-'));
});
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const ended = await server.kubectl(args, input);
  if (ended.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout;
}

const uids = (kind: string): Promise<string> =>
  kubectl([
    'get',
    kind,
    '--all-namespaces',
    '--sort-by=.metadata.name',
    '-o',
    'jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{"\\n"}{end}',
  ]);

test.each([3, 4] as const)('Helm %i', async (version: HelmVersion) => {
  const there = ['--namespace', namespace, '--kubeconfig', server.kubeconfig];
  const must = async (args: readonly string[]): Promise<void> => {
    const ended = await helm(version, [...args, ...there]);
    expect(ended.code, ended.stderr).toBe(0);
  };
  const install = ['install', 'it', chartFolder, '--no-hooks', '--set', 'crds.install=true'];
  await must(install);
  await untilServed(server);
  const path = join(folder, 'job.json');
  await writeFile(path, JSON.stringify(loadJob(namespace, `stays-${version}`)));
  await kubectl(['create', '-f', path]);
  const before = [await uids('crd'), await uids('streamjobs')];
  expect(before[0]).toMatch(/^streamjobs\.millrace\.dev .*\nstreamsavepoints\.millrace\.dev /m);
  expect(before[1]).toContain(`stays-${version} `);

  await must(['uninstall', 'it', '--no-hooks']);
  expect(await kubectl(['get', 'deployments', '-n', namespace, '-o', 'name'])).toBe('');
  expect([await uids('crd'), await uids('streamjobs')]).toEqual(before);

  await must(install);
  expect([await uids('crd'), await uids('streamjobs')]).toEqual(before);
  await must(['uninstall', 'it', '--no-hooks']);
});
