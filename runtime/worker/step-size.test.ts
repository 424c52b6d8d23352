import { describe, expect, test } from 'vitest';
import { Inbox, type InboxRecord } from '../task/inbox.ts';
import { nextEventsMax, StepSize } from './step-size.ts';

test.each([
  { fact: 'cheap events come as many as there are', eventsMax: 65_536, events: 60_000, tookMs: 40, next: 65_536 },
  { fact: 'dear ones only as many as fit the time', eventsMax: 65_536, events: 10_000, tookMs: 50_000, next: 40 },
  { fact: 'one at least', eventsMax: 40, events: 1, tookMs: 9_000, next: 1 },
  { fact: 'cheap again, it soon is more', eventsMax: 40, events: 40, tookMs: 2, next: 80 },
  { fact: 'a step that fits stays as it is', eventsMax: 40, events: 40, tookMs: 150, next: 40 },
  { fact: 'a record that is larger than asked for does not make it more', eventsMax: 10, events: 500, tookMs: 300, next: 10 },
])('$fact', ({ eventsMax, events, tookMs, next }) => expect(nextEventsMax(eventsMax, { events, tookMs })).toBe(next));

describe('the first step of a worker that finds 20,000 records of two events waiting', () => {
  function firstStep(msAnEvent: number): { readonly sequences: readonly number[]; readonly tookMs: number } {
    let nowMs = 0;
    const clock = { monotonicMs: () => nowMs };
    const inbox = new Inbox();
    for (let sequence = 1; sequence <= 20_000; sequence++) inbox.offer(recordOf(sequence));
    const sequences: number[] = [];
    new StepSize(clock).feed(inbox, (records) => {
      sequences.push(...records.map((record) => record.sequence));
      nowMs += records.length * 2 * msAnEvent;
    });
    return { sequences, tookMs: nowMs };
  }

  test('takes all where events are cheap, in order', () => {
    expect(firstStep(0).sequences).toEqual(Array.from({ length: 20_000 }, (_, i) => i + 1));
  });

  test('takes one portion where that is more than fits the time', () => {
    const { sequences, tookMs } = firstStep(20);
    expect([sequences.length, sequences.at(-1), tookMs]).toEqual([32, 32, 1_280]);
  });

  test('ends soon behind its time where portions are cheap at first', () => {
    const { sequences, tookMs } = firstStep(0.1);
    expect(sequences.length).toBeLessThan(3_000);
    expect(tookMs).toBeLessThan(2.5 * 200);
  });
});

function recordOf(sequence: number): InboxRecord {
  const segments = [{ edge: 0, count: 2, bytes: new Uint8Array(8) }];
  return { stage: 's', partition: 0, sequence, number: sequence, kind: 'commit', more: false, watermarks: [], segments, bytes: 8 };
}
