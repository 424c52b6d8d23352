import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isOlder } from './cluster-plan.ts';
import { pinnedVersion, programSources, versionIn } from './programs.ts';

const modules = join(import.meta.dirname, 'modules');
const goModOf = (module: string): string => readFileSync(join(modules, module, 'go.mod'), 'utf8');

test('every program that is built is a pinned tool of its module, and every tool is built', () => {
  for (const module of readdirSync(modules)) {
    const packages = Object.values(programSources)
      .filter((source) => source.module === module && !source.package.startsWith('.'))
      .map((source) => source.package);
    const [, block = '', line = ''] = /^tool (?:\(([^)]*)\)|(\S+))$/m.exec(goModOf(module)) ?? [];
    expect([...block.trim().split(/\s+/), line].filter((tool) => tool !== '').toSorted(), module).toEqual(packages.toSorted());
  }
});

test('the versions that the suite is about', () => {
  expect(pinnedVersion('kubernetes', 'k8s.io/kubernetes')).toBe('v1.36.3');
  expect(pinnedVersion('kind', 'sigs.k8s.io/kind')).toBe('v0.33.0');
  expect(pinnedVersion('nats-server', 'github.com/nats-io/nats-server/v2')).toBe('v2.15.2');
  expect(pinnedVersion('helm4', 'helm.sh/helm/v4')).toBe('v4.3.1');
  expect(pinnedVersion('jaeger', 'github.com/jaegertracing/jaeger')).toBe('v1.76.0');
  expect(isOlder(pinnedVersion('helm3', 'helm.sh/helm/v3').slice(1), '3.18.0')).toBe(false);
});

test.each([
  { line: 'require k8s.io/kubernetes v1.36.3 // indirect', version: 'v1.36.3' },
  { line: '\tk8s.io/kubernetes v1.36.3', version: 'v1.36.3' },
])('a version in a go.mod: $line', ({ line, version }) => {
  expect(versionIn(`module x\n\n${line}\n`, 'k8s.io/kubernetes')).toBe(version);
});

test('a module that is not required has no version', () => {
  expect(() => versionIn('module x\nk8s.io/kubernetes/v2 v2.0.0', 'k8s.io/kubernetes')).toThrow('requires no k8s.io/kubernetes');
});
