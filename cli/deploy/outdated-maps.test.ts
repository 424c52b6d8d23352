import { expect, test } from 'vitest';
import type { AnyObject } from '../../operator/kube/kube-object.ts';
import { outdatedMaps } from './outdated-maps.ts';

const map = (name: string, minute: number): AnyObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'demo', uid: name, resourceVersion: '1', creationTimestamp: `2026-01-05T09:${10 + minute}:00Z` },
});
const job = (code: string | null, ...files: readonly string[]): AnyObject => ({
  ...map('job', 0),
  kind: 'StreamJob',
  spec: { ...(code === null ? {} : { code: { configMap: code } }), workers: { files: files.map((configMap) => ({ configMap })) } },
});
const name = (letter: string, part?: number): string => `job-code-${letter.repeat(10)}${part === undefined ? '' : `-${part}`}`;
const maps = [map('c1', 1), map('c3', 3), map('c2', 2), map('c4', 4)];

test.each([
  { fact: 'the one in use and the newest other stay', jobs: [job('c4')], outdated: ['c2', 'c1'] },
  { fact: 'after going back the newer one stays', jobs: [job('c1')], outdated: ['c3', 'c2'] },
  { fact: 'what another job uses stays', jobs: [job('c4'), job('c1')], outdated: ['c2'] },
  { fact: 'files count as used', jobs: [job(null, 'c2', 'c1')], outdated: ['c3'] },
  { fact: 'a job without any leaves the newest', jobs: [], outdated: ['c3', 'c2', 'c1'] },
])('$fact', ({ jobs, outdated }) => expect(outdatedMaps(maps, jobs).map(({ metadata }) => metadata.name)).toEqual(outdated));

test('what lies in several stays and goes as one', () => {
  const all = [map(name('a'), 1), map(name('a', 2), 1), map(name('b'), 2), map(name('b', 2), 2), map(name('c'), 3), map(name('c', 2), 3)];
  const used = job(name('c'));
  (used['spec'] as { code: { more?: string[] } }).code.more = [name('c', 2)];
  expect(outdatedMaps(all, [used]).map(({ metadata }) => metadata.name)).toEqual([name('a', 2), name('a')]);
});
