import { describe, expect, test } from 'vitest';
import { Inbox } from './inbox.ts';
import type { InboxRecord } from './inbox.ts';

/** `p0` a whole record of partition 0, `p0+` one that goes on, `p0!` a claim; the place in the text is the sequence. */
function inboxOf(drawn: string): Inbox {
  const inbox = new Inbox();
  drawn.split(' ').forEach((word, index) => inbox.offer(recordOf(word, index + 1)));
  return inbox;
}

function recordOf(word: string, sequence: number): InboxRecord {
  const kind = word.endsWith('!') ? 'claim' : 'commit';
  const segments = kind === 'claim' ? [] : [{ edge: 0, count: 10, bytes: new Uint8Array(100) }];
  return {
    stage: 's',
    partition: Number(word[1]),
    sequence,
    number: sequence,
    kind,
    more: word.endsWith('+'),
    watermarks: [null],
    segments,
    bytes: kind === 'claim' ? 0 : 100,
  };
}

/** Sequences that can be taken; one whose events were dropped in brackets. */
function taken(inbox: Inbox, limits = { eventsMax: 1_000, bytesMax: 100_000 }): string {
  return inbox
    .take(limits)
    .map(({ sequence, segments, kind }) => (segments.length === 0 && kind === 'commit' ? `(${sequence})` : String(sequence)))
    .join(' ');
}

describe('an inbox', () => {
  test.each([
    { fact: 'gives whole records in lane order', drawn: 'p0 p1 p0', gives: '1 2 3' },
    { fact: 'holds a step until its last record came, and all behind it', drawn: 'p0 p1+ p0', gives: '1' },
    { fact: 'gives all records of a step once the last is there', drawn: 'p1+ p0 p1+ p1', gives: '1 2 3 4' },
    { fact: 'drops a step whose writer was replaced before its end', drawn: 'p1+ p1+ p0 p1!', gives: '(1) (2) 3 4' },
    { fact: 'keeps steps of several partitions apart', drawn: 'p0+ p1+ p1 p0', gives: '1 2 3 4' },
    { fact: 'holds the second step of a partition when only the first is whole', drawn: 'p0+ p0 p0+', gives: '1 2' },
  ])('$fact', ({ drawn, gives }) => expect(taken(inboxOf(drawn))).toBe(gives));

  test('gives nothing of a lane that is left out, and counts its bytes apart', () => {
    const inbox = inboxOf('p0 p0');
    inbox.offer({ ...recordOf('p0', 3), stage: 't' });
    const without = new Set(['s']);
    expect([inbox.bytes, inbox.bytesBut(without), inbox.isReady(without)]).toEqual([300, 100, true]);
    expect(inbox.take({ eventsMax: 1_000, bytesMax: 100_000 }, without).map(({ sequence }) => sequence)).toEqual([3]);
    expect([inbox.isReady(without), inbox.isReady()]).toEqual([false, true]);
  });

  test('takes at least one record however small the limit, and knows what it still holds', () => {
    const inbox = inboxOf('p0 p0 p0');
    expect(taken(inbox, { eventsMax: 1, bytesMax: 1 })).toBe('1');
    expect(inbox.bytes).toBe(200);
    expect(inbox.isReady()).toBe(true);
    expect(taken(inbox)).toBe('2 3');
    expect(inbox.bytes).toBe(0);
    expect(inbox.isReady()).toBe(false);
  });

  test('a record that completes a held step frees both', () => {
    const inbox = inboxOf('p0+');
    expect(inbox.isReady()).toBe(false);
    expect(taken(inbox)).toBe('');
    inbox.offer(recordOf('p0', 2));
    expect(taken(inbox)).toBe('1 2');
  });
});
