// Code and files as ConfigMaps: what fits, how it is packed, and names that follow from the content.

import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { isError } from '../../runtime/base/errors.ts';
import { CODE_BYTES_MAX } from '../../runtime/base/limits.ts';
import { unpacked } from '../../runtime/pod/code-bundle.ts';
import { codeConfigMaps } from './code-config-map.ts';
import { CONFIG_MAP_BYTES_MAX } from './config-map-limit.ts';
import { fileConfigMaps } from './file-config-maps.ts';
import type { LocalFile } from './job-files.ts';
import type { Manifest } from './manifest.ts';
import { sha256 } from './object-labels.ts';

const file = (path: string, content: string | Uint8Array): LocalFile => ({ path, content: Buffer.from(content), usedAt: [] });
const random = (bytes: number): string => randomBytes(bytes / 2).toString('hex');

/** As who reads it puts it together. */
function contentOf(manifests: readonly Manifest[]): Buffer {
  return Buffer.concat(manifests.map((one) => Buffer.from((one['binaryData'] as Record<string, string>)['job.mjs.gz'] ?? '', 'base64')));
}

test('code that fits lies there as it is, under a name of its hash', () => {
  const { manifests, reference } = codeConfigMaps('words', 'export const a = 1;\n', 'job.ts');
  const [manifest] = manifests;
  const hash = sha256('export const a = 1;\n');
  expect(reference).toEqual({ configMap: `words-code-${hash.slice(0, 10)}`, key: 'job.mjs', sha256: hash });
  expect(manifest).toMatchObject({
    kind: 'ConfigMap',
    metadata: { name: reference.configMap, labels: { 'millrace.dev/job': 'words', 'millrace.dev/part': 'code' } },
    immutable: true,
    data: { 'job.mjs': 'export const a = 1;\n' },
  });
});

test('code that fits only when packed is packed, and its hash is that of what is stored', () => {
  const bundle = 'const text = "again and again";\n'.repeat(60_000);
  const { manifests, reference } = codeConfigMaps('words', bundle, 'job.ts');
  expect(manifests).toHaveLength(1);
  const packed = contentOf(manifests);
  expect(packed.length).toBeLessThan(CONFIG_MAP_BYTES_MAX);
  expect(gunzipSync(packed).toString()).toBe(bundle);
  expect(reference).toEqual({ configMap: `words-code-${sha256(packed).slice(0, 10)}`, key: 'job.mjs.gz', sha256: sha256(packed) });
  expect(packed[9]).toBe(255);
  expect(manifests[0]).not.toHaveProperty('data');
});

test('code that does not fit even then lies in several, whose bytes one after the other are those of its hash', () => {
  const bundle = random(4 * CONFIG_MAP_BYTES_MAX);
  const { manifests, reference } = codeConfigMaps('words', bundle, 'job.ts');
  const packed = contentOf(manifests);
  const name = `words-code-${sha256(packed).slice(0, 10)}`;
  expect(gunzipSync(packed).toString()).toBe(bundle);
  expect(manifests.map(({ metadata }) => metadata.name)).toEqual([name, `${name}-2`, `${name}-3`]);
  expect(reference).toEqual({ configMap: name, more: [`${name}-2`, `${name}-3`], key: 'job.mjs.gz', sha256: sha256(packed) });
});

/** Of `millrace deploy`. */
function refusalOf(bundle: string): string {
  try {
    codeConfigMaps('words', bundle, 'job.ts');
  } catch (error) {
    if (isError(error, 'MR1020')) return error.message;
    throw error;
  }
  return '';
}

test('code that fits no number of them is refused with all sizes', () => {
  expect(refusalOf(random(30_000_000))).toMatch(
    /job\.ts has 30000000 bytes .* \(a worker takes 67108864\), 1[4-9]\d{6} when packed \(its ConfigMaps hold 14400000\); nothing/,
  );
});

test('code that packs well is refused where a worker would refuse to unpack it, and not a byte before', () => {
  const largest = ' '.repeat(CODE_BYTES_MAX);
  const packed = contentOf(codeConfigMaps('words', largest, 'job.ts').manifests);
  expect(packed.length).toBeLessThan(CONFIG_MAP_BYTES_MAX);
  expect(unpacked(packed).length).toBe(CODE_BYTES_MAX);
  expect(refusalOf(`${largest} `)).toMatch(/job\.ts has 67108865 bytes .* \(a worker takes 67108864\), \d{5} when packed/);
  expect(() => unpacked(gzipSync(`${largest} `))).toThrow(expect.objectContaining({ name: 'BadDeclaration' }) as Error);
});

test('files are found by their own name, with characters that a key may have', () => {
  const { manifests, names } = fileConfigMaps('words', [file('/x/rows (1).csv', 'a'), file('/y/weather.csv.gz', 'b')]);
  expect([...names]).toEqual([
    ['/x/rows (1).csv', 'rows--1-.csv'],
    ['/y/weather.csv.gz', 'weather.csv.gz'],
  ]);
  expect(manifests).toMatchObject([{ immutable: true, binaryData: { 'rows--1-.csv': 'YQ==', 'weather.csv.gz': 'Yg==' } }]);
});

test('two files of one name are told apart, the same file in two places is stored once', () => {
  const files = [file('/a/rows.csv', 'one'), file('/b/rows.csv', 'two'), file('/c/rows.csv', 'one')];
  const { manifests, names } = fileConfigMaps('words', files);
  const other = `${sha256('two').slice(0, 8)}-rows.csv`;
  expect([...names.values()]).toEqual(['rows.csv', other, 'rows.csv']);
  expect(Object.keys(manifests[0]?.['binaryData'] as object)).toEqual([other, 'rows.csv'].toSorted());
});

test('the same files in another order give the same ConfigMaps, other content gives others', () => {
  const [a, b] = [file('/a/a.csv', 'a'), file('/b/b.csv', 'b')];
  expect(fileConfigMaps('words', [a, b]).manifests).toEqual(fileConfigMaps('words', [b, a]).manifests);
  const changed = fileConfigMaps('words', [a, file('/b/b.csv', 'c')]);
  expect(changed.manifests[0]?.metadata.name).not.toBe(fileConfigMaps('words', [a, b]).manifests[0]?.metadata.name);
});

test('what does not fit one ConfigMap is spread over several', () => {
  const files = [500_000, 350_000, 450_000, 100].map((bytes, i) => file(`/f${i}`, Buffer.alloc(bytes, i)));
  const { manifests } = fileConfigMaps('words', files);
  expect(manifests.map(({ binaryData }) => Object.keys(binaryData as object))).toEqual([['f0', 'f1', 'f3'], ['f2']]);
});
