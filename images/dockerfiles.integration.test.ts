// The Dockerfiles make what write-images.ts makes, from what they take along.
import { cp, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../test/cluster/program-run.ts';
import { entrypointOf, imageNames, images, userId } from './programs.ts';

const repository = join(import.meta.dirname, '..');
let folder = '';

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'millrace-docker-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(imageNames)('%s: what runs, as whom and on which port is the same in both', async (name) => {
  const text = await read(name, 'Dockerfile');
  expect(text).toContain(`ENTRYPOINT ${JSON.stringify(entrypointOf(name)).replace(',', ', ')}`);
  expect(text).toContain(`USER ${userId}:${userId}`);
  expect(images[name].exposedPorts).toEqual((/EXPOSE (.+)/.exec(text)?.[1] ?? '').split(' ').map((port) => `${port}/tcp`));
});

test.each(imageNames)('%s: the files that the build takes along are enough for the bundles', async (name) => {
  const context = join(folder, name);
  const taken = (await read(name, 'Dockerfile.dockerignore')).split('\n').filter((line) => line.startsWith('!'));
  for (const path of taken.map((line) => line.slice(1)))
    await cp(join(repository, path), join(context, path), { recursive: true, filter: (source) => !source.endsWith('.test.ts') });
  await symlink(join(repository, 'node_modules'), join(context, 'node_modules'));
  const [, ...command] = (/^RUN (node .*)$/m.exec(await read(name, 'Dockerfile'))?.[1] ?? '').split(' ');
  const out = join(folder, `${name}-out`);
  await run(
    process.execPath,
    command.map((word) => word.replace(/^\/out$/, out)),
    { cwd: context, timeoutMs: 60_000 },
  );
  const page = images[name].hasPage ? ['page.css', 'page.js'] : [];
  expect((await readdir(out)).toSorted()).toEqual([...images[name].programs.map(({ file }) => file), ...page].toSorted());
});

function read(name: string, file: string): Promise<string> {
  return readFile(join(import.meta.dirname, name, file), 'utf8');
}
