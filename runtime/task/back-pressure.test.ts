import { expect, test } from 'vitest';
import { WATERMARK_MAX } from '../event/batch.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { BackPressure, type Crowding } from './back-pressure.ts';

const source = (name: string): object => ({ name, nats: { subjects: [name] }, eventTime: { at: 'event.at' } });
const machineOf = (state: string): object => ({ initial: state, unhandled: 'ignore', states: { [state]: {} } });
const plan = planOfSpec({
  sources: [source('a'), source('b'), source('rows'), source('more')],
  tables: [
    { name: 't', from: 'rows', key: 'row.id' },
    { name: 'u', from: 'more', key: 'row.id', asOf: 'latest' }, // never stopped: nobody waits for it, and it waits for nobody
  ],
  stages: [
    { name: 'x', from: ['a', 'b'], keyBy: 'event.id', tables: ['t', 'u'], machine: machineOf('one') },
    { name: 'y', from: ['a', 'b'], keyBy: 'event.id', tables: ['t', 'u'], machine: machineOf('two') },
  ],
  sinks: [{ name: 'out', from: 'a', nats: { subject: 'out' } }],
});
const stage = plan.stages.find(({ id }) => id === 'x')!;

/** `a10 rows5 …`: watermarks of what comes to a node; `!`: nothing more may wait there. */
function crowding(text: string, id: string): Crowding {
  const { inputs } = stage.nodes.find((node) => node.id === id)!;
  const times = Object.fromEntries(
    text.split(' ').flatMap((word) => (/^([a-z]+?)(\d+|end|idle)$/.exec(word) ? [[RegExp.$1, RegExp.$2]] : [])),
  );
  const timeOf = (input: (typeof inputs)[number]): string => times[input.kind === 'edge' ? plan.edges[input.edge]!.fromStage : ''] ?? 'end';
  const watermarks = inputs.map((input) => (/\d/.test(timeOf(input)) ? Number(timeOf(input)) : WATERMARK_MAX));
  return { room: text.endsWith('!') ? 0 : 7, watermarks, idle: inputs.map((input) => timeOf(input) === 'idle') };
}

test.each([
  { fact: 'all is read while there is room', x: 'a10 b20 rows5', y: 'a10 b20 rows5', stopped: [] },
  { fact: 'what no event waits for is not read where it is crowded', x: 'a10 b20 rows5 !', y: 'a10 b20 rows5', stopped: ['a', 'b'] },
  { fact: 'rows are not read when they have come further', x: 'a10 b20 rows30 !', y: 'a10 b20 rows30', stopped: ['b', 'rows'] },
  { fact: 'all is read where all have come equally far', x: 'a10 b10 rows10 !', y: 'a10 b10 rows10', stopped: [] },
  { fact: 'idle ones and those that ended are read on', x: 'aidle bend rows10 !', y: 'aidle bend rows10', stopped: [] },
  { fact: 'what one needs is read, whatever it is to another', x: 'a10 b20 rows5 !', y: 'a3 b20 rows5 !', stopped: ['b'] },
])('$fact', ({ x, y, stopped }) => {
  const pressure = new BackPressure(plan, stage, { crowdingOf: (id) => crowding(id === 'x/side' ? x : y, id), edgeTimes: () => new Map() });
  expect([...pressure.lanes].toSorted()).toEqual(stopped);
});

test('the room is the least of all', () => {
  const rooms: Readonly<Record<string, number>> = { 'x/side': 3, 'y/side': 5 };
  const pressure = new BackPressure(plan, stage, {
    crowdingOf: (id) => ({ room: rooms[id]!, watermarks: [], idle: [] }),
    edgeTimes: () => new Map(),
  });
  expect(pressure.room).toBe(3);
});

test('what was taken in counts before the watermarks have risen', () => {
  const taken = new Map(
    plan.edges.filter(({ fromStage }) => fromStage === 'a').map(({ index }) => [index, { watermark: 50, isIdle: false }]),
  );
  const pressure = new BackPressure(plan, stage, { crowdingOf: (id) => crowding('a1 bend rows5 !', id), edgeTimes: () => taken });
  expect([...pressure.lanes]).toEqual(['a']);
});
