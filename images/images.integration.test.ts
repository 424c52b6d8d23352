// Our images, made for real: what is in them runs, and nothing else is in them.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tryRun } from '../test/cluster/program-run.ts';
import { bundleImage, type Bundle } from './bundle.ts';
import { findNodeForImages } from './node-binary.ts';
import { imageNames, nodePath } from './programs.ts';
import { fillRoot, machineFiles } from './root-folder.ts';
import { writeImages } from './write-images.ts';

const timeoutMs = 60_000;
let folder = '';

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'millrace-images-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('programs', () => {
  let bundles: readonly Bundle[] = [];
  beforeAll(async () => void (bundles = (await Promise.all(imageNames.map(bundleImage))).flat()));
  const textOf = (file: string): string => bundles.find((bundle) => bundle.file === file)?.text ?? '';

  test('the worker has neither the operator nor a client of Kubernetes in it, and OpenTelemetry in its thread only; the operator has all', () => {
    // A bundle names the file that each part comes from.
    for (const origin of ['// operator/', '// node_modules/@kubernetes/client-node/']) {
      expect(textOf('worker.mjs')).not.toContain(origin);
      expect(textOf('operator.mjs')).toContain(origin);
    }
    expect(textOf('worker.mjs')).toContain('// runtime/task/step.ts');
    expect(textOf('worker.mjs')).not.toContain('// node_modules/@opentelemetry/');
    expect(textOf('tracer-thread.mjs')).toContain('// node_modules/@opentelemetry/');
  });

  test('no bundle names a folder of the machine that made it', () => {
    for (const { text } of bundles) {
      expect(text).not.toContain(join(import.meta.dirname, '..'));
      expect(text).not.toContain('// ../');
    }
  });

  test.each([
    { program: 'worker.mjs', says: 'MILLRACE_NATS_URL' },
    { program: 'operator.mjs', says: 'MILLRACE_NATS_URL is not set' },
    { program: 'helm-test.mjs', says: 'MILLRACE_TEST_NAMESPACE is not set' },
  ])('$program starts on nothing but the root of its image, and says what it was not told', async ({ program, says }) => {
    const root = await mkdtemp(join(folder, 'root-'));
    await fillRoot(root, machineFiles(findNodeForImages()), bundles);
    expect((await inRoot(root, ['--version'])).stdout).toMatch(/^v24\./);
    const ended = await inRoot(root, [`/app/${program}`]);
    expect(ended.stderr + ended.stdout).toContain(says);
    expect(ended.code).toBe(1);
    expect(await executablesIn(root)).toEqual([expect.stringMatching(/\/ld-[^/]+$/), nodePath]);
  });
});

test('an image is made once, the same everywhere, and made again when something in it changed', async () => {
  const [one, other] = [join(folder, 'one'), join(folder, 'other')];
  const request = { out: one, tag: 'a', names: ['worker'] as const };
  const [first] = await writeImages(request);
  const [second] = await writeImages(request);
  const [elsewhere] = await writeImages({ ...request, out: other });
  const [renamed] = await writeImages({ ...request, tag: 'b' });
  expect([first, second, elsewhere, renamed].map((image) => image?.isKept)).toEqual([false, true, false, false]);
  expect([second?.imageId, elsewhere?.imageId]).toEqual([first?.imageId, first?.imageId]);
  expect(first?.reference).toBe('millrace.test/worker:a');
  expect(renamed?.reference).toBe('millrace.test/worker:b');
  const again = await writeImages({ ...request, out: one });
  expect(again[0]?.isKept).toBe(false); // b lay there
  expect(await sha256Of(join(one, 'worker.tar'))).toBe(await sha256Of(join(other, 'worker.tar')));
});

/** Runs the root's Node there, with nothing of this machine but its kernel. */
function inRoot(root: string, args: readonly string[]): ReturnType<typeof tryRun> {
  const enter = process.getuid?.() === 0 ? ['chroot', root] : ['unshare', '--map-root-user', '--root', root];
  return tryRun('env', ['-i', `PATH=${process.env['PATH'] ?? ''}`, ...enter, nodePath, ...args], { timeoutMs });
}

async function executablesIn(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const modes = await Promise.all(paths.map(async (path) => [path.slice(root.length), (await stat(path)).mode] as const));
  return modes
    .filter(([, mode]) => (mode & 0o111) !== 0)
    .map(([path]) => path)
    .toSorted();
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
