import { expect, test } from 'vitest';
import { imageDomain, kindConfig, type KindChoice } from './kind-config.ts';
import { innerImages } from './inner-images.ts';

type Config = { nodes: { role: string; image?: string }[]; kubeadmConfigPatches: string[]; networking: Record<string, string> };

const built: KindChoice = { kind: 'built', nodeImage: 'millrace.test/node:1', etcdTag: '3.7.3', corednsTag: 'v1.15.0' };

test('one control plane and two workers, all of the built image', () => {
  expect(read(built).nodes).toEqual([
    { role: 'control-plane', image: 'millrace.test/node:1' },
    { role: 'worker', image: 'millrace.test/node:1' },
    { role: 'worker', image: 'millrace.test/node:1' },
  ]);
});

test("the stock cluster has kind's own image and pulls its own parts", () => {
  const config = read({ kind: 'stock' });
  expect(config.nodes.map(({ image }) => image)).toEqual([undefined, undefined, undefined]);
  expect(patch(config, 'ClusterConfiguration')).not.toHaveProperty('imageRepository');
});

test('the API listens on this machine only', () => {
  for (const choice of [built, { kind: 'stock' } as const]) expect(read(choice).networking['apiServerAddress']).toBe('127.0.0.1');
});

test('kubeadm asks for the images that the node has', () => {
  const cluster = patch(read(built), 'ClusterConfiguration');
  expect(cluster).toMatchObject({ imageRepository: imageDomain, etcd: { local: { imageTag: '3.7.3' } }, dns: { imageTag: 'v1.15.0' } });
  const names = innerImages({ kubernetes: 'v1.36.3', etcdTag: '3.7.3', corednsTag: 'v1.15.0' }).map(({ tagged }) => tagged);
  expect(names).toContain('etcd:3.7.3');
  expect(names).toContain('coredns:v1.15.0');
  expect(names.filter((name) => name.endsWith(':v1.36.3')).length).toBe(4);
});

function read(choice: KindChoice): Config {
  return JSON.parse(JSON.stringify(kindConfig(choice)));
}

function patch(config: Config, kind: string): unknown {
  return config.kubeadmConfigPatches.map((text) => JSON.parse(text)).find((one) => one.kind === kind);
}
