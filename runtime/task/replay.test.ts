import { describe, expect, test } from 'vitest';
import type { Batch } from '../event/batch.ts';
import { ReplaySchedule } from './replay.ts';
import type { Released } from './replay.ts';

const batch = (times: readonly number[]): Batch => ({
  values: times.map((time, index) => `${time}#${index}`),
  times,
  keys: null,
  ingestMs: 0,
});
const drawn = ({ edges, watermark, ended }: Released): string =>
  `${[...edges.values()]
    .flat()
    .flatMap(({ values }) => values)
    .join(' ')} W${watermark}${ended ? ' end' : ''}`;

describe('a replay', () => {
  test('lets events go in time order, equal times in arrival order, when their time has come', () => {
    const schedule = new ReplaySchedule(new Map([[0, [batch([3000, 1000]), batch([1000, 2000])]]]), {
      speed: 10,
      releasedMs: null,
      startMs: 500,
    });
    expect(drawn(schedule.release(500))).toBe('1000#1 1000#0 W1000');
    expect(schedule.isDue(550)).toBe(false);
    expect(drawn(schedule.release(600))).toBe('2000#1 W2000');
    expect(drawn(schedule.release(650))).toBe(' W2500');
    expect(schedule.progress).toBe(0.75);
    expect(drawn(schedule.release(800))).toBe('3000#0 WInfinity end');
  });

  test('goes on behind what was released before a restart', () => {
    const schedule = new ReplaySchedule(new Map([[0, [batch([1000, 2000, 3000])]]]), { speed: 1, releasedMs: 2000, startMs: 0 });
    expect(drawn(schedule.release(0))).toBe(' W2000');
    expect(drawn(schedule.release(1000))).toBe('3000#2 WInfinity end');
  });

  test('of nothing ends at once', () => {
    const schedule = new ReplaySchedule(new Map(), { speed: 1, releasedMs: null, startMs: 0 });
    expect(schedule.isDue(0)).toBe(true);
    expect(schedule.release(0).ended).toBe(true);
  });

  test('at infinite speed lets all go at once', () => {
    const schedule = new ReplaySchedule(
      new Map([
        [0, [batch([5, 1])]],
        [1, [batch([9])]],
      ]),
      { speed: Infinity, releasedMs: null, startMs: 0 },
    );
    expect(drawn(schedule.release(0))).toBe('1#1 5#0 9#0 WInfinity end');
  });
});
