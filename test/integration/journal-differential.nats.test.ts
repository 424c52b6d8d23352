// Random command sequences on the in-memory model and on a real server, in step: the same answers, the same log.
// A difference is first added to the model (and named in its header when it must stay), then handled.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import type { AppendResult, Journal, StoredRecord } from '../../runtime/journal/journal.ts';
import { MemoryJournal } from '../../runtime/testing/memory-journal.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { startTestServer, type TestServer } from '../support/nats.ts';

const TIME_LIMIT_MS = 12_000;
const BYTES_MAX = 6_000;

type Command =
  | { readonly kind: 'append'; readonly partition: number; readonly expect: 'last' | 'none' | 'older' | 'newer'; readonly bytes: number }
  | { readonly kind: 'last'; readonly partition: number }
  | { readonly kind: 'purge'; readonly partition: number; readonly below: number }
  | { readonly kind: 'grow'; readonly bytesMax: number }
  | { readonly kind: 'figures' }
  | { readonly kind: 'read'; readonly from: number; readonly partitions: readonly number[] };

const partition = fc.integer({ min: 0, max: 3 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      partition,
      expect: fc.constantFrom('last', 'last', 'last', 'none', 'older', 'newer'),
      bytes: fc.integer({ min: 0, max: 1_500 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('last' as const), partition }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('purge' as const), partition, below: fc.integer({ min: 0, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('grow' as const), bytesMax: fc.integer({ min: 3_000, max: 9_000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('figures' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      from: fc.integer({ min: 1, max: 30 }),
      partitions: fc.uniqueArray(partition, { maxLength: 3 }),
    }),
  },
);

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.stop());

test('the model answers what the server answers', async () => {
  const connection = await connectNats({ url: server.url, name: 'differential' });
  const real = new NatsJournal(Link.of(connection));
  const model = new MemoryJournal({ clock: systemClock, random: seededRandom(1) });
  let runs = 0;
  let refusals = 0;
  let fulls = 0;
  const property = fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 60, size: 'max' }), async (commands) => {
    const stream = `DIFF_${runs++}`;
    for (const journal of [real, model]) await journal.ensureLane({ stream, subjects: [`${stream}.*`], bytesMax: BYTES_MAX });
    const fences = new Map<number, number>();
    for (const step of [...commands, { kind: 'figures' } as const, { kind: 'read', from: 1, partitions: [] } as const]) {
      const [answer, modelled] = await Promise.all([run(real, stream, fences, step), run(model, stream, fences, step)]);
      expect(modelled, JSON.stringify(step)).toEqual(answer);
      if (step.kind !== 'append') continue;
      const result = answer as AppendResult;
      if (result.kind === 'stored') fences.set(step.partition, result.sequence);
      if (result.kind === 'refused') refusals++;
      if (result.kind === 'busy') fulls++;
    }
    await real.deleteLane(stream);
  });
  await fc.assert(property, { numRuns: 10_000, interruptAfterTimeLimit: TIME_LIMIT_MS, markInterruptAsFailure: false });
  await connection.close();
  // A run that met none of these would prove little.
  expect(Math.min(runs, refusals, fulls)).toBeGreaterThan(20);
});

async function run(journal: Journal, stream: string, fences: ReadonlyMap<number, number>, step: Command): Promise<unknown> {
  const subject = (index: number): string => `${stream}.${index}`;
  switch (step.kind) {
    case 'append':
      return comparable(
        await journal.append(stream, subject(step.partition), expectation(step, fences), new Uint8Array(step.bytes).fill(step.partition)),
      );
    case 'last':
      return shown(await journal.last(stream, subject(step.partition)));
    case 'purge':
      return journal.purge(stream, subject(step.partition), step.below);
    case 'grow':
      return journal.ensureLane({ stream, subjects: [`${stream}.*`], bytesMax: step.bytesMax });
    case 'figures':
      return journal.figures(stream);
    case 'read':
      return readAll(journal, stream, step.from, step.partitions.map(subject));
  }
}

function expectation(
  { expect: kind, partition: index }: Extract<Command, { kind: 'append' }>,
  fences: ReadonlyMap<number, number>,
): number {
  const last = fences.get(index) ?? 0;
  switch (kind) {
    case 'last':
      return last;
    case 'none':
      return 0;
    case 'older':
      return Math.max(0, last - 1);
    case 'newer':
      return last + 1;
  }
}

/** The wording of a refusal is the server's own; its number is what counts. */
function comparable(result: AppendResult): object {
  return result.kind === 'busy' ? { kind: result.kind, code: result.code } : result;
}

function shown(record: StoredRecord | null): string | null {
  return record === null ? null : `${record.subject} ${record.sequence} ${Buffer.from(record.bytes).toString('hex')}`;
}

/** What there is from `from` on: the end is known from the last records of the subjects, so nothing is waited for. */
async function readAll(journal: Journal, stream: string, from: number, subjects: readonly string[]): Promise<readonly unknown[]> {
  const wanted = subjects.length > 0 ? subjects : [0, 1, 2, 3].map((index) => `${stream}.${index}`);
  const lasts = await Promise.all(wanted.map((subject) => journal.last(stream, subject)));
  const end = Math.max(...lasts.map((record) => record?.sequence ?? 0));
  const reader = journal.read(stream, subjects.length > 0 ? { fromSequence: from, subjects } : { fromSequence: from });
  const seen: StoredRecord[] = [];
  while (end >= from && (seen.at(-1)?.sequence ?? 0) < end) seen.push(...(await reader.next({ bytesMax: 2_000, waitMs: 2_000 })));
  await reader.close();
  return seen.map(shown);
}
