// The contract of the journal port: what every implementation answers. Run on the model and on a real server.
// Rule names (J1 …) are those of the protocol (docs/protocol.md).

import { describe, expect, test } from 'vitest';
import { isError } from '../../runtime/base/errors.ts';
import { claim } from '../../runtime/journal/claim.ts';
import { commitFenced } from '../../runtime/journal/fence.ts';
import type { AppendResult, Journal, LaneReader, StoredRecord } from '../../runtime/journal/journal.ts';
import { replay } from '../../runtime/journal/replay.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { makeClaim, makeCommit } from '../../runtime/testing/sample-records.ts';

/** What the suite runs on. Times are real; the suite stays in seconds. */
export type JournalBed = {
  /** A client of its own: own connection, own state. */
  open(): Promise<Journal>;
  /** The server dies without a word and comes back with its disk as it was. */
  crash(): Promise<void>;
};

let lanes = 0;

export function journalContract(name: string, bed: () => JournalBed): void {
  /** Two clients of one new lane. */
  const setUp = async (
    bytesMax = 256 * 1024 * 1024,
  ): Promise<{ a: Journal; b: Journal; stream: string; subject: (partition: number) => string }> => {
    const stream = `CONTRACT_${process.pid}_${++lanes}`;
    const [a, b] = [await bed().open(), await bed().open()];
    await a.ensureLane({ stream, subjects: [`${stream}.*`], bytesMax });
    return { a, b, stream, subject: (partition) => `${stream}.${partition}` };
  };

  describe(`${name}: appends`, () => {
    test('J1 are stored only behind the record that was expected', async () => {
      const { a, b, stream, subject } = await setUp();
      expect(await a.last(stream, subject(0))).toBeNull();
      expect(await a.append(stream, subject(0), 0, text('one'))).toEqual({ kind: 'stored', sequence: 1 });
      expect(await b.append(stream, subject(0), 0, text('zombie'))).toEqual({ kind: 'refused', actual: 1, code: 10071 });
      expect(await b.append(stream, subject(0), 7, text('ahead'))).toEqual({ kind: 'refused', actual: 1, code: 10071 });
      expect(await b.append(stream, subject(1), 0, text('other'))).toEqual({ kind: 'stored', sequence: 2 });
      expect(await a.append(stream, subject(0), 1, text('two'))).toEqual({ kind: 'stored', sequence: 3 });
      expect(await b.append(stream, subject(0), 1, text('zombie'))).toEqual({ kind: 'refused', actual: 3, code: 10071 });
      expect(await log(b, stream)).toEqual(['0 1 one', '1 2 other', '0 3 two']);
      expect(show(await b.last(stream, subject(0)))).toBe('0 3 two');
    });

    test('J1 of many clients at once: one is stored behind each record', async () => {
      const { a, b, stream, subject } = await setUp();
      for (let round = 0, fence = 0; round < 20; round++) {
        const results = await Promise.all(
          [a, b, a, b, a].map((journal, i) => journal.append(stream, subject(0), fence, text(`${round}.${i}`))),
        );
        const stored = results.filter((result) => result.kind === 'stored');
        expect(stored).toHaveLength(1);
        // 10164 may come in place of 10071: it proves nothing (J5).
        expect(results.filter((result) => result.kind === 'refused' || result.kind === 'in-flight')).toHaveLength(4);
        fence = stored[0]?.sequence ?? 0;
      }
    });

    test('of the largest size come back; larger ones are refused by a clear error', async () => {
      const { a, b, stream, subject } = await setUp();
      const largest = new Uint8Array(8 * 1024 * 1024 - 80).fill(7);
      expect(await a.append(stream, subject(0), 0, largest)).toMatchObject({ kind: 'stored' });
      expect(Buffer.compare((await b.last(stream, subject(0)))?.bytes ?? text(''), largest)).toBe(0);
      expect(await log(b, stream, { bytesMax: 1000 })).toHaveLength(1);
      await expect(a.append(stream, subject(0), 1, new Uint8Array(largest.length + 1))).rejects.toMatchObject({ code: 'MR2107' });
    });

    test('to a lane that is not there are busy, and the fence says that it is gone', async () => {
      const { a } = await setUp();
      expect(await a.append('NO_SUCH', 'no.such.1', 0, text('x'))).toMatchObject({ kind: 'busy', code: 503 });
      await expect(a.last('NO_SUCH', 'no.such.1')).rejects.toMatchObject({ code: 'MR2105' });
    });

    test('J8 to a full lane are busy, and go on after a purge', async () => {
      const { a, stream, subject } = await setUp(3_000);
      const first = await stored(a.append(stream, subject(0), 0, new Uint8Array(1_000)));
      const second = await stored(a.append(stream, subject(0), first, new Uint8Array(1_000)));
      expect(await a.append(stream, subject(0), second, new Uint8Array(1_000))).toMatchObject({ kind: 'busy', code: 10077 });
      expect(await a.append(stream, subject(0), first, new Uint8Array(1_000)), 'the expectation is checked first').toMatchObject({
        kind: 'refused',
      });
      expect((await a.figures(stream)).messages).toBe(2);
      const commit = commitFenced(
        a,
        { stream, subject: subject(0), expected: second, bytes: new Uint8Array(1_000), hash: 'h', epoch: 1, number: 3, owner: 'w' },
        waiting(),
      );
      await a.purge(stream, subject(0), second);
      expect(await commit).toEqual({ kind: 'committed', sequence: 3 });
    });
  });

  describe(`${name}: lanes`, () => {
    test('are made once, and checked when they are there', async () => {
      const { b, stream, subject } = await setUp();
      await b.append(stream, subject(0), 0, text('kept'));
      await b.ensureLane({ stream, subjects: [`${stream}.*`], bytesMax: 1024 * 1024 });
      expect(await log(b, stream)).toEqual(['0 1 kept']);
      await expect(b.ensureLane({ stream, subjects: [`${stream}.other.*`], bytesMax: 1024 * 1024 })).rejects.toMatchObject({
        code: 'MR2105',
      });
    });

    test('tell their figures, and are gone when deleted', async () => {
      const { a, b, stream, subject } = await setUp();
      expect(await a.figures(stream)).toEqual({ bytes: 0, messages: 0, firstSequence: 0, lastSequence: 0 });
      await a.append(stream, subject(0), 0, text('x'));
      expect(await b.figures(stream)).toMatchObject({ messages: 1, firstSequence: 1, lastSequence: 1 });
      await b.deleteLane(stream);
      await b.deleteLane(stream);
      await expect(a.last(stream, subject(0))).rejects.toMatchObject({ code: 'MR2105' });
    });
  });

  describe(`${name}: purges`, () => {
    test.each([
      { fact: 'J9 remove what lies below', below: 4, left: ['1 2 b', '0 4 d', '0 5 e'] },
      { fact: 'J6 never take the last record', below: 99, left: ['1 2 b', '0 5 e'] },
      { fact: 'J6 never take all (the server reads 0 as "all")', below: 0, left: ['0 1 a', '1 2 b', '0 3 c', '0 4 d', '0 5 e'] },
      { fact: 'remove nothing below the first', below: 1, left: ['0 1 a', '1 2 b', '0 3 c', '0 4 d', '0 5 e'] },
    ])('$fact', async ({ below, left }) => {
      const { a, b, stream, subject } = await setUp();
      let fence = await stored(a.append(stream, subject(0), 0, text('a')));
      await a.append(stream, subject(1), 0, text('b'));
      for (const letter of 'cde') fence = await stored(a.append(stream, subject(0), fence, text(letter)));
      await b.purge(stream, subject(0), below);
      expect(await log(a, stream)).toEqual(left);
      await b.purge(stream, subject(9), 99); // a subject without records
      expect(await a.append(stream, subject(0), fence, text('f')), 'the fence stands').toEqual({ kind: 'stored', sequence: 6 });
    });
  });

  describe(`${name}: readers`, () => {
    const fill = async (journal: Journal, stream: string, subjects: readonly string[], count: number): Promise<void> => {
      const fences = subjects.map(() => 0);
      for (let i = 0; i < count; i++) {
        const at = i % subjects.length;
        fences[at] = await stored(journal.append(stream, subjects[at] as string, fences[at] as number, text(String(i))));
      }
    };

    test('give the records of some subjects, from the middle, in stream order', async () => {
      const { a, b, stream, subject } = await setUp();
      await fill(a, stream, [subject(0), subject(1), subject(2)], 12);
      expect(await log(b, stream, { fromSequence: 5, subjects: [subject(1)] })).toEqual(['1 5 4', '1 8 7', '1 11 10']);
      expect(await log(b, stream, { fromSequence: 9, subjects: [subject(0), subject(2)] })).toEqual(['2 9 8', '0 10 9', '2 12 11']);
      expect(await log(b, stream, { fromSequence: 11 })).toEqual(['1 11 10', '2 12 11']);
      expect(await log(b, stream, { fromSequence: 13 })).toEqual([]);
    });

    test('keep to the bytes they were asked for, but give at least one record', async () => {
      const { a, b, stream, subject } = await setUp();
      let fence = 0;
      for (let i = 0; i < 10; i++) fence = await stored(a.append(stream, subject(0), fence, new Uint8Array(100_000)));
      const reader = b.read(stream, { fromSequence: 1 });
      const sizes: number[] = [];
      for (let total = 0; total < 10;) {
        const records = await reader.next({ bytesMax: 250_000, waitMs: 2_000 });
        total += records.length;
        sizes.push(records.length);
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(2);
      await reader.close();
      const narrow = b.read(stream, { fromSequence: 10 });
      expect(await narrow.next({ bytesMax: 10, waitMs: 60_000 })).toHaveLength(1);
      await narrow.close();
    });

    test('wait for a record, and give it at once', async () => {
      const { a, b, stream, subject } = await setUp();
      const reader = b.read(stream, { fromSequence: 1 });
      expect(await reader.next({ bytesMax: 1000, waitMs: 50 })).toEqual([]);
      const next = reader.next({ bytesMax: 1000, waitMs: 100_000 });
      await a.append(stream, subject(0), 0, text('late'));
      const startMs = performance.now();
      expect((await next).map(show)).toEqual(['0 1 late']);
      expect(performance.now() - startMs).toBeLessThan(50_000); // not when its time is over
      await reader.close();
    });

    test('wake empty-handed, end when closed, and stay ended', async () => {
      const { b, stream } = await setUp();
      const reader = b.read(stream, { fromSequence: 1 });
      await reader.next({ bytesMax: 1000, waitMs: 20 });
      const woken = reader.next({ bytesMax: 1000, waitMs: 60_000 });
      reader.wake();
      expect(await woken).toEqual([]);
      const ended = reader.next({ bytesMax: 1000, waitMs: 60_000 });
      await reader.close();
      expect(await ended).toEqual([]);
      expect(await reader.next({ bytesMax: 1000, waitMs: 60_000 })).toEqual([]);
      await reader.close();
    });

    test('reject when their lane is gone', async () => {
      const { a, b, stream } = await setUp();
      const reader = b.read(stream, { fromSequence: 1 });
      await a.deleteLane(stream);
      const waited = async (): Promise<never> => {
        for (;;) await reader.next({ bytesMax: 1000, waitMs: 1_000 });
      };
      await expect(waited()).rejects.toMatchObject({ code: 'MR2105' });
      await reader.close();
    });

    test('J7 lose nothing and double nothing while the server dies twice', async () => {
      const { a, b, stream, subject } = await setUp();
      const count = 3_000;
      const writing = Promise.all(
        [0, 1, 2, 3].map((partition) => commitMany(a, stream, subject(partition), { count: count / 4, bytes: 2_000 })),
      );
      const seen: StoredRecord[] = [];
      const reader = b.read(stream, { fromSequence: 1 });
      const crashes = (async () => {
        for (let i = 0; i < 2; i++) {
          await systemClock.sleep(150);
          await bed().crash();
        }
      })();
      while (seen.length < count) seen.push(...(await reader.next({ bytesMax: 100_000, waitMs: 1_000 })));
      await reader.close();
      await Promise.all([writing, crashes]);
      expect(seen.map(show)).toEqual(await log(a, stream));
      expect(seen.map(({ sequence }) => sequence)).toEqual(seen.map((_record, i) => i + 1));
    });
  });

  describe(`${name}: commits and claims`, () => {
    test('J4 each append that was cut off is found in the log or not at all, as the fence says', async () => {
      const { a, b, stream, subject } = await setUp();
      const partitions = [0, 1, 2, 3, 4, 5, 6, 7];
      let crashing = true;
      let unknownsOfAll = 0;
      const outcomes = partitions.map(async (partition) => {
        const claimed: string[] = [];
        let fence = 0;
        for (let i = 0; crashing || i < 50; i++) {
          const body = `${partition}-${i}`;
          const result = await a.append(stream, subject(partition), fence, text(body));
          if (result.kind === 'stored') fence = result.sequence;
          if (result.kind === 'unknown') unknownsOfAll++;
          if (result.kind !== 'stored') {
            const last = await patientLast(a, stream, subject(partition));
            const landed = last !== null && last.sequence > fence;
            if (landed) fence = last.sequence;
            else continue;
          }
          claimed.push(body);
        }
        return { claimed };
      });
      await systemClock.sleep(50);
      // Whether an append is in flight at a crash is chance: as often as it takes, a few dozen times at most.
      for (let i = 0; i < 3 || (unknownsOfAll === 0 && i < 30); i++) {
        await bed().crash();
        await systemClock.sleep(100);
      }
      crashing = false;
      const results = await Promise.all(outcomes);
      const inLog = (await log(b, stream)).map((line) => line.split(' ')[2] ?? '');
      partitions.forEach((partition, i) => {
        expect(inLog.filter((body) => body.startsWith(`${partition}-`))).toEqual(results[i]?.claimed);
      });
      expect(unknownsOfAll, 'a run without cut-off appends proves nothing').toBeGreaterThan(0);
    });

    test('J3 of owners that claim at once each gets an epoch of its own, and only the last can commit', async () => {
      const { a, b, stream, subject } = await setUp();
      const owners = [a, b, a, b].map((journal, i) => ({ journal, owner: `w${i}` }));
      const claims = await Promise.all(
        owners.map(({ journal, owner }) =>
          claim(journal, { stream, subject: subject(0), owner, makeClaim: (_previous, link) => makeClaim({ owner, ...link }) }, waiting()),
        ),
      );
      const epochs = claims.map((result) => (result.kind === 'claimed' ? result.epoch : 0));
      expect(epochs.toSorted((x, y) => x - y)).toEqual([1, 2, 3, 4]);
      const commits = await Promise.all(
        claims.map((result, i) => {
          if (result.kind !== 'claimed') throw new Error('not claimed');
          const { journal, owner } = owners[i] as { journal: Journal; owner: string };
          const { bytes, hash } = makeCommit({
            owner,
            epoch: result.epoch,
            number: result.number + 1,
            previousHash: result.hash,
            body: text(owner),
          });
          return commitFenced(
            journal,
            { stream, subject: subject(0), expected: result.sequence, bytes, hash, epoch: result.epoch, number: result.number + 1, owner },
            waiting(),
          );
        }),
      );
      commits.forEach((result, i) =>
        expect(result).toMatchObject(epochs[i] === 4 ? { kind: 'committed' } : { kind: 'fenced', byEpoch: 4 }),
      );
    });

    test('J3 a replay ends with the claim of its owner, the chain whole', async () => {
      const { a, b, stream, subject } = await setUp();
      const first = await claimAs(a, stream, subject(0), 'w1');
      let end = { sequence: first.sequence, number: first.number, hash: first.hash };
      for (let i = 0; i < 5; i++)
        end = await commitBehind(a, stream, subject(0), { ...end, epoch: first.epoch, owner: 'w1', body: text(`step ${i}`) });
      const second = await claimAs(b, stream, subject(0), 'w2');
      await commitBehind(b, stream, subject(0), { ...second, owner: 'w2', body: text('after') });
      const seen: string[] = [];
      for await (const { record } of replay(b, {
        stream,
        subject: subject(0),
        fromSequence: first.sequence,
        untilSequence: second.sequence,
      })) {
        seen.push(`${record.header.number} ${record.header.kind} ${record.header.owner} ${Buffer.from(record.body).toString()}`);
      }
      expect(seen).toEqual([
        '1 claim w1 ',
        '2 commit w1 step 0',
        '3 commit w1 step 1',
        '4 commit w1 step 2',
        '5 commit w1 step 3',
        '6 commit w1 step 4',
        '7 claim w2 ',
      ]);
      expect(second.previous).toMatchObject({ sequence: end.sequence, header: { epoch: 1, number: 6 } });
    });
  });
}

// ── helpers ──

function text(value: string): Uint8Array {
  return Buffer.from(value);
}

function waiting(): { clock: typeof systemClock; signal: AbortSignal } {
  return { clock: systemClock, signal: AbortSignal.timeout(30_000) };
}

/** `partition sequence text`, text cut to what tests compare. */
function show(record: StoredRecord | null): string {
  if (record === null) return 'none';
  return `${record.subject.split('.').at(-1)} ${record.sequence} ${Buffer.from(record.bytes.subarray(0, 40)).toString('latin1')}`;
}

async function stored(result: Promise<AppendResult>): Promise<number> {
  const settled = await result;
  if (settled.kind !== 'stored') throw new Error(`not stored: ${JSON.stringify(settled)}`);
  return settled.sequence;
}

/** All records up to what the lane's figures say is its end. */
async function log(
  journal: Journal,
  stream: string,
  options: { fromSequence?: number; subjects?: readonly string[]; bytesMax?: number } = {},
): Promise<string[]> {
  const { lastSequence } = await patient(() => journal.figures(stream));
  const { fromSequence = 1, subjects, bytesMax = 1_000_000 } = options;
  const reader: LaneReader = journal.read(stream, subjects === undefined ? { fromSequence } : { fromSequence, subjects });
  const seen: StoredRecord[] = [];
  // Of some subjects the end is not known: it is where nothing comes for a while.
  const missesMax = subjects === undefined ? 30 : 3;
  for (let misses = 0; misses < missesMax && (seen.at(-1)?.sequence ?? 0) !== lastSequence;) {
    const records = await reader.next({ bytesMax, waitMs: 300 });
    seen.push(...records);
    misses = records.length === 0 ? misses + 1 : 0;
  }
  await reader.close();
  return seen.map(show);
}

/** `count` records one behind the other, whatever happens to the server. */
async function commitMany(
  journal: Journal,
  stream: string,
  subject: string,
  { count, bytes }: { count: number; bytes: number },
): Promise<void> {
  let end = { sequence: 0, number: 0, hash: '' };
  const body = new Uint8Array(bytes);
  for (let i = 0; i < count; i++) end = await commitBehind(journal, stream, subject, { ...end, epoch: 1, owner: 'w', body });
}

type End = { readonly sequence: number; readonly number: number; readonly hash: string };

async function commitBehind(
  journal: Journal,
  stream: string,
  subject: string,
  step: End & { epoch: number; owner: string; body: Uint8Array },
): Promise<End> {
  const number = step.number + 1;
  const { bytes, hash } = makeCommit({ owner: step.owner, epoch: step.epoch, number, previousHash: step.hash, body: step.body });
  const result = await commitFenced(
    journal,
    { stream, subject, expected: step.sequence, bytes, hash, epoch: step.epoch, number, owner: step.owner },
    waiting(),
  );
  if (result.kind !== 'committed') throw new Error(`record ${number} of ${subject}: ${JSON.stringify(result)}`);
  return { sequence: result.sequence, number, hash };
}

async function claimAs(journal: Journal, stream: string, subject: string, owner: string) {
  const result = await claim(journal, { stream, subject, owner, makeClaim: (_previous, link) => makeClaim({ owner, ...link }) }, waiting());
  if (result.kind !== 'claimed') throw new Error('not claimed');
  return result;
}

function patientLast(journal: Journal, stream: string, subject: string): Promise<StoredRecord | null> {
  return patient(() => journal.last(stream, subject));
}

/** What the journal answers once its server is back. */
async function patient<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isError(error, 'MR2102')) throw error;
    }
    await systemClock.sleep(20);
  }
}
