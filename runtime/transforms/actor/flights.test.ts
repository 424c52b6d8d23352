// The aircraft machine of examples/flights, with flights made by hand. Times in hours after midnight.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { machineSchema, type MachineSpec } from '../../../crds/stream-job/machine.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeMachine } from './machine.ts';

const HOUR_MS = 3_600_000;

function aircraft(): MachineSpec {
  const job = parse(readFileSync(new URL('../../../examples/flights/stream-job.yaml', import.meta.url), 'utf8')) as {
    spec: { stages: { name: string; machine?: unknown }[] };
  };
  return machineSchema.parse(job.spec.stages.find((stage) => stage.name === 'aircraft')?.machine);
}

type Flight = {
  readonly flight: string;
  readonly departedH: number;
  readonly late?: number;
  readonly arrivedH?: number;
  readonly arrivedLate?: number;
};

/** Events of one aircraft in the order in which `order` gives them: by time, equal times as given. */
function eventsOf(flights: readonly Flight[]): { timeMs: number; value: object }[] {
  const events = flights.flatMap(({ flight, departedH, late = 0, arrivedH, arrivedLate = 0 }) => [
    {
      timeMs: departedH * HOUR_MS,
      value: { type: 'departed', tailnum: 'N1', flight, at: departedH * HOUR_MS, delayMin: late, plane: { model: 'A320' }, weather: null },
    },
    ...(arrivedH === undefined
      ? []
      : [
          {
            timeMs: arrivedH * HOUR_MS,
            value: {
              type: 'arrived',
              tailnum: 'N1',
              flight,
              departedAt: departedH * HOUR_MS,
              at: arrivedH * HOUR_MS,
              delayMin: arrivedLate,
            },
          },
        ]),
  ]);
  return events.sort((a, b) => a.timeMs - b.timeMs);
}

function run(flights: readonly Flight[]): string[] {
  const spec = aircraft();
  const harness = new StepHarness({ make: () => makeMachine({ kind: 'machine', spec }), outputs: ['knock-on', 'lost'] });
  for (const { timeMs, value } of eventsOf(flights)) {
    harness.advance(timeMs - 1);
    harness.pushBatch({ values: [value], times: [timeMs], keys: ['N1'], ingestMs: 0 });
    harness.restart();
  }
  harness.advance(Infinity);
  expect(harness.deadLetters).toEqual([]);
  return harness.emissions.flatMap((e) => (e.kind === 'event' && e.output !== null ? [`${e.output} ${draw(e.value as Drawn)}`] : []));
}

type Drawn = {
  flight: string;
  previousFlight?: string;
  arrivedLateMin?: number;
  departedLateMin?: number;
  atMs?: number;
  departedAtMs?: number;
};

function draw({ flight, previousFlight, arrivedLateMin, departedLateMin, atMs, departedAtMs }: Drawn): string {
  return previousFlight === undefined
    ? `${flight}@${(departedAtMs as number) / HOUR_MS}`
    : `${previousFlight}(+${arrivedLateMin})>${flight}(+${departedLateMin})@${(atMs as number) / HOUR_MS}`;
}

test.each<{ fact: string; flights: Flight[]; out: string[] }>([
  {
    fact: 'a late departure after a late arrival is a knock-on',
    flights: [
      { flight: 'A', departedH: 1, arrivedH: 3, arrivedLate: 40 },
      { flight: 'B', departedH: 5, late: 20, arrivedH: 6 },
    ],
    out: ['knock-on A(+40)>B(+20)@5'],
  },
  {
    fact: '15 and 30 minutes are enough, less is not',
    flights: [
      { flight: 'A', departedH: 1, arrivedH: 2, arrivedLate: 30 },
      { flight: 'B', departedH: 3, late: 15, arrivedH: 4, arrivedLate: 29 },
      { flight: 'C', departedH: 5, late: 15, arrivedH: 6, arrivedLate: 30 },
      { flight: 'D', departedH: 7, late: 14, arrivedH: 8 },
    ],
    out: ['knock-on A(+30)>B(+15)@3'],
  },
  {
    fact: 'an arrival at the very time of the departure is not before it',
    flights: [
      { flight: 'A', departedH: 1, arrivedH: 5, arrivedLate: 40 },
      { flight: 'B', departedH: 5, late: 20, arrivedH: 6 },
    ],
    out: [],
  },
  {
    fact: '12 hours after the arrival counts, more does not',
    flights: [
      { flight: 'A', departedH: 1, arrivedH: 2, arrivedLate: 40 },
      { flight: 'B', departedH: 14, late: 20, arrivedH: 15, arrivedLate: 40 },
      { flight: 'C', departedH: 27.5, late: 20, arrivedH: 28 },
    ],
    out: ['knock-on A(+40)>B(+20)@14'],
  },
  {
    fact: 'only the previous departure counts: one that has not arrived hides those before it',
    flights: [
      { flight: 'A', departedH: 1, arrivedH: 2, arrivedLate: 40 },
      { flight: 'B', departedH: 3, arrivedH: 9 },
      { flight: 'C', departedH: 5, late: 20, arrivedH: 6 },
    ],
    out: [],
  },
  {
    fact: 'a departure without an arrival is lost after 48 hours',
    flights: [
      { flight: 'A', departedH: 1 },
      { flight: 'B', departedH: 60, arrivedH: 61 },
    ],
    out: ['lost A@1'],
  },
  {
    fact: 'an arrival within 48 hours clears the timer, also when another departure lies between',
    flights: [
      { flight: 'A', departedH: 1, arrivedH: 40 },
      { flight: 'B', departedH: 3, arrivedH: 4 },
    ],
    out: [],
  },
  {
    fact: 'an arrival exactly 48 hours later is in time',
    flights: [{ flight: 'A', departedH: 1, arrivedH: 49 }],
    out: [],
  },
  {
    fact: 'the end of the input finds those that are still in the air',
    flights: [
      { flight: 'A', departedH: 1, arrivedH: 2 },
      { flight: 'B', departedH: 3 },
    ],
    out: ['lost B@3'],
  },
])('$fact', ({ flights, out }) => expect(run(flights)).toEqual(out));
