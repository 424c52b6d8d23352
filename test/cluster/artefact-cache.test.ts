import { mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { contentOf, ensureArtefact, keyOf, removeUnused } from './artefact-cache.ts';

const log = (): void => {};
const dayMs = 24 * 3600 * 1000;
let cache = '';

beforeEach(async () => void (cache = await mkdtemp(join(tmpdir(), 'millrace-cache-'))));
afterEach(() => rm(cache, { recursive: true, force: true }));

test.each([
  { fact: 'the order of inputs counts', a: ['x', 'y'], b: ['y', 'x'] },
  { fact: 'where an input ends counts', a: ['xy', ''], b: ['x', 'y'] },
  { fact: 'a missing input is not an empty one', a: ['x'], b: ['x', ''] },
])('$fact', ({ a, b }) => {
  expect(keyOf(a)).not.toBe(keyOf(b));
  expect(keyOf(a)).toBe(keyOf([...a]));
});

test('an artefact is made once per key', async () => {
  const made: string[] = [];
  const artefact = (key: string) => ({ name: 'it', key, make: async (folder: string) => void made.push(folder) });
  const [one, other] = [keyOf(['1']), keyOf(['2'])];
  for (const key of [one, one, other]) await ensureArtefact(cache, artefact(key), log);
  expect(made.length).toBe(2);
  expect((await readdir(cache)).toSorted()).toEqual([`it-${one}`, `it-${other}`, 'locks'].toSorted());
});

test('an artefact whose making fails is not there, and its draft does not spoil the next', async () => {
  const key = keyOf(['1']);
  const broken = async (folder: string): Promise<void> => {
    await writeFile(join(folder, 'half'), '');
    throw new Error('no space');
  };
  await expect(ensureArtefact(cache, { name: 'it', key, make: broken }, log)).rejects.toThrow('no space');
  const folder = await ensureArtefact(cache, { name: 'it', key, make: (draft) => writeFile(join(draft, 'whole'), 'w') }, log);
  expect(await readdir(folder)).toEqual(['whole']);
});

test('two that want the same artefact at once get the one that the first makes', async () => {
  const key = keyOf(['1']);
  let makings = 0;
  const make = async (draft: string): Promise<void> => writeFile(join(draft, 'by'), String(++makings));
  const folders = await Promise.all([1, 2].map(() => ensureArtefact(cache, { name: 'it', key, make }, log)));
  expect(await Promise.all(folders.map((folder) => readFile(join(folder, 'by'), 'utf8')))).toEqual(['1', '1']);
});

test('what nobody asked for during two weeks goes; what is no artefact stays', async () => {
  const [used, old] = [`it-${keyOf(['used'])}`, `it-${keyOf(['old'])}`];
  for (const name of [used, old, `${old}.draft`, 'docker']) await mkdir(join(cache, name));
  const now = Date.now();
  for (const name of [old, `${old}.draft`, 'docker']) await utimes(join(cache, name), (now - 15 * dayMs) / 1000, (now - 15 * dayMs) / 1000);
  await removeUnused(cache, now);
  expect((await readdir(cache)).toSorted()).toEqual(['docker', used].toSorted());
});

test('the content of a folder has names relative to it, in order', async () => {
  await mkdir(join(cache, 'b'));
  await writeFile(join(cache, 'b', 'c'), '2');
  await writeFile(join(cache, 'a'), '1');
  expect(await contentOf(cache)).toEqual(['/a', '1', '/b/c', '2']);
});
