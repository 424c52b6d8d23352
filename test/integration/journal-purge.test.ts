// A journal holds what somebody still needs, not all that ever happened (J9), and a purged one can be gone on with.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NatsConnection } from '@nats-io/transport-node';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import { JANUARY, differences, runFlights, withFolder } from '../support/flights-run.ts';
import { startTestServer } from '../support/nats.ts';
import type { TestServer } from '../support/nats.ts';

let server: TestServer;
let connection: NatsConnection;
beforeAll(async () => {
  server = await startTestServer();
  connection = await connectNats({ url: server.url, name: 'test' });
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

test('journals are purged while the job runs, and a run that is interrupted then goes on from what is left', () =>
  withFolder(async (folder) => {
    const interrupt = new AbortController();
    setTimeout(() => interrupt.abort(), 13_000);
    const first = await runFlights(folder, { natsUrl: server.url, speed: 160_000, workers: 2 }, { interrupt: interrupt.signal });
    expect(first.outcome.ending).toBe('interrupted');

    const journal = new NatsJournal(Link.of(connection));
    for (const { stage, partitions } of [
      { stage: 'flights', partitions: 1 },
      { stage: 'hourly', partitions: 8 },
      { stage: 'aircraft', partitions: 8 },
    ]) {
      const { messages, lastSequence } = await journal.figures(`MR_flights_${stage}`);
      // What a checkpoint may be behind (twice 128 records a partition) and the last records (J6), not all of them.
      expect(lastSequence, stage).toBeGreaterThan(130 * partitions);
      expect(messages, stage).toBeLessThan(Math.min(lastSequence, 270 * partitions));
      expect(messages, stage).toBeGreaterThanOrEqual(partitions);
    }

    const second = await runFlights(folder, { natsUrl: server.url, speed: 2_000_000 });
    expect(second.outcome.ending).toBe('completed');
    expect(await differences(second.outDir, JANUARY)).toEqual([]);
  }));
