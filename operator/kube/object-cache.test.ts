// What lists and watches change about what is known. An object is `name uid resourceVersion`, of namespace a unless `b:name`.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type KubeObject, keyOf } from './kube-object.ts';
import { type CacheEvent, ObjectCache } from './object-cache.ts';

test.each([
  { fact: 'what is new is added', told: ['put x 1 1'], events: 'added x 1 1' },
  { fact: 'the same state again is nothing', told: ['put x 1 1', 'put x 1 1'], events: 'added x 1 1' },
  { fact: 'a later state is a change of the one before', told: ['put x 1 1', 'put x 1 2'], events: 'added x 1 1, changed x 1 1→x 1 2' },
  {
    fact: 'an object of the same name but another uid is another object',
    told: ['put x 1 1', 'put x 2 5'],
    events: 'added x 1 1, deleted x 1 1, added x 2 5',
  },
  { fact: 'what goes is told with its last state', told: ['put x 1 1', 'remove x 1 3'], events: 'added x 1 1, deleted x 1 3' },
  { fact: 'what was not known does not go', told: ['remove x 1 3'], events: '' },
  { fact: 'the end of a former object is not the end of the one of now', told: ['put x 2 5', 'remove x 1 3'], events: 'added x 2 5' },
  {
    fact: 'what a list of the namespace does not show is gone',
    told: ['put x 1 1', 'put y 2 2', 'put b:z 3 3', 'listed a y'],
    events: 'added x 1 1, added y 2 2, added b:z 3 3, deleted x 1 1',
  },
  {
    fact: 'what a list of all does not show is gone everywhere',
    told: ['put x 1 1', 'put b:z 3 3', 'listed'],
    events: 'added x 1 1, added b:z 3 3, deleted x 1 1, deleted b:z 3 3',
  },
])('$fact', ({ told, events }) => {
  const cache = new ObjectCache();
  expect(told.flatMap((text) => tell(cache, text)).join(', ')).toBe(events);
});

test('managedFields are not kept, and the object that came is not changed', () => {
  const cache = new ObjectCache();
  const came = { ...object('x', '1', '1'), metadata: { ...object('x', '1', '1').metadata, managedFields: [{ manager: 'kubectl' }] } };
  cache.put(came);
  expect(cache.get('a', 'x')?.metadata).toEqual({ name: 'x', namespace: 'a', uid: '1', resourceVersion: '1' });
  expect(came.metadata.managedFields).toHaveLength(1);
});

test('whatever comes: who follows the events knows what the cache knows', () => {
  const name = fc.constantFrom('x', 'y', 'b:z');
  const small = fc.integer({ min: 1, max: 3 });
  const put = fc.tuple(fc.constantFrom('put', 'remove'), name, small, small).map((parts) => parts.join(' '));
  const listed = fc
    .tuple(fc.constantFrom('', ' a', ' b'), fc.subarray(['x', 'y', 'b:z']))
    .map(([of, names]) => ['listed', of.trim(), ...names].join(' '));
  fc.assert(
    fc.property(fc.array(fc.oneof(put, listed), { maxLength: 40 }), (all) => {
      const cache = new ObjectCache();
      const follower = new Map<string, KubeObject>();
      for (const event of all.flatMap((text) => tellEvents(cache, text))) {
        const before = follower.get(keyOf(event.object));
        if (event.kind === 'added') expect(before).toBeUndefined();
        if (event.kind === 'changed') expect(event.old).toBe(before);
        if (event.kind === 'deleted') expect(before?.metadata.uid).toBe(event.object.metadata.uid);
        if (event.kind === 'deleted') follower.delete(keyOf(event.object));
        else follower.set(keyOf(event.object), event.object);
      }
      expect([...follower.values()].map(shown).sort()).toEqual(cache.list().map(shown).sort());
      expect(cache.size).toBe(follower.size);
    }),
  );
});

function tell(cache: ObjectCache<KubeObject>, text: string): readonly string[] {
  return tellEvents(cache, text).map((event) =>
    event.kind === 'changed' ? `changed ${shown(event.old)}→${shown(event.object)}` : `${event.kind} ${shown(event.object)}`,
  );
}

function tellEvents(cache: ObjectCache<KubeObject>, text: string): readonly CacheEvent<KubeObject>[] {
  const [verb, first = '', uid = '', version = '', ...more] = text.split(' ');
  if (verb === 'put') return cache.put(object(first, uid, version));
  if (verb === 'remove') return cache.remove(object(first, uid, version));
  const names = [uid, version, ...more].filter((name) => name !== '');
  return cache.removeUnlisted(first === '' ? null : first, new Set(names.map((name) => keyOf(object(name, '', '')))));
}

function object(text: string, uid: string, resourceVersion: string): KubeObject {
  const [name = '', namespace = 'a'] = text.split(':').reverse();
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, uid, resourceVersion } };
}

function shown({ metadata }: KubeObject): string {
  return `${metadata.namespace === 'a' ? '' : 'b:'}${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`;
}
