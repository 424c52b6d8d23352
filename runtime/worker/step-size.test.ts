import { expect, test } from 'vitest';
import { nextEventsMax } from './step-size.ts';

test.each([
  { fact: 'cheap events come as many as there are', eventsMax: 65_536, events: 60_000, tookMs: 40, next: 65_536 },
  { fact: 'dear ones only as many as fit the time', eventsMax: 65_536, events: 10_000, tookMs: 50_000, next: 40 },
  { fact: 'one at least', eventsMax: 40, events: 1, tookMs: 9_000, next: 1 },
  { fact: 'cheap again, it soon is more', eventsMax: 40, events: 40, tookMs: 2, next: 80 },
  { fact: 'a step that fits stays as it is', eventsMax: 40, events: 40, tookMs: 150, next: 40 },
  { fact: 'a record that is larger than asked for does not make it more', eventsMax: 10, events: 500, tookMs: 300, next: 10 },
])('$fact', ({ eventsMax, events, tookMs, next }) => expect(nextEventsMax(eventsMax, { events, tookMs })).toBe(next));
