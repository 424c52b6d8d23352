// Owners that commit and take each other over while everything goes wrong that may: whatever was reported must be
// what the log says. Time and chance are virtual, so a seed that fails repeats.

import { expect, test } from 'vitest';
import { claim } from '../../runtime/journal/claim.ts';
import { commitFenced } from '../../runtime/journal/fence.ts';
import { decodeRecord } from '../../runtime/journal/record-codec.ts';
import { follow, replay, type ChainEnd } from '../../runtime/journal/replay.ts';
import { NO_FAULTS, type FaultCounts, type JournalFaults } from '../../runtime/testing/memory-faults.ts';
import { MemoryJournal } from '../../runtime/testing/memory-journal.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import { makeClaim, makeCommit } from '../../runtime/testing/sample-records.ts';

const SEEDS = 150;
const STREAM = 'S';
const SUBJECT = 's.0';
const FAULTS: JournalFaults = {
  answerLost: 0.12,
  requestLost: 0.12,
  requestLate: 0.12,
  lateMs: 300,
  inFlight: 0.1,
  leaderless: 0.1,
  shortRead: 0.5,
  latencyMs: [0, 20],
};

type Reported = { readonly committed: Map<string, number>; readonly fenced: Map<string, number> };

test('what is reported as stored is in the log, once, in an unbroken chain, and nothing of an old epoch follows a claim', async () => {
  const counts: Record<string, number> = { fenced: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { reported, faults } = await runOwners(seed);
    counts['fenced'] = (counts['fenced'] ?? 0) + reported.fenced.size;
    for (const [name, count] of Object.entries(faults)) counts[name] = (counts[name] ?? 0) + count;
  }
  // A fault that was never injected was not survived either.
  expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([]);
});

async function runOwners(seed: number): Promise<{ reported: Reported; faults: FaultCounts }> {
  const clock = new VirtualClock(1_700_000_000_000);
  const random = seededRandom(seed);
  const journal = new MemoryJournal({ clock, random, faults: FAULTS });
  await journal.ensureLane({ stream: STREAM, subjects: ['s.*'], bytesMax: -1 });
  const reported: Reported = { committed: new Map(), fenced: new Map() };
  const owners = ['w1', 'w2', 'w3'].map((owner) => own(journal, clock, random, owner, reported));
  const trouble = (async () => {
    for (let i = 0; i < 4; i++) {
      await clock.sleep(1_500 * random.next());
      if (random.next() < 0.5) journal.disconnect();
      else journal.leaderAbsent(800 * random.next());
    }
  })();
  await clock.run(Promise.all([...owners, trouble]));
  journal.setFaults(NO_FAULTS);
  checkLog(journal, seed, reported);
  return { reported, faults: journal.counts };
}

/** Claims and commits until it is fenced, three times. */
async function own(
  journal: MemoryJournal,
  clock: VirtualClock,
  random: ReturnType<typeof seededRandom>,
  owner: string,
  reported: Reported,
): Promise<void> {
  const waiting = { clock, signal: new AbortController().signal };
  for (let life = 0; life < 3; life++) {
    await clock.sleep(1_000 * random.next());
    const claimed = await claim(
      journal,
      { stream: STREAM, subject: SUBJECT, owner, makeClaim: (_previous, link) => makeClaim({ owner, ...link }) },
      waiting,
    );
    if (claimed.kind !== 'claimed') throw new Error('stopped');
    const { epoch } = claimed;
    expect(await lastReplayed(journal, claimed.sequence)).toBe(claimed.hash);
    let end = { number: claimed.number, hash: claimed.hash, sequence: claimed.sequence };
    reported.committed.set(end.hash, end.sequence);
    for (let step = 0; step < 12; step++) {
      const number = end.number + 1;
      const { bytes, hash } = makeCommit({ owner, epoch, number, previousHash: end.hash, body: Buffer.from(`${owner} ${life} ${step}`) });
      const result = await commitFenced(
        journal,
        { stream: STREAM, subject: SUBJECT, expected: end.sequence, bytes, hash, epoch, number, owner },
        waiting,
      );
      if (result.kind === 'fenced') {
        reported.fenced.set(hash, result.byEpoch);
        break;
      }
      if (result.kind !== 'committed') throw new Error('stopped');
      end = { number, hash, sequence: result.sequence };
      reported.committed.set(hash, result.sequence);
    }
  }
}

/** Hash of the last record of a whole replay: it must be the claim. */
async function lastReplayed(journal: MemoryJournal, untilSequence: number): Promise<string> {
  let hash = '';
  for await (const { record } of replay(journal, {
    stream: STREAM,
    subject: SUBJECT,
    fromSequence: 1,
    untilSequence,
    after: { number: 0, hash: '' },
  }))
    hash = record.hash;
  return hash;
}

function checkLog(journal: MemoryJournal, seed: number, reported: Reported): void {
  const place = `seed ${seed}`;
  const found = new Map<string, number>();
  const commits = new Set<string>();
  let end: ChainEnd | null = { number: 0, hash: '' };
  let epoch = 0;
  for (const { bytes, sequence } of journal.lane(STREAM).read(1, [], Infinity)) {
    const record = decodeRecord(bytes, place);
    end = follow(end, record, place);
    expect(found.has(record.hash), `${place}: record ${record.header.number} twice`).toBe(false);
    found.set(record.hash, sequence);
    if (record.header.kind === 'commit') commits.add(record.hash);
    expect(record.header.epoch, `${place}: record ${record.header.number}`).toBe(record.header.kind === 'claim' ? epoch + 1 : epoch);
    epoch = record.header.epoch;
  }
  for (const [hash, sequence] of reported.committed) expect(found.get(hash), `${place}: reported at ${sequence}`).toBe(sequence);
  // A commit in the log was reported: as stored, or as fenced when the owner was taken over before it knew. (A claim
  // that was overtaken before its owner knew is no one's news: that owner claims again.)
  for (const hash of commits) expect(reported.committed.has(hash) || reported.fenced.has(hash), place).toBe(true);
}

function newJournal(): { clock: VirtualClock; journal: MemoryJournal } {
  const clock = new VirtualClock();
  return { clock, journal: new MemoryJournal({ clock, random: seededRandom(1) }) };
}

async function filled(): Promise<{ clock: VirtualClock; journal: MemoryJournal; hashes: readonly string[] }> {
  const { clock, journal } = newJournal();
  await journal.ensureLane({ stream: STREAM, subjects: ['s.*'], bytesMax: -1 });
  const hashes: string[] = [];
  for (let number = 1; number <= 5; number++) {
    const { bytes, hash } = makeCommit({ number, previousHash: hashes.at(-1) ?? '', body: Buffer.from(`${number}`) });
    await journal.append(STREAM, SUBJECT, number - 1, bytes);
    hashes.push(hash);
  }
  return { clock, journal, hashes };
}

test.each([
  { fact: 'a fence that went back', lose: 2, problem: /MR2105.*sequence 5 and is now at 3/ },
  { fact: 'a fence that disappeared', lose: 5, problem: /MR2105.*sequence 5 is gone/ },
])('J6 $fact stops a commit loudly', async ({ lose, problem }) => {
  const { clock, journal, hashes } = await filled();
  journal.lane(STREAM).lose(SUBJECT, lose);
  const { bytes, hash } = makeCommit({ number: 6, previousHash: hashes[4] ?? '', body: Buffer.from('6') });
  const commit = commitFenced(
    journal,
    { stream: STREAM, subject: SUBJECT, expected: 5, bytes, hash, epoch: 1, number: 6, owner: 'w' },
    { clock, signal: new AbortController().signal },
  );
  await expect(clock.run(commit)).rejects.toThrow(problem);
});

test('J6 a claim refuses a partition whose records are gone', async () => {
  const { clock, journal } = await filled();
  journal.lane(STREAM).lose(SUBJECT, 5);
  const claiming = claim(
    journal,
    { stream: STREAM, subject: SUBJECT, owner: 'w', seenSequence: 5, makeClaim: (_previous, link) => makeClaim(link) },
    { clock, signal: new AbortController().signal },
  );
  await expect(clock.run(claiming)).rejects.toThrow(/MR2105.*sequence 5, now there is none/);
});

test('a commit waits out an absent leader, and ends when it is told to stop', async () => {
  const { clock, journal, hashes } = await filled();
  const { bytes, hash } = makeCommit({ number: 6, previousHash: hashes[4] ?? '', body: Buffer.from('6') });
  const commit = { stream: STREAM, subject: SUBJECT, expected: 5, bytes, hash, epoch: 1, number: 6, owner: 'w' };
  journal.leaderAbsent(60_000);
  const stop = new AbortController();
  const stopped = commitFenced(journal, commit, { clock, signal: stop.signal });
  await clock.run(clock.sleep(5_000));
  stop.abort();
  expect(await clock.run(stopped)).toEqual({ kind: 'stopped' });
  expect(await clock.run(commitFenced(journal, commit, { clock, signal: new AbortController().signal }))).toEqual({
    kind: 'committed',
    sequence: 6,
  });
  expect(clock.nowMs()).toBeGreaterThanOrEqual(60_000);
});

test.each([
  { fact: 'a record that is missing in the chain', number: 7, previous: 4, problem: /record 7 follows record 5/ },
  { fact: 'a record that names another before it', number: 6, previous: 3, problem: /the one before it, which is/ },
])('J2 a replay stops at $fact', async ({ number, previous, problem }) => {
  const { clock, journal, hashes } = await filled();
  await journal.append(STREAM, SUBJECT, 5, makeCommit({ number, previousHash: hashes[previous] ?? '', body: Buffer.from('x') }).bytes);
  await expect(clock.run(drain(journal, 6))).rejects.toThrow(problem);
});

test('J3 a replay that cannot find its own claim stops instead of waiting for ever', async () => {
  const { clock, journal } = await filled();
  await expect(clock.run(drain(journal, 9))).rejects.toThrow(/MR2105.*sequence 9, its own claim, is gone/);
});

async function drain(journal: MemoryJournal, untilSequence: number): Promise<void> {
  for await (const { record } of replay(journal, { stream: STREAM, subject: SUBJECT, fromSequence: 1, untilSequence })) void record;
}
