import { expect, test } from 'vitest';
import { makeCommit } from '../testing/sample-records.ts';
import { judge, type Commit } from './fence.ts';
import type { StoredRecord } from './journal.ts';

const ours = makeCommit({ owner: 'w1', epoch: 5, number: 8, body: Buffer.from('ours') });
const commit: Commit = { stream: 's', subject: 's.0', expected: 10, ...ours, epoch: 5, number: 8, owner: 'w1' };

function at(sequence: number, bytes: Uint8Array): StoredRecord {
  return { subject: 's.0', sequence, bytes, storedMs: 0 };
}

const before = makeCommit({ owner: 'w1', epoch: 5, number: 7, body: Buffer.from('before') }).bytes;
const claimOfOther = makeCommit({ kind: 'claim', owner: 'w2', epoch: 6, number: 8, body: Buffer.from('') }).bytes;
const sameEpoch = makeCommit({ owner: 'w3', epoch: 5, number: 8, body: Buffer.from('theirs') }).bytes;

test.each([
  { fact: 'the record before is still the last: nothing was stored', fence: at(10, before), verdict: { kind: 'unchanged' } },
  { fact: 'our record is the last: it was stored', fence: at(11, ours.bytes), verdict: { kind: 'committed', sequence: 11 } },
  { fact: 'a newer epoch wrote: fenced', fence: at(12, claimOfOther), verdict: { kind: 'fenced', byEpoch: 6 } },
  {
    fact: 'the last record is older than ours was (J6)',
    fence: at(9, before),
    verdict: { kind: 'lost', problem: 'its last record was at sequence 10 and is now at 9' },
  },
  {
    fact: 'no record any more (J6)',
    fence: null,
    verdict: { kind: 'lost', problem: 'record 7 at sequence 10 is gone, and nothing is in its place' },
  },
])('$fact', ({ fence, verdict }) => {
  expect(judge(commit, fence)).toEqual(verdict);
});

test('a foreign record of our own epoch is no fencing but a broken journal', () => {
  expect(() => judge(commit, at(11, sameEpoch))).toThrow(/MR2105.*owner w3 wrote in epoch 5/);
});

test('the first record of a partition is unchanged while there is none', () => {
  expect(judge({ ...commit, expected: 0, number: 1 }, null)).toEqual({ kind: 'unchanged' });
});
