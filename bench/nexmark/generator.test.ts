import { expect, test } from 'vitest';
import { NEXMARK_START_MS, NexmarkGenerator } from './generator.ts';

type Event = { readonly type: string; readonly ts: number; readonly value: Record<string, number | string> };

const generator = new NexmarkGenerator({ seed: 7, eventsPerS: 100 });
const events = Array.from({ length: 10_000 }, (_, n) => JSON.parse(generator.line(n)) as Event);
const ofType = (type: string): Event[] => events.filter((event) => event.type === type);

test('an event depends on the seed and its number only', () => {
  const other = new NexmarkGenerator({ seed: 7, eventsPerS: 100 });
  for (const n of [9_999, 3, 17, 3]) expect(other.line(n)).toBe(generator.line(n));
  expect(new NexmarkGenerator({ seed: 8, eventsPerS: 100 }).line(17)).not.toBe(generator.line(17));
});

test('a line is ASCII, and the very text that JSON.stringify writes', () => {
  for (let n = 0; n < 2_000; n++) {
    const line = generator.line(n);
    expect(line).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.stringify(JSON.parse(line))).toBe(line);
  }
});

test.each([
  { type: 'person', share: 1 / 50, bytes: [300, 400], fields: 'id name emailAddress creditCard city state dateTime extra' },
  {
    type: 'auction',
    share: 3 / 50,
    bytes: [620, 720],
    fields: 'id itemName description initialBid reserve dateTime expires seller category extra',
  },
  { type: 'bid', share: 46 / 50, bytes: [170, 210], fields: 'auction bidder price dateTime extra' },
])('$type: $share of the events, about as long as Nexmark makes them', ({ type, share, bytes: [least = 0, most = 0], fields }) => {
  const found = ofType(type);
  expect(found.length).toBe(events.length * share);
  for (const event of found.slice(0, 100)) expect(Object.keys(event.value).join(' ')).toBe(fields);
  const mean = found.reduce((sum, event) => sum + JSON.stringify(event).length, 0) / found.length;
  expect(mean).toBeGreaterThan(least);
  expect(mean).toBeLessThan(most);
});

test.each(['person', 'auction'])('ids of %ss count up from 1000', (type) => {
  ofType(type).forEach((event, index) => expect(event.value['id']).toBe(1000 + index));
});

test("event time rises evenly and is the value's own", () => {
  events.forEach((event, n) => {
    expect(event.ts).toBe(NEXMARK_START_MS + n * 10);
    expect(event.value['dateTime']).toBe(event.ts);
  });
});

test.each([
  { fact: 'half of the bids go to the hot auction', type: 'bid', field: 'auction', share: [0.48, 0.56] },
  { fact: 'three quarters of the bids come from the hot bidder', type: 'bid', field: 'bidder', share: [0.73, 0.79] },
  { fact: "three quarters of the auctions are the hot seller's", type: 'auction', field: 'seller', share: [0.73, 0.79] },
])('$fact', ({ type, field, share: [least = 0, most = 1] }) => {
  const found = ofType(type);
  const isHot = (event: Event): boolean => (Number(event.value[field]) - (field === 'bidder' ? 1 : 0)) % 100 === 0;
  const share = found.filter(isHot).length / found.length;
  expect(share).toBeGreaterThan(least);
  expect(share).toBeLessThan(most);
});

test('a bid names an auction at most 10 ahead and about 100 behind', () => {
  let newest = -1;
  for (const event of events) {
    if (event.type === 'auction') newest = Number(event.value['id']);
    if (event.type !== 'bid') continue;
    const distance = newest - Number(event.value['auction']);
    expect(distance).toBeGreaterThanOrEqual(-10);
    expect(distance).toBeLessThan(200);
  }
});

test('with channels half of the bids come from four, most others say theirs in the url, and all else is as without', () => {
  const withChannels = new NexmarkGenerator({ seed: 7, eventsPerS: 100, channels: true });
  const found = events.map((_, n) => JSON.parse(withChannels.line(n)) as Event);
  found.forEach(({ value: { channel: _channel, url: _url, ...value }, ...event }, n) => expect({ ...event, value }).toEqual(events[n]));
  const bids = found.filter(({ type }) => type === 'bid').map(({ value }) => value as { readonly channel: string; readonly url: string });
  const others = bids.filter(({ channel }) => channel.startsWith('channel-'));
  expect(others.length / bids.length).toBeCloseTo(0.5, 1);
  const said = others.filter(({ channel, url }) => url.endsWith(`&channel_id=${channel.slice('channel-'.length)}`));
  expect(said.length / others.length).toBeCloseTo(0.9, 1);
  expect(bids.every(({ url }) => /^https:\/\/www\.nexmark\.com\/[a-z]{5}\/[a-z]{5}\/[a-z]{5}\/item\.htm\?query=1/.test(url))).toBe(true);
});
