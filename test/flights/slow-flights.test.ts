import { describe, expect, test } from 'vitest';
import { compareRows, parseRows } from './compare-rows.ts';
import { readFlights, splitCsv } from './slow-csv.ts';
import { slowFlights } from './slow-flights.ts';

const HEADER = 'dep_time,dep_delay,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,minute,time_hour';
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

type Flight = {
  /** Scheduled time, `hh:mm` of 1970-01-01, or `d2 hh:mm`. */
  at: string;
  late?: number | 'NA';
  arrLate?: number | 'NA';
  air?: number | 'NA';
  no?: number;
  tail?: string;
  from?: string;
};

/** A row of a flights file; cancelled when `late` is NA. */
function csv({ at, late = 0, arrLate = 0, air = 60, no = 1, tail = 'N1', from = 'JFK' }: Flight): string {
  const [, day = '1', hour = '', minute = ''] = /^(?:d(\d+) )?(\d\d):(\d\d)$/.exec(at) ?? [];
  const time = late === 'NA' ? 'NA' : '700';
  return `${time},${late},${arrLate},UA,${no},${tail},${from},BOS,${air},100,${Number(minute)},1970-01-${day.padStart(2, '0')}T${hour}:00:00Z`;
}

const results = (...flights: Flight[]) => slowFlights(readFlights([HEADER, ...flights.map(csv)].join('\n')).rows);
const ms = (hours: number, minutes = 0): number => hours * HOUR_MS + minutes * MINUTE_MS;

test('an hour counts its flights by scheduled time, per origin, and takes the mean over the departed', () => {
  const { hourly } = results(
    { at: '10:00', late: 90 },
    { at: '10:59', late: 5 },
    { at: '10:30', late: 'NA' },
    { at: '11:00', late: 'NA' },
    { at: '10:15', late: -2, from: 'EWR' },
  );
  expect(hourly).toEqual([
    { origin: 'JFK', windowStartMs: ms(10), windowEndMs: ms(11), flights: 3, cancelled: 1, departed: 2, meanDelayMin: 47.5 },
    { origin: 'JFK', windowStartMs: ms(11), windowEndMs: ms(12), flights: 1, cancelled: 1, departed: 0, meanDelayMin: null },
    { origin: 'EWR', windowStartMs: ms(10), windowEndMs: ms(11), flights: 1, cancelled: 0, departed: 1, meanDelayMin: -2 },
  ]);
});

test('a flight lies in three windows of 3 h, one before the epoch too', () => {
  const { sliding } = results({ at: '00:30', late: 7 });
  const figures = { origin: 'JFK', flights: 1, cancelled: 0, departed: 1, meanDelayMin: 7 };
  expect(sliding).toEqual([
    { ...figures, windowStartMs: ms(-2), windowEndMs: ms(1) },
    { ...figures, windowStartMs: ms(-1), windowEndMs: ms(2) },
    { ...figures, windowStartMs: ms(0), windowEndMs: ms(3) },
  ]);
});

describe('a knock-on alert', () => {
  const first: Flight = { at: '08:00', arrLate: 30, air: 60, no: 1 };
  test.each<{ fact: string; flights: Flight[]; alerts: string[] }>([
    { fact: 'tells both flights and both delays', flights: [first, { at: '10:00', late: 15, no: 2 }], alerts: ['UA1>UA2 at 615 30/15'] },
    { fact: 'needs 15 min at departure', flights: [first, { at: '10:00', late: 14, no: 2 }], alerts: [] },
    {
      fact: 'needs 30 min at arrival',
      flights: [
        { ...first, arrLate: 29 },
        { at: '10:00', late: 15, no: 2 },
      ],
      alerts: [],
    },
    {
      fact: 'needs an arrival',
      flights: [
        { ...first, air: 'NA', arrLate: 'NA' },
        { at: '10:00', late: 15, no: 2 },
      ],
      alerts: [],
    },
    { fact: 'comes for an arrival a minute before', flights: [first, { at: '08:46', late: 15, no: 2 }], alerts: ['UA1>UA2 at 541 30/15'] },
    { fact: 'does not come for an arrival at the very time', flights: [first, { at: '08:45', late: 15, no: 2 }], alerts: [] },
    { fact: 'comes for an arrival 12 h before', flights: [first, { at: '20:45', late: 15, no: 2 }], alerts: ['UA1>UA2 at 1260 30/15'] },
    { fact: 'does not come for an arrival 12 h and a minute before', flights: [first, { at: '20:46', late: 15, no: 2 }], alerts: [] },
    {
      fact: 'looks at the previous departure only',
      flights: [first, { at: '09:30', no: 2 }, { at: '11:00', late: 20, no: 3 }],
      alerts: [],
    },
    {
      fact: 'passes over a cancelled flight',
      flights: [first, { at: '09:30', late: 'NA', no: 2 }, { at: '11:00', late: 20, no: 3 }],
      alerts: ['UA1>UA3 at 680 30/20'],
    },
    { fact: 'follows departed times, not rows', flights: [{ at: '10:00', late: 15, no: 2 }, first], alerts: ['UA1>UA2 at 615 30/15'] },
    {
      fact: 'takes equal departures in row order',
      flights: [
        { ...first, no: 7 },
        { at: '10:00', late: 20, no: 8 },
        { at: '10:00', late: 20, no: 9 },
      ],
      alerts: ['UA7>UA8 at 620 30/20'],
    },
    { fact: 'is of one aircraft', flights: [first, { at: '10:00', late: 15, no: 2, tail: 'N2' }], alerts: [] },
    {
      fact: 'has no aircraft without tailnum',
      flights: [
        { ...first, tail: 'NA' },
        { at: '10:00', late: 15, no: 2, tail: 'NA' },
      ],
      alerts: [],
    },
  ])('$fact', ({ flights, alerts }) => {
    const found = results(...flights)['knock-on'];
    expect(found.map((a) => `${a.previousFlight}>${a.flight} at ${a.atMs / MINUTE_MS} ${a.arrivedLateMin}/${a.departedLateMin}`)).toEqual(
      alerts,
    );
  });
});

test('lost is what departed and has no arrival, and has a tailnum', () => {
  const gone: Flight = { at: '08:00', late: 10, air: 'NA', arrLate: 'NA', no: 5 };
  const { lost } = results({ at: '06:00' }, gone, { ...gone, tail: 'NA' }, { ...gone, late: 'NA' });
  expect(lost).toEqual([{ tailnum: 'N1', flight: 'UA5', departedAtMs: ms(8, 10) }]);
});

describe('sessions', () => {
  test.each<{ fact: string; flights: Flight[]; sessions: string[] }>([
    {
      fact: 'join departures less than 12 h apart',
      flights: [
        { at: '01:00', air: 30 },
        { at: '12:59', air: 'NA' },
      ],
      sessions: ['N1 60..779 legs 2 air 30 dist 200'],
    },
    {
      fact: 'part at a gap of 12 h',
      flights: [{ at: '01:00' }, { at: '13:00' }],
      sessions: ['N1 60..60 legs 1 air 60 dist 100', 'N1 780..780 legs 1 air 60 dist 100'],
    },
    {
      fact: 'measure the gap by departed times',
      flights: [{ at: '01:00', late: 5 }, { at: '13:00' }],
      sessions: ['N1 65..780 legs 2 air 120 dist 200'],
    },
    {
      fact: 'leave cancelled flights out',
      flights: [{ at: '01:00' }, { at: '09:00', late: 'NA' }, { at: '17:00' }],
      sessions: ['N1 60..60 legs 1 air 60 dist 100', 'N1 1020..1020 legs 1 air 60 dist 100'],
    },
    { fact: 'go over midnight', flights: [{ at: '20:00' }, { at: 'd2 06:00' }], sessions: ['N1 1200..1800 legs 2 air 120 dist 200'] },
  ])('$fact', ({ flights, sessions }) => {
    const found = results(...flights).sessions;
    expect(
      found.map((s) => `${s.tailnum} ${s.startMs / MINUTE_MS}..${s.lastMs / MINUTE_MS} legs ${s.legs} air ${s.airMin} dist ${s.distance}`),
    ).toEqual(sessions);
  });
});

test('a row that does not parse is refused, the others stand', () => {
  const good = csv({ at: '08:00' });
  const { rows, refused } = readFlights([HEADER, 'too,few', good.replace(',60,', ',sixty,'), good, good.replace('JFK', '')].join('\r\n'));
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ row: 2, flight: 'UA1', scheduledMs: ms(8), airMin: 60 });
  expect(refused).toEqual(['row 0: 2 fields, not 12', 'row 1: air_time is no number: sixty', 'row 3: origin is missing']);
});

test('CSV fields in quotes may hold commas, quotes and line ends', () => {
  expect(splitCsv('a,"b,""c""\nd",e\n\nf,,\n')).toEqual([
    ['a', 'b,"c"\nd', 'e'],
    ['f', '', ''],
  ]);
});

describe('comparing rows', () => {
  const row = { tailnum: 'N1', flight: 'UA1', departedAtMs: 5 };
  test('their order and further fields do not matter', () => {
    expect(compareRows('lost', [row, { ...row, flight: 'UA2' }], [{ ...row, flight: 'UA2', more: 1 }, row])).toBeNull();
  });
  test('a row twice is not the row once', () => {
    expect(compareRows('lost', [row], [row, row])).toBe(
      'lost: 1 rows expected, 2 found; 0 missing, 1 too many\n  + tailnum="N1" flight="UA1" departedAtMs=5',
    );
  });
  test('a missing field is not null', () => {
    const window = { origin: 'JFK', windowStartMs: 0, windowEndMs: 1, flights: 1, cancelled: 1, departed: 0 };
    expect(compareRows('hourly', [{ ...window, meanDelayMin: null }], parseRows(`${JSON.stringify(window)}\n`))).toContain(
      '1 missing, 1 too many',
    );
  });
});
