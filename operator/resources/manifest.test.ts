import { expect, test } from 'vitest';
import { APPLIED_ANNOTATION, withAppliedHash, type Manifest } from './manifest.ts';

function manifest(spec: object, annotations: Record<string, string> = {}): Manifest {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a-worker', namespace: 'n', annotations }, spec };
}

const hashOf = (one: Manifest): string | undefined => withAppliedHash(one).metadata.annotations?.[APPLIED_ANNOTATION];

test.each([
  { fact: 'a field that is not wanted any more', before: { a: 1, nodeSelector: { disk: 'fast' } }, after: { a: 1 } },
  { fact: 'a field of an item of a list', before: { egress: [{ to: 'x', ports: [443] }] }, after: { egress: [{ to: 'x' }] } },
  { fact: 'another value', before: { a: 1 }, after: { a: 2 } },
])('$fact gives another hash', ({ before, after }) => expect(hashOf(manifest(before))).not.toBe(hashOf(manifest(after))));

test('the same manifest gives the same hash, whatever the order of its fields', () => {
  expect(hashOf(manifest({ a: 1, b: 2 }))).toBe(hashOf(manifest({ b: 2, a: 1 })));
});

test('annotations of the manifest stay', () => {
  expect(withAppliedHash(manifest({}, { mine: 'x' })).metadata.annotations).toEqual({
    mine: 'x',
    [APPLIED_ANNOTATION]: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
  });
});
