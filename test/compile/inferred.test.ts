// Types along the edges of a job: what each verb makes of the event's type. The compiler judges; running it shows that
// the same chains build.

import {
  cel,
  cell,
  collect,
  count,
  countWindow,
  file,
  from,
  globalWindow,
  job,
  mean,
  min,
  session,
  sliding,
  sum,
  top,
  tumbling,
} from 'millrace';
import type { Stream } from 'millrace';
import { expect, test } from 'vitest';
import { aircraft } from './prelude.ts';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only when the stream's events are of type E. */
function events<E>() {
  return <S extends Stream<unknown>>(stream: S, same: S extends Stream<infer X> ? Same<X, E> : false): S => (
    expect(same).toBe(true),
    stream
  );
}

const schema = {
  origin: 'string',
  tailnum: { type: 'string', nullable: true },
  delay: { type: 'double', nullable: true },
  at: 'timestamp',
  late: 'bool',
  extra: 'any',
} as const;
type Flight = { origin: string; tailnum: string | null; delay: number | null; at: number; late: boolean; extra: unknown };

test('types are inferred along the edges', () => {
  const declared = job('types', (j) => {
    const flights = j.source('flights', file({ path: 'f', schema, eventTime: { at: (e) => e.at + 1 } }));
    const planes = j.table('planes', file({ path: 'p', schema: { tailnum: 'string', seats: 'int' } }), { key: 'tailnum' });
    events<Flight>()(flights, true);
    events<Record<string, unknown>>()(j.source('undeclared', file({ path: 'u' })), true);
    events<{ x: 1 }>()(j.source('explicit', file<{ x: 1 }>({ path: 'u' })), true);

    events<Flight>()(flights.filter((e) => e.late).toFile('late.ndjson'), true);
    events<{ a: number; b: string | null }>()(
      flights.map((e) => ({ a: e.at, b: e.tailnum })),
      true,
    );
    events<{ a: number; b: string; c: unknown }>()(flights.map({ a: (e) => e.at, b: cel<string>('event.origin'), c: cel('1') }), true);
    events<{ n: number }>()(
      flights.flatMap((e) => [{ n: e.at }]),
      true,
    );
    const movements = flights.flatMap([
      { emit: { type: () => 'departed' as const, tailnum: (e) => e.tailnum ?? '', at: (e) => e.at } },
      { when: (e) => e.late, emit: (e) => ({ type: 'delayed' as const, at: e.at }) },
    ]);
    type Departed = { type: 'departed'; tailnum: string; at: number };
    events<Departed | { type: 'delayed'; at: number }>()(movements, true);
    events<Flight | Departed | { type: 'delayed'; at: number }>()(from(flights, movements), true);
    const departed = events<Departed>()(
      movements.filter((e) => e.type === 'departed'),
      true,
    );

    const enriched = flights.enrich({
      plane: planes.lookup({ key: 'tailnum' }),
      other: planes.lookup({ key: (e) => e.origin, when: (e) => e.late }),
    });
    events<{ seats: number | undefined; other: number | undefined }>()(
      enriched.map((e) => ({ seats: e.plane?.seats, other: e.other?.seats })),
      true,
    );

    const hourly = flights
      .keyBy('origin')
      .window(tumbling('1h'))
      .aggregate({
        n: count(),
        delay: mean((e) => e.delay),
        low: min((e) => e.origin),
        all: collect((e) => e.at, { where: (e) => e.late }),
        worst: top(3, { by: (e) => e.delay, value: (e) => e.origin }),
      });
    events<{
      origin: string;
      windowStartMs: number;
      windowEndMs: number;
      n: number;
      delay: number | null;
      low: string | null;
      all: number[];
      worst: string[];
    }>()(
      hourly.map((r) => ({
        origin: r.origin,
        windowStartMs: r.windowStartMs,
        windowEndMs: r.windowEndMs,
        n: r.n,
        delay: r.delay,
        low: r.low,
        all: r.all,
        worst: r.worst,
      })),
      true,
    );
    events<Flight>()(hourly.output('late'), true);
    const corrected = flights.keyBy('origin').window(session('1h', { allowedLateness: '1d', accumulation: 'retracting' }));
    events<{ origin: string; windowStartMs: number; windowEndMs: number; pane: 'onTime' | 'late' | 'retracted'; n: number }>()(
      corrected.aggregate({ n: count() }),
      true,
    );
    type AnyPane = 'early' | 'onTime' | 'late' | 'retracted';
    const early = flights.keyBy('origin').window(tumbling('1h', { early: [{ every: '5m' }, { when: (flight: Flight) => flight.at > 5 }] }));
    events<{ origin: string; windowStartMs: number; windowEndMs: number; pane: AnyPane; paneNumber: number; isLast: boolean; n: number }>()(
      early.aggregate({ n: count() }),
      true,
    );
    const fives = flights.keyBy('origin').window(countWindow(5, { orAfter: '1m' }));
    events<{ origin: string; windowStartMs: number; windowEndMs: number; windowNumber: number; n: number }>()(
      fives.aggregate({ n: count() }),
      true,
    );
    const forever = flights.keyBy('origin').window(globalWindow<Flight>({ early: [{ count: 5, when: (flight) => flight.at > 5 }] }));
    events<{ origin: string; pane: AnyPane; paneNumber: number; isLast: boolean; n: number }>()(forever.aggregate({ n: count() }), true);
    events<{ tailnum: string; total: number }>()(flights.keyBy('tailnum').aggregate({ total: sum((e) => e.at) }), true);
    events<{ origin: string; total: number }>()(flights.keyBy(cel('event.origin')).aggregate({ total: sum(cel('event.at')) }), true);
    events<{ key: number; n: number }>()(flights.keyBy((e) => e.at % 10).aggregate({ n: count() }), true);
    events<{ o: string; hour: number; n: number }>()(
      flights.keyBy({ o: (e) => e.origin, hour: cel<number>('timeMs') }).aggregate({ n: count() }),
      true,
    );
    events<Flight>()(flights.keyBy('origin').dedupe('1h'), true);

    const right = movements.keyBy('type');
    const left = flights.keyBy('origin');
    events<{ a: number; b: number }>()(left.join(right, { within: '1h', select: (l, r) => ({ a: l.at, b: r.at }) }), true);
    events<{ a: number; b: number | undefined }>()(
      left.join(right, { within: '1h', type: 'left', select: (l, r) => ({ a: l.at, b: r?.at }) }),
      true,
    );
    events<{ left: Flight; right: Departed }>()(left.join(departed.keyBy('tailnum'), { within: '1h' }), true);
    events<{ left: Flight | null; right: Departed | null }>()(left.join(departed.keyBy('tailnum'), { within: '1h', type: 'full' }), true);

    events<{ left: Flight; right: Departed; windowStartMs: number; windowEndMs: number }>()(
      left.join(departed.keyBy('tailnum'), { window: tumbling('1h') }),
      true,
    );
    events<{ a: number; from: number }>()(
      left.join(right, { window: sliding('1h', '5m'), select: (l, _r, from) => ({ a: l.at, from }) }),
      true,
    );
    events<{ left: Flight; right: Departed | null }>()(
      left.join(departed.keyBy('tailnum'), { type: 'left', temporal: { grace: '1m', deleted: (row) => row.tailnum === '' } }),
      true,
    );

    events<{ left: Flight; right: Departed | null; change: 'insert' | 'retract' }>()(
      left.join(departed.keyBy('tailnum'), {
        type: 'left',
        table: { left: { id: 'at' }, right: { deleted: (row) => row.tailnum === '' } },
      }),
      true,
    );
    events<{ a: number; is: boolean }>()(
      left.join(right, { table: { emit: 'changes' }, select: (l, _r, change) => ({ a: l.at, is: change === 'insert' }) }),
      true,
    );

    const cells = {
      seen: cell.map<number>(),
      sum: cell.aggregating<number, number, string>({ init: () => 0, add: (a, b) => a + b, result: String }),
    };
    const reduced = flights.keyBy('origin').reduce({
      cells,
      init: () => 0,
      step: (state: number, flight, context) => {
        const { seen, sum: total } = context.cells;
        seen.set(flight.origin, flight.at);
        total.add(flight.at);
        const text: string | undefined = total.get();
        // @ts-expect-error a map of numbers takes no text
        seen.set('a', 'b');
        context.emit({ text });
        return state;
      },
    });
    events<{ readonly key: unknown; readonly state: number }>()(reduced.output('expired'), true);

    const steps = [{ name: 'a' }, { name: 'b', contiguity: 'next' as const }];
    const found = flights.keyBy('origin').pattern({ steps, within: '1h' });
    type Found = { origin: string; startMs: number; endMs: number; matched: Readonly<Record<string, readonly Flight[]>> };
    events<Found>()(found, true);
    events<Found>()(found.output('timedOut'), true);
    events<Flight>()(found.output('late'), true);
    events<{ n: number; last: Flight | undefined }>()(
      flights.keyBy('origin').pattern({
        steps: [{ name: 'a', where: (e, matched) => e.late && (matched['a']?.[0]?.at ?? 0) < e.at, times: { min: 1, max: 3 } }],
        within: '1h',
        select: { n: (_matched, _key, startMs, endMs) => endMs - startMs, last: (matched) => matched['a']?.at(-1) },
      }),
      true,
    );

    const actors = departed.keyBy('tailnum').machine(aircraft, { order: 'eventTime' });
    events<{ readonly type: 'knock-on'; readonly atMs: number }>()(actors.output('knock-on'), true);
    const counted = flights.keyBy('origin').reduce<{ n: number }, { origin: string; n: number }>({
      init: () => ({ n: 0 }),
      step: (state, e, context) => {
        if (e.late) context.emit({ origin: e.origin, n: state.n });
        context.setTimer('again', e.at + 1, e);
        return state.n > 10 ? null : { n: state.n + 1 };
      },
    });
    events<{ origin: string; n: number }>()(counted, true);
    events<Record<string, unknown>>()(flights.keyBy('origin').reduce({ init: () => 0, step: (n, e) => n + e.at }), true);
    counted.toFile('counted.ndjson');
    flights.keyBy('tailnum').window(session('12h')).aggregate({ n: count() }).toFile('sessions.ndjson');
  });
  expect(declared.build().spec.stages.length).toBeGreaterThan(20);
});
