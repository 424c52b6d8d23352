// What the chart makes of its values, as committed text: a change of the chart shows as a change of these files
// (`npx vitest run test/chart -u` writes them). Without the custom resource definitions, which have their own generated files.
import { expect, test } from 'vitest';
import { objectIn, objectsOf, render, renderText, valueSets } from './helm.ts';

const withoutCrds = ['crds.install=false'];

test.each(valueSets)('the manifests for ci/%s are the committed ones', async (values) => {
  const text = await renderText({ values, set: withoutCrds });
  await expect(comparable(text)).toMatchFileSnapshot(`snapshots/${values}.yaml`);
});

test.each(valueSets)('Helm 3 makes the same of ci/%s as Helm 4', async (values) => {
  const [three, four] = await Promise.all(([3, 4] as const).map((version) => renderText({ values, version })));
  expect(sorted(three)).toEqual(sorted(four));
});

test('every object says whose it is, and where it lies', async () => {
  for (const values of valueSets) {
    for (const object of await render({ values, set: withoutCrds })) {
      expect(object.metadata.labels).toMatchObject({
        'app.kubernetes.io/instance': 'it',
        'app.kubernetes.io/part-of': 'millrace',
        'app.kubernetes.io/managed-by': 'Helm',
      });
      expect(object.metadata.namespace === undefined).toBe(object.kind.startsWith('Cluster'));
    }
  }
});

test('with the scope of namespaces nothing belongs to the whole cluster', async () => {
  for (const values of ['own-namespace', 'namespace-list'] as const) {
    const kinds = (await render({ values, set: withoutCrds })).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind.startsWith('Cluster'))).toEqual([]);
  }
});

test('a new version of the chart alone changes no pod', async () => {
  for (const values of valueSets) {
    for (const object of await render({ values, set: withoutCrds })) {
      const { template } = (object['spec'] ?? {}) as { readonly template?: unknown };
      expect(JSON.stringify(template ?? {})).not.toMatch(/helm\.sh\/chart|kubernetes\.io\/version/);
    }
  }
});

test('names of releases that say millrace are not said twice, and long ones leave room for children', async () => {
  expect(objectIn(await render({ release: 'millrace' }), 'Deployment', 'millrace-operator').kind).toBe('Deployment');
  const release = 'a-very-long-name-of-a-release-that-is-53-characters-ok';
  for (const object of await render({ release: release.slice(0, 53) })) expect(object.metadata.name.length).toBeLessThanOrEqual(63);
});

/** Helm 3 and 4 differ in the blank lines between manifests, and name templates that make nothing. */
function comparable(text: string): string {
  const manifests = text.split(/^---$/m).map((manifest) => manifest.split('\n').filter((line) => line.trim() !== ''));
  const made = manifests.filter((lines) => lines.some((line) => !line.startsWith('#')));
  return made.map((lines) => `---\n${lines.join('\n')}\n`).join('');
}

/** Helm 4 orders hooks in another way. */
function sorted(text: string | undefined): readonly unknown[] {
  const place = (object: { kind: string; metadata: { name: string; namespace?: string } }): string =>
    [object.kind, object.metadata.namespace, object.metadata.name].join(' ');
  return objectsOf(text ?? '').toSorted((a, b) => place(a).localeCompare(place(b)));
}
