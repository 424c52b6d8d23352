// An operator that is there before NATS is.

import { expect, test } from 'vitest';
import { oneConnection } from '../../runtime/adapters/nats/job-connections.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { systemRandom } from '../../runtime/adapters/node/random.ts';
import { startTestServer } from '../../test/support/nats.ts';
import { declaredOf } from '../lifecycle/observed-sample.ts';
import { ConnectingNats } from './connecting-nats.ts';
import { DurabilityLook } from './durability.ts';
import { JobNats } from './job-nats.ts';
import { WorkerReports } from './worker-reports.ts';

test('without NATS every question is answered, with the reason; with it, as it is; and again when it is gone', async () => {
  const server = await startTestServer();
  await server.kill();
  const { plan } = declaredOf('hash');
  const nats = new ConnectingNats();
  const reports = new WorkerReports(systemClock);
  const troubles: string[] = [];
  const connected = new Promise<{ close(): Promise<void> }>((resolve) => {
    void nats.start({
      connect: async () => oneConnection(await connectNats({ url: server.url, name: 'operator' })),
      open: (connections) => {
        reports.listen(connections.job);
        const savepoints = () => Promise.resolve(connections.job);
        const durability = new DurabilityLook({ kind: 'none' }, systemClock);
        const parts = { connections, savepoints, reports, login: { kind: 'none' }, replicas: 1, durability } as const;
        return new JobNats({ ...parts, clock: systemClock, random: systemRandom });
      },
      sleep: (ms) => systemClock.sleep(ms),
      onTrouble: (reason) => troubles.push(reason),
      onConnected: resolve,
    });
  });
  const told: string[] = [];
  nats.onChange((identity) => told.push(identity));

  while (troubles.length === 0) await systemClock.sleep(20);
  const absent = { kind: 'absent', reason: expect.stringContaining('cannot reach NATS') as string };
  expect(await nats.observe('shop_hourly')).toEqual(absent);
  expect(await nats.resolve('shop_hourly', plan)).toEqual(absent);
  expect(await nats.ensure('shop_hourly', plan)).toEqual(absent);
  expect(await nats.removeState('shop_hourly', 'job')).toEqual(absent);
  expect(await nats.credentials('shop_hourly', plan)).toBeNull();
  expect(nats.figures('shop_hourly', plan)).toBeNull();
  expect(troubles).toHaveLength(1);

  await server.restart();
  const connection = await connected;
  expect(nats.up).toBe(true);
  expect(await nats.observe('shop_hourly')).toMatchObject({ kind: 'present', record: null, hasLanes: false });

  await server.kill();
  while (nats.up) await systemClock.sleep(20);
  const startMs = performance.now();
  expect(await nats.observe('shop_hourly')).toMatchObject({ kind: 'absent' });
  expect(await nats.ensure('shop_hourly', plan)).toMatchObject({ kind: 'absent' });
  expect(performance.now() - startMs).toBeLessThan(5_000);
  await connection.close();
  await server.stop();
});
