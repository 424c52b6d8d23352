import { expect, test } from 'vitest';
import { serverConfigText } from './server-config.ts';

const config = {
  serverName: 'one',
  port: 4300,
  storeFolder: '/data/a "quoted" folder',
  durability: 'machine',
  maxPayloadBytes: 8_388_608,
} as const;

test('machine durability syncs every write', () => expect(serverConfigText(config)).toContain('sync_interval: always'));

test('process durability does not claim to', () => {
  expect(serverConfigText({ ...config, durability: 'process' })).not.toContain('always');
});

test('the server listens on this machine only', () => expect(serverConfigText(config)).toContain('listen: "127.0.0.1:4300"'));

test('a folder may have any name', () => expect(serverConfigText(config)).toContain('store_dir: "/data/a \\"quoted\\" folder"'));
