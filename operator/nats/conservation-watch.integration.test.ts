// The conservation check on a real nats-server: silent while all is well, whatever the load; and it names what is gone.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findDirectory } from '../../runtime/adapters/nats/directory.ts';
import { callApi, type StreamConfig, type StreamInfo } from '../../runtime/adapters/nats/jetstream-api.ts';
import { laneStream } from '../../runtime/adapters/nats/lane-stream.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { conservationProblems, neededFrom, type Remembered, type SeenTask } from '../../runtime/telemetry/conservation.ts';
import { makeCommit } from '../../runtime/testing/sample-records.ts';
import type { JobRecord } from '../../runtime/worker/job-record.ts';
import { runFlights, withFolder } from '../../test/support/flights-run.ts';
import { startTestServer, type TestServer } from '../../test/support/nats.ts';
import type { Conservation } from '../lifecycle/observed.ts';
import { ConservationWatch } from './conservation-watch.ts';
import { JournalLook } from './journal-look.ts';

/** January in two minutes: long enough to be killed in, and to be interrupted. */
const SPEED = 22_000;
const KILLS = 4;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let server: TestServer;
let connection: NatsConnection;
let link: Link;
beforeAll(async () => {
  server = await startTestServer();
  connection = await connectNats({ url: server.url, name: 'test' });
  link = Link.of(connection);
});
afterAll(async () => {
  await connection?.close();
  await server?.stop();
});

describe('a job that runs', () => {
  let plan: PhysicalPlan;
  let record: JobRecord;
  test(`is never accused while it is purged and its workers are killed ${KILLS} times`, () =>
    withFolder(async (folder) => {
      const interrupt = new AbortController();
      let kills = 0;
      const running = runFlights(
        folder,
        { natsUrl: server.url, speed: SPEED, workers: 2, isolation: 'process' },
        { interrupt: interrupt.signal, onWorkers: (_resize, pids) => void killAtRandom(pids, () => ++kills >= KILLS) },
      );
      const [look, remembered] = [new JournalLook(link, systemClock), new Map() as Remembered];
      const problems: string[] = [];
      const journal = new NatsJournal(link);
      let [looks, worstMs, hasAll] = [0, 0, false];
      for (const endMs = performance.now() + 90_000; performance.now() < endMs && !hasAll; await sleep(100)) {
        const found = await (await findDirectory(connection, 'flights').catch(() => null))?.get('job');
        if (found === null || found === undefined) continue;
        record = found.value as JobRecord;
        plan = record.plan as PhysicalPlan;
        const beganMs = performance.now();
        const tasks = await look.look(plan);
        problems.push(...conservationProblems(plan, tasks, { isRestored: false, remembered }).map(({ message }) => message));
        worstMs = Math.max(worstMs, performance.now() - beganMs);
        looks++;
        const { messages, lastSequence } = await journal.figures('MR_flights_hourly');
        hasAll = kills >= KILLS && messages < lastSequence && tasks.some(isNeedy);
      }
      interrupt.abort();
      const { outcome } = await running;
      console.log(`${looks} looks, the longest took ${Math.round(worstMs)} ms`);
      expect(problems).toEqual([]);
      expect(outcome.ending).toBe('interrupted');
      expect(kills).toBe(KILLS);
      expect(looks).toBeGreaterThan(5);
      expect(hasAll).toBe(true); // killed, purged, and with state that no record holds whole
    }));

  test('and that nobody runs any more: what is purged by hand is named within 10 s, and told for a while', async () => {
    const told: string[] = [];
    const watch = new ConservationWatch({ link, clock: systemClock, onChange: (identity) => told.push(identity) });
    const until = async (holds: (found: Conservation | null) => boolean): Promise<Conservation | null> => {
      for (const endMs = performance.now() + 10_000; performance.now() < endMs; await sleep(50)) {
        const found = watch.verdict('flights', record);
        if (holds(found)) return found;
      }
      return watch.verdict('flights', record);
    };
    expect(await until((found) => found !== null)).toEqual({ kind: 'conserved' });
    const subject = 'mr.flights.hourly.3';
    const last = await new NatsJournal(link).last('MR_flights_hourly', subject);
    await purge('MR_flights_hourly', { filter: subject });
    const beganMs = performance.now();
    const broken = await until((found) => found?.kind === 'broken');
    console.log(`told after ${Math.round(performance.now() - beganMs)} ms: ${JSON.stringify(broken)}`);
    expect(broken?.kind === 'broken' ? broken.problems[0] : broken).toMatch(
      new RegExp(`^records 1 … \\d+ of hourly/3 \\(up to sequence ${last?.sequence}\\) were there and are gone$`),
    );
    expect(told).toEqual(['flights', 'flights']);
  });

  test('without the records that its next owner needs it is told which', async () => {
    const journal = new NatsJournal(link);
    const needy = (await new JournalLook(link, systemClock).look(plan)).find(isNeedy)!;
    const stage = plan.stages.find(({ id }) => id === needy.stage)!;
    const subject = `${stage.subjectPrefix}.${needy.partition}`;
    await journal.purge(stage.stream, subject, needy.last!.sequence); // all but the last: as a purge that went too far
    const problems = conservationProblems(plan, await new JournalLook(link, systemClock).look(plan), {
      isRestored: false,
      remembered: null,
    });
    expect(problems.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(
        new RegExp(`^records \\d+ … ${needy.last!.header.number - 1} of ${stage.id}/${needy.partition} .*cannot be restored`),
      ),
    );
  });
});

describe('one message that is deleted by hand', () => {
  test('cannot be, while the settings of its stream are ours', async () => {
    const answer = await callApi(link, 'STREAM.MSG.DELETE.MR_flights_hourly', { seq: 1, no_erase: true });
    expect(answer).toMatchObject({ kind: 'error' });
  });

  test.each([
    { fact: 'is named by its number and sequence', deleted: [5], hole: { numbers: [3, 3], sequences: [4, 6] } },
    { fact: 'is named with its neighbours that are gone too', deleted: [5, 7, 9], hole: { numbers: [3, 5], sequences: [4, 10] } },
    { fact: 'none: nothing is named', deleted: [], hole: null },
  ])('$fact', async ({ deleted, hole }) => {
    const name = `open${deleted.length}`;
    const plan = await openLane(name);
    for (const seq of deleted) {
      const answer = await callApi(link, `STREAM.MSG.DELETE.MR_${name}_s`, { seq, no_erase: true });
      expect(answer.kind).toBe('ok');
    }
    const tasks = await new JournalLook(link, systemClock).look(plan);
    expect(tasks.map(({ partition, hole: found }) => [partition, found])).toEqual([
      [0, hole],
      [1, null],
    ]);
  });

  test('is found although the partition grows all the time', async () => {
    const plan = await openLane('busy');
    const look = new JournalLook(link, systemClock);
    let isOver = false;
    const growing = (async () => {
      for (let number = 11; !isOver; number++) await append('busy', 0, number);
    })();
    for (let looked = 0; looked < 10; looked++) expect((await look.look(plan)).every(({ hole }) => hole === null)).toBe(true);
    expect((await callApi(link, 'STREAM.MSG.DELETE.MR_busy_s', { seq: 5, no_erase: true })).kind).toBe('ok');
    const tasks = await look.look(plan);
    isOver = true;
    await growing;
    expect(tasks[0]?.hole).toEqual({ numbers: [3, 3], sequences: [4, 6] });
  });
});

/** Its state lies in several records: the last one alone would not do. */
function isNeedy({ first, last }: SeenTask): boolean {
  return first !== null && last !== null && first.sequence < last.sequence && neededFrom(last.header) < last.header.number;
}

/** A lane of two partitions with ten records each, one after the other, whose messages can be deleted. */
async function openLane(job: string): Promise<PhysicalPlan> {
  const config: StreamConfig = {
    ...laneStream({ stream: `MR_${job}_s`, subjects: [`mr.${job}.s.*`], bytesMax: -1 }, 1),
    deny_delete: false,
  };
  expect((await callApi<StreamInfo>(link, `STREAM.CREATE.MR_${job}_s`, config)).kind).toBe('ok');
  for (let number = 1; number <= 10; number++) for (const partition of [0, 1]) await append(job, partition, number);
  const stage = {
    id: 's',
    stream: `MR_${job}_s`,
    subjectPrefix: `mr.${job}.s`,
    partitionCount: 2,
    kind: 'source',
    inputs: [],
    outputs: [],
    nodes: [],
  };
  return { job, stages: [stage], edges: [], tables: [], streams: [stage.stream], fingerprint: '' } as unknown as PhysicalPlan;
}

const ends = new Map<string, number>();

async function append(job: string, partition: number, number: number): Promise<void> {
  const subject = `mr.${job}.s.${partition}`;
  const { bytes } = makeCommit({ stage: 's', partition, number, body: new Uint8Array(10) });
  const stored = await new NatsJournal(link).append(`MR_${job}_s`, subject, ends.get(subject) ?? 0, bytes);
  if (stored.kind !== 'stored') throw new Error(JSON.stringify(stored));
  ends.set(subject, stored.sequence);
}

async function purge(stream: string, what: object): Promise<void> {
  expect((await callApi(link, `STREAM.PURGE.${stream}`, what)).kind).toBe('ok');
}

async function killAtRandom(pids: () => readonly number[], isEnough: () => boolean): Promise<void> {
  for (;;) {
    await sleep(1_500 + Math.random() * 1_500); // time to own something, not only to begin
    const alive = pids();
    const victim = alive[Math.floor(Math.random() * alive.length)];
    if (victim === undefined) continue;
    process.kill(victim, 'SIGKILL');
    if (isEnough()) return;
  }
}
