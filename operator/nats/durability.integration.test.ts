// What real servers say of themselves, each way of asking.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NatsConnection } from '@nats-io/transport-node';
import { durabilityOf } from './durability.ts';
import { startKeyedServer, type KeyedServer } from './keyed-server-harness.ts';

describe.each([
  { durability: 'machine', says: null },
  { durability: 'process', says: 'every 120 s only: a power cut loses acknowledged writes' },
] as const)('a server of durability $durability', ({ durability, says }) => {
  let server: KeyedServer;
  let system: NatsConnection | string;
  beforeAll(async () => {
    server = await startKeyedServer({ durability });
    await server.operator();
    system = await server.connect(server.keys['sys.creds']);
  });
  afterAll(() => server.stop());

  const expected = (): unknown =>
    says === null ? { kind: 'durable' } : { kind: 'degraded', reason: expect.stringContaining(says) as string };

  test('tells it over its monitoring port', async () =>
    expect(await durabilityOf({ kind: 'monitor', urls: server.monitorUrl })).toEqual(expected()));

  test('tells it to the system account', async () =>
    expect(await durabilityOf({ kind: 'system', connection: Promise.resolve(system as NatsConnection) })).toEqual(expected()));

  test('does not tell it to a user of another account', async () => {
    expect(await durabilityOf({ kind: 'system', connection: server.operator() })).toEqual({
      kind: 'unknown',
      reason: expect.stringContaining('cannot be told') as string,
    });
  });
});
