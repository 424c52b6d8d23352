import { expect, test } from 'vitest';
import { differenceText, firstDifference } from './diff.ts';

test.each([
  { fact: 'what is wanted is there', wanted: { a: 1 }, found: { a: 1 }, at: null },
  { fact: 'fields that others set do not count', wanted: { a: 1 }, found: { a: 1, b: 2 }, at: null },
  { fact: 'nor do fields inside list items', wanted: { list: [{ a: 1 }] }, found: { list: [{ a: 1, protocol: 'TCP' }] }, at: null },
  { fact: 'an item more is a difference', wanted: { list: [{ a: 1 }] }, found: { list: [{ a: 1 }, { a: 2 }] }, at: 'list' },
  { fact: 'a missing field is a difference', wanted: { spec: { replicas: 2 } }, found: { spec: {} }, at: 'spec.replicas' },
  {
    fact: 'a changed value is found by its path',
    wanted: { spec: { c: [{ image: 'a' }] } },
    found: { spec: { c: [{ image: 'b' }] } },
    at: 'spec.c[0].image',
  },
  { fact: 'a mapping without content may be dropped', wanted: { emptyDir: {} }, found: {}, at: null },
  {
    fact: 'quantities count by value',
    wanted: { limits: { cpu: '1000m', memory: '1024Mi' } },
    found: { limits: { cpu: '1', memory: '1Gi' } },
    at: '',
  },
  {
    fact: 'quantities of resources count by value',
    wanted: { resources: { limits: { cpu: '1000m' } } },
    found: { resources: { limits: { cpu: '1' } } },
    at: null,
  },
  {
    fact: 'quantities that differ are different',
    wanted: { resources: { limits: { cpu: '2' } } },
    found: { resources: { limits: { cpu: '1' } } },
    at: 'resources.limits.cpu',
  },
  { fact: 'texts elsewhere are texts', wanted: { name: '1000m' }, found: { name: '1' }, at: 'name' },
])('$fact', ({ wanted, found, at }) => {
  const difference = firstDifference(wanted, found);
  if (at === '') expect(difference).not.toBeNull();
  else expect(difference?.path ?? null).toBe(at);
});

test('a difference is told as a sentence', () => {
  expect(differenceText('Deployment', 'a-worker', { path: 'spec.replicas', wanted: 2, found: undefined })).toBe(
    'Deployment a-worker: spec.replicas was absent, is to be 2',
  );
});
