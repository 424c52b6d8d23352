// The flights job of examples/flights, declared in TypeScript with CEL texts: must give the very same graph value.

import { cel, count, file, job, max, mean, min, session, sliding, sum, tumbling } from 'millrace';

const departed = { where: cel<boolean>('event.dep_time != null') };
const figures = {
  flights: count(),
  cancelled: count({ where: cel('event.dep_time == null') }),
  departed: count(departed),
  meanDelayMin: mean(cel('event.dep_delay'), departed),
};
const nullable = <const T extends string>(type: T) => ({ type, nullable: true }) as const;

const remember = { assign: { previous: '{"flight": event.flight, "departedAt": event.at, "arrivedAt": null, "delayMin": null}' } };
const watch = {
  raise: {
    type: 'overdue',
    id: "event.flight + '@' + string(event.at)",
    delay: '48h',
    data: { flight: 'event.flight', departedAt: 'event.at' },
  },
};
const found = { cancel: "event.flight + '@' + string(event.departedAt)" };
const knockOn = {
  emit: {
    output: 'knock-on',
    value: {
      tailnum: 'key',
      previousFlight: 'context.previous.flight',
      flight: 'event.flight',
      atMs: 'event.at',
      arrivedLateMin: 'context.previous.delayMin',
      departedLateMin: 'event.delayMin',
      model: 'event.plane == null ? null : event.plane.model',
      weather: 'event.weather',
    },
  },
};
const aircraftMachine = {
  context: { previous: null },
  initial: 'flying',
  states: {
    flying: {
      on: {
        departed: [
          {
            guard:
              'event.delayMin >= 15 && context.previous != null && context.previous.arrivedAt != null ' +
              '&& context.previous.delayMin != null && context.previous.delayMin >= 30 ' +
              '&& context.previous.arrivedAt < event.at && event.at - context.previous.arrivedAt <= 12 * 3600000',
            actions: [knockOn, remember, watch],
          },
          { actions: [remember, watch] },
        ],
        arrived: [
          {
            guard: 'context.previous != null && context.previous.flight == event.flight && context.previous.departedAt == event.departedAt',
            actions: [
              found,
              {
                assign: {
                  previous: '{"flight": event.flight, "departedAt": event.departedAt, "arrivedAt": event.at, "delayMin": event.delayMin}',
                },
              },
            ],
          },
          { actions: [found] },
        ],
        overdue: [
          { actions: [{ emit: { output: 'lost', value: { tailnum: 'key', flight: 'event.flight', departedAtMs: 'event.departedAt' } } }] },
        ],
      },
    },
  },
};

export const flightsJob = job(
  'flights',
  { description: 'Delays per airport and hour, knock-on delays, lost flights and working days of aircraft.' },
  (j) => {
    const flightsFile = j.parameter('flights', {
      default: 'data/flights-2013-01.csv.gz',
      description: "a flights file of nycflights13's format",
    });
    const planesFile = j.parameter('planes', { default: 'data/planes.csv.gz' });
    const weatherFile = j.parameter('weather', { default: 'data/weather-2013-01.csv.gz' });
    const maxOutOfOrder = j.parameter('out-of-order', {
      default: '366d',
      description: 'how far rows may be out of order; 4d is enough for a file of one month',
    });

    const flights = j.source(
      'flights',
      file({
        path: flightsFile,
        format: 'csv',
        nulls: ['NA', ''],
        schema: {
          time_hour: 'timestamp',
          minute: 'int',
          origin: 'string',
          dest: 'string',
          carrier: 'string',
          flight: 'int',
          tailnum: nullable('string'),
          dep_time: nullable('int'),
          dep_delay: nullable('double'),
          arr_delay: nullable('double'),
          air_time: nullable('double'),
          distance: nullable('double'),
        },
        eventTime: { at: cel('event.time_hour + event.minute * 60000'), maxOutOfOrder },
      }),
    );
    const planes = j.table('planes', file({ path: planesFile, format: 'csv', nulls: ['NA'] }), { key: 'tailnum' });
    const weather = j.table(
      'weather',
      file({
        path: weatherFile,
        format: 'csv',
        nulls: ['NA'],
        schema: {
          time_hour: 'timestamp',
          temp: nullable('double'),
          visib: nullable('double'),
          wind_speed: nullable('double'),
          precip: nullable('double'),
        },
      }),
      { key: cel('row.origin'), at: 'time_hour', validFor: '1h' },
    );

    const hourly = flights.keyBy('origin').window(tumbling('1h')).aggregate(figures).as('hourly');
    const slid = flights.keyBy('origin').window(sliding('3h', '1h')).aggregate(figures).as('sliding');

    const flight = cel<string>('event.carrier + string(event.flight)');
    const departedAt = cel<number>('timeMs + event.dep_delay * 60000');
    const common = { tailnum: cel<string | null>('event.tailnum'), flight };
    const enriched = flights
      .flatMap([
        { emit: { type: cel<'scheduled'>("'scheduled'"), ...common, origin: cel('event.origin'), at: cel<number>('timeMs') } },
        {
          when: cel('event.dep_time == null'),
          emit: { type: cel<'cancelled'>("'cancelled'"), ...common, origin: cel('event.origin'), at: cel<number>('timeMs') },
        },
        {
          when: cel('event.dep_time != null'),
          emit: {
            type: cel<'departed'>("'departed'"),
            ...common,
            origin: cel<string>('event.origin'),
            dest: cel<string>('event.dest'),
            at: departedAt,
            delayMin: cel<number>('event.dep_delay'),
            airMin: cel<number | null>('event.air_time'),
            distance: cel<number | null>('event.distance'),
          },
        },
        {
          when: cel('event.dep_time != null && event.air_time != null'),
          emit: {
            type: cel<'arrived'>("'arrived'"),
            ...common,
            departedAt,
            at: cel<number>('timeMs + (event.dep_delay + event.air_time) * 60000'),
            delayMin: cel<number>('event.arr_delay'),
          },
        },
      ])
      .as('movements')
      .eventTime({ at: 'at', maxOutOfOrder })
      .as('timed')
      .enrich({
        plane: planes.lookup({ key: 'tailnum', when: cel("event.type == 'departed' && event.tailnum != null") }),
        weather: weather.lookup({ key: cel('event.origin'), when: cel("event.type == 'departed'") }),
      })
      .as('enriched');

    const aircraft = enriched
      .filter(cel("event.tailnum != null && (event.type == 'departed' || event.type == 'arrived')"))
      .keyBy('tailnum')
      .machine(aircraftMachine, { order: 'eventTime' })
      .as('aircraft');

    const sessions = enriched
      .filter(cel("event.tailnum != null && event.type == 'departed'"))
      .keyBy('tailnum')
      .window(session('12h'))
      .aggregate({
        startMs: min(cel('event.at')),
        lastMs: max(cel('event.at')),
        legs: count(),
        airMin: sum(cel('event.airMin'), { where: cel('event.airMin != null') }),
        distance: sum(cel('event.distance'), { where: cel('event.distance != null') }),
      })
      .as('sessions');

    const results = { hourly, sliding: slid, 'knock-on': aircraft.output('knock-on'), lost: aircraft.output('lost'), sessions };
    for (const [name, stream] of Object.entries(results)) stream.toFile(`${name}.ndjson`);
    for (const [name, stream] of Object.entries(results)) stream.toNats(`flights.${name}`);
  },
);
