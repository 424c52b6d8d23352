// What holds for the repository as a whole: its map, its generated files, its lock file, and nothing of one machine.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { missingPlatforms, type LockedPackages } from '../../cli/setup/complete-lock.mjs';
import { generatedFiles } from '../../cli/setup/generated-files.ts';
import { allFiles, repository } from './source-files.ts';

const files = allFiles();
const binary = /\.(gz|png|jpg|zst|bin)$/;
// Written in parts, so that this file does not hold what it looks for.
const ofOneMachine = new RegExp(
  ['/wo' + 'rk/', '/tmp/spi' + 'ke', '/ro' + 'ot/', '/ho' + 'me/[a-z]', 'registry' + '\\.[a-z]+\\.'].join('|'),
);

test.each(Object.entries(await generatedFiles()))('%s is up to date (npm run generate)', (path, text) => {
  expect(read(path)).toBe(text);
});

test('no file names a folder of one machine or the host of a registry', () => {
  const found = files
    .filter((path) => !binary.test(path))
    .flatMap((path) => (ofOneMachine.test(read(path)) ? [`${path}: ${ofOneMachine.exec(read(path))?.[0]}`] : []));
  expect(found).toEqual([]);
});

test('the lock file names no host, and every platform (node cli/setup/complete-lock.mjs)', () => {
  const text = read('package-lock.json');
  expect(text).not.toContain('"resolved"');
  const { packages } = JSON.parse(text) as { packages: LockedPackages };
  expect(Object.keys(missingPlatforms(packages))).toEqual([]);
});

test('ARCHITECTURE.md names every folder that exists', () => {
  const map = read('ARCHITECTURE.md');
  expect(folders().filter((folder) => !map.includes(`${folder}/`) && !map.includes(`\`${folder}\``))).toEqual([]);
});

test('ARCHITECTURE.md names no folder that is gone', () => {
  const existing = new Set(files.flatMap((path) => path.split('/').map((_part, at, parts) => parts.slice(0, at + 1).join('/'))));
  const named = [
    ...read('ARCHITECTURE.md').matchAll(/`((?:crds|runtime|operator|cli|console|charts|examples|test|bench|docs)\/[\w./-]*)`/g),
  ].map((match) => match[1]?.replace(/\/$/, '') ?? '');
  expect([...new Set(named)].filter((path) => !existing.has(path))).toEqual([]);
});

/** The folders that the map has to name: the first level, and the second where a folder has rooms. */
function folders(): readonly string[] {
  const levels = files.flatMap((path) => {
    const [first = '', second = '', third] = path.split('/');
    if (second === '' || first.startsWith('.')) return [];
    return third !== undefined && ['runtime', 'cli', 'operator', 'crds'].includes(first) ? [first, `${first}/${second}`] : [first];
  });
  return [...new Set(levels)];
}

function read(path: string): string {
  return readFileSync(join(repository, path), 'utf8');
}
