// Which events are said, counted or dropped. Times are seconds; `x:a` is sentence a about object x.
import { expect, test } from 'vitest';
import { EventSeries } from './event-series.ts';
import { EVENT_BURST, EVENT_SERIES_MAX } from './kube-limits.ts';

test.each([
  { fact: 'something new is said', told: ['0 x:a'], becomes: 'new' },
  { fact: 'the same again is counted', told: ['0 x:a', '1 x:a'], becomes: 'new repeated' },
  { fact: 'the same about another object is new', told: ['0 x:a', '1 y:a'], becomes: 'new new' },
  { fact: 'the same after the window is new', told: ['0 x:a', '600 x:a'], becomes: 'new new' },
  { fact: 'each time begins the window again', told: ['0 x:a', '599 x:a', '1198 x:a'], becomes: 'new repeated repeated' },
])('$fact', ({ told, becomes }) => {
  const series = new EventSeries<string>();
  expect(told.map((text) => tell(series, text)).join(' ')).toBe(becomes);
});

test('a count is written 10 s after the last time, with its last value, and then no more', () => {
  const series = new EventSeries<string>();
  for (const text of ['0 x:a', '1 x:a', '2 x:a']) tell(series, text);
  expect(series.takeDue(9_999, false)).toBeNull();
  expect(series.nextDueMs()).toBe(10_000);
  expect(series.takeDue(10_000, false)).toMatchObject({ key: 'x:a', count: 3 });
  expect(series.takeDue(60_000, false)).toBeNull();
  expect(series.nextDueMs()).toBeNull();
  tell(series, '11 x:a');
  expect(series.nextDueMs()).toBe(20_000);
  expect(series.takeDue(11_000, true)).toMatchObject({ count: 4 });
});

test('one object has a burst, then one in 30 s; another is not held up; repeating costs nothing', () => {
  const series = new EventSeries<string>();
  const said = Array.from({ length: EVENT_BURST + 5 }, (_, nth) => tell(series, `0 x:${nth}`));
  expect(said.filter((one) => one === 'new')).toHaveLength(EVENT_BURST);
  expect(said.at(-1)).toBe('dropped');
  expect(tell(series, '0 y:1')).toBe('new');
  expect(tell(series, '1 x:0')).toBe('repeated');
  expect([tell(series, '29 x:b'), tell(series, '30 x:b'), tell(series, '31 x:c')]).toEqual(['dropped', 'new', 'dropped']);
});

test('what is remembered is bounded: the one not said for longest is forgotten', () => {
  const series = new EventSeries<string>();
  for (let nth = 0; nth < EVENT_SERIES_MAX; nth++) tell(series, `0 ${nth}:a`);
  expect(tell(series, '1 0:a')).toBe('repeated');
  tell(series, '1 one-more:a');
  expect([tell(series, '2 0:a'), tell(series, '2 1:a')]).toEqual(['repeated', 'new']);
});

function tell(series: EventSeries<string>, text: string): string {
  const [atS = '', key = ''] = text.split(' ');
  const [subject = ''] = key.split(':');
  const told = series.tell({ subject, key, said: key, name: key }, Number(atS) * 1_000);
  return typeof told === 'string' ? told : 'new';
}
