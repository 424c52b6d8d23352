// A journal holds what somebody still needs, not all that ever happened (J9), and a purged one can be gone on with.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NatsConnection } from '@nats-io/transport-node';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import { JANUARY, differences, runFlights, withFolder } from '../support/flights-run.ts';
import { startTestServer } from '../support/nats.ts';
import type { TestServer } from '../support/nats.ts';

const STAGES = [
  { stage: 'flights', partitions: 1 },
  { stage: 'hourly', partitions: 8 },
  { stage: 'aircraft', partitions: 8 },
] as const;
/** So that there are checkpoints, however few and large the records of a slow machine are. */
const CHECKPOINT_BYTES = 64 * 1024;
/** What a checkpoint may be behind: twice 128 records, and some that are under way. */
const HELD_MAX = 270;
const ENDS_MS = 60_000;

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
    const journal = new NatsJournal(Link.of(connection));
    const interrupt = new AbortController();
    const running = runFlights(
      folder,
      { natsUrl: server.url, speed: 60_000, workers: 2, checkpointBytes: CHECKPOINT_BYTES },
      { interrupt: interrupt.signal },
    );
    const seen = await untilPurged(journal);
    interrupt.abort();
    const first = await running;
    expect(first.outcome.ending).toBe('interrupted');
    expect(seen).toEqual(STAGES.map(({ stage }) => stage));
    for (const { stage, partitions } of STAGES)
      // the last record of a partition is never purged (J6)
      expect((await journal.figures(`MR_flights_${stage}`)).messages, stage).toBeGreaterThanOrEqual(partitions);

    const second = await runFlights(folder, { natsUrl: server.url, speed: 2_000_000 });
    expect(second.outcome.ending).toBe('completed');
    expect(await differences(second.outDir, JANUARY)).toEqual([]);
  }));

/** Stages whose journal was seen to have been purged and to hold no more than what a checkpoint may be behind; all, or after `ENDS_MS`. */
async function untilPurged(journal: NatsJournal): Promise<readonly string[]> {
  const seen = new Set<string>();
  for (const endsMs = performance.now() + ENDS_MS; performance.now() < endsMs && seen.size < STAGES.length; await sleep(100))
    for (const { stage, partitions } of STAGES) {
      const figures = await journal.figures(`MR_flights_${stage}`).catch(() => null);
      if (figures !== null && figures.messages < Math.min(figures.lastSequence, HELD_MAX * partitions)) seen.add(stage);
    }
  return STAGES.map(({ stage }) => stage).filter((stage) => seen.has(stage));
}
