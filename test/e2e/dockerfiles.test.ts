// `docker build` of the Dockerfiles, by the engine that runs the cluster: the images hold what the archives hold that are made without
// Docker, and run as nobody, on a root that cannot be written. Where the cluster is built, since no registry answers, the first base is the
// Debian of its nodes with Node and npm, and the second that Debian as it is; elsewhere they are those that people pull.

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { bundleImage } from '../../images/bundle.ts';
import { findNodeForImages } from '../../images/node-binary.ts';
import { entrypointOf, imageNames, images, programFolder, userId } from '../../images/programs.ts';
import { foldersOf, socketOf } from '../cluster/folders.ts';
import { ensureBase } from '../cluster/node-image.ts';
import { tryRun, whereIs, type Ended } from '../cluster/program-run.ts';
import { freshName } from './support/programs.ts';

const repository = resolve(import.meta.dirname, '../..');
const folders = foldersOf(process.env, process.getuid?.() === 0);
const tag = freshName('dockerfiles');
const [debian, withNode] = [`millrace.test/debian:${tag}`, `millrace.test/debian-node:${tag}`];
const imageOf = (name: string): string => `millrace.test/${name}:${tag}`;
const { kind, ...bed } = inject('bed');
const dockerHost = bed.dockerHost ?? undefined;
/** A client that builds with BuildKit: the Dockerfiles say by files of their own what they take along. */
const docker = await findDocker();
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-dockerfiles-'));
  if (docker !== null && kind === 'built') await makeBases();
});
afterAll(async () => {
  if (docker !== null) {
    await ask(['image', 'rm', '--force', ...imageNames.map(imageOf), withNode, debian]);
    if (dockerHost === `unix://${socketOf(folders)}`) await ask(['builder', 'prune', '--force']); // of the engine that is ours
  }
  await rm(folder, { recursive: true, force: true });
});

test.for(imageNames)('%s: what docker build makes is what is made without it, and it runs', async (name, { skip }) => {
  if (docker === null) return skip('no docker that builds with BuildKit');
  // The engine of the built cluster has no bridge; npm is all that is asked.
  const bases = ['--network', 'host', '--build-arg', `NODE_IMAGE=${withNode}`, '--build-arg', `BASE_IMAGE=${debian}`];
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((one) => (process.env[one] === undefined ? [] : ['--build-arg', one]));
  const options = [...(kind === 'built' ? bases : []), ...proxies, '--file', `images/${name}/Dockerfile`, '--tag', imageOf(name)];
  await must(['build', ...options, repository]);

  const container = (await must(['create', '--network', 'none', imageOf(name)])).trim();
  try {
    await must(['cp', `${container}:${programFolder}`, join(folder, name)]);
  } finally {
    await must(['rm', container]);
  }
  const files = (await readdir(join(folder, name))).toSorted();
  const bundles = await bundleImage(name);
  expect(files).toEqual(bundles.map(({ file }) => file).toSorted());
  for (const { file, text } of bundles) expect((await readFile(join(folder, name, file), 'utf8')) === text, file).toBe(true);

  const [{ Config: config }] = JSON.parse(await must(['image', 'inspect', imageOf(name)])) as [{ Config: Record<string, unknown> }];
  expect(config).toMatchObject({ User: `${userId}:${userId}`, WorkingDir: '/tmp', Entrypoint: entrypointOf(name) });
  expect(Object.keys(config['ExposedPorts'] as object)).toEqual(images[name].exposedPorts);
  expect(config['Env']).toEqual(expect.arrayContaining(['NODE_ENV=production', 'MALLOC_ARENA_MAX=1']));

  const ended = await ask(['run', '--rm', '--network', 'none', '--read-only', '--cap-drop', 'ALL', imageOf(name)]);
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/^  MILLRACE_NATS_URL:? (it )?is not set/m) as string });
  expect(ended.stderr).not.toContain('    at '); // it runs, and says what it lacks
});

async function makeBases(): Promise<void> {
  const root = await ensureBase(folders.cache, (line) => console.log(line));
  const pipe = `tar -C '${root}' --exclude=./proc --exclude=./sys --exclude=./dev -cf - . | '${docker}' import - '${debian}'`;
  await promisify(execFile)('sh', ['-c', pipe], { env: { ...process.env, DOCKER_HOST: dockerHost }, timeout: 120_000 });
  const context = join(folder, 'base');
  for (const path of ['bin', 'lib/node_modules', 'certificates']) await mkdir(join(context, path), { recursive: true });
  await cp(findNodeForImages(), join(context, 'bin/node'), { dereference: true });
  const npm = dirname(dirname(await realpath(process.env['npm_execpath'] ?? whereIs('npm') ?? '')));
  await cp(npm, join(context, 'lib/node_modules/npm'), { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(context, 'bin/npm'));
  // npm as it is set up here: its registry, and whom it trusts.
  const setting = async (name: string): Promise<string> =>
    (await tryRun('npm', ['config', 'get', name], { timeoutMs: 100_000 })).stdout.trim();
  const trusted = await setting('cafile');
  const isTold = trusted !== '' && trusted !== 'null';
  if (isTold) await cp(trusted, join(context, 'certificates/ca.crt'), { dereference: true });
  const lines = [
    `FROM ${debian}`,
    'COPY bin /usr/local/bin',
    'COPY lib /usr/local/lib',
    'COPY certificates /certificates',
    `ENV PATH=/usr/local/bin:/usr/bin:/bin NPM_CONFIG_REGISTRY=${await setting('registry')}`,
    ...(isTold ? ['ENV NPM_CONFIG_CAFILE=/certificates/ca.crt'] : []),
  ];
  await writeFile(join(context, 'Dockerfile'), lines.join('\n'));
  await must(['build', '--network', 'none', '--tag', withNode, context]);
}

/** With an engine that answers; null: there is none, or it would build in the old way. */
async function findDocker(): Promise<string | null> {
  for (const program of ['docker', '/usr/bin/docker']) {
    const options = { env: { DOCKER_HOST: dockerHost }, timeoutMs: 100_000 };
    const { code, stdout } = await tryRun(program, ['version', '--format', '{{.Client.Version}}'], options);
    const hasBuildx = (await tryRun(program, ['buildx', 'version'], options)).code === 0;
    if (code === 0 && (hasBuildx || Number.parseInt(stdout, 10) < 23)) return program;
  }
  console.log('SKIPPED: no docker is here that builds with BuildKit, so the Dockerfiles are not built');
  return null;
}

function ask(args: readonly string[]): Promise<Ended> {
  return tryRun(docker ?? 'docker', args, { env: { DOCKER_HOST: dockerHost, DOCKER_BUILDKIT: '1' }, timeoutMs: 240_000 });
}

async function must(args: readonly string[]): Promise<string> {
  const ended = await ask(args);
  expect(ended.code, `docker ${args.join(' ')}: ${ended.stderr.slice(-2_000)}`).toBe(0);
  return ended.stdout;
}
