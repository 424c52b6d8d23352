import { streamJobSchema } from '../crds/stream-job/spec.ts';
import { planJob } from '../runtime/plan/plan.ts';
import { declaredOf } from './declared.ts';
import { expect, test } from 'vitest';
import { leavesOf } from '../runtime/client/active-states.ts';
import { chartOf, liveMachine } from './statechart.ts';

const DOOR = {
  initial: 'closed',
  states: {
    closed: { on: { open: 'opened' } },
    opened: {
      initial: 'ajar',
      on: { close: '#machine.closed', push: { actions: [] } },
      after: { '48h': { target: 'closed' } },
      states: {
        ajar: {
          on: {
            push: [
              { target: 'wide', guard: 'event.n > 1' },
              { target: 'wide', guard: 'event.n < -1' },
            ],
          },
        },
        wide: { type: 'final' },
      },
    },
  },
};

const chart = chartOf('stage', 'door', DOOR);

test('states are named by their paths, with who holds whom', () => {
  expect(chart.states.map(({ path, parent, type, isInitial }) => [path, parent, type, isInitial])).toEqual([
    ['closed', null, 'atomic', true],
    ['opened', null, 'compound', false],
    ['opened.ajar', 'opened', 'atomic', true],
    ['opened.wide', 'opened', 'final', false],
  ]);
});

test('transitions lead where targets say; those with the same ends and event are one line', () => {
  expect(chart.transitions.map(({ from, event, to, guards }) => [from, event, to, guards])).toEqual([
    ['closed', 'open', 'opened', []],
    ['opened', 'close', 'closed', []],
    ['opened', 'push', 'opened', []],
    ['opened', 'after 2d', 'closed', []],
    ['opened.ajar', 'push', 'opened.wide', ['event.n > 1', 'event.n < -1']],
  ]);
});

test.each([
  { fact: 'a transition inside', taken: ['{"opened":"ajar"}', 'push', '{"opened":"wide"}'], id: 4 },
  { fact: 'one of the state around', taken: ['{"opened":"wide"}', 'push', '{"opened":"wide"}'], id: 2 },
  { fact: 'a way out of an inner state', taken: ['{"opened":"ajar"}', 'close', 'closed'], id: 1 },
  { fact: 'a delay', taken: ['{"opened":"ajar"}', 'xstate.after.172800000.machine.opened', 'closed'], id: 3 },
  { fact: 'what no line says', taken: ['closed', 'open', 'closed'], id: null },
] as const)('counts go to their line: $fact', ({ taken: [from, event, to], id }) => {
  const live = liveMachine(chart, { kind: 'actors', states: {}, transitions: [[from, event, to, 7]] }, () => 0);
  expect(live.taken).toEqual(id === null ? [] : [{ id, count: 7, perS: 0 }]);
  expect(live.others).toHaveLength(id === null ? 1 : 0);
});

test('actors count in their state and in those around it', () => {
  const states = { closed: 2, '{"opened":"ajar"}': 3, '{"opened":"wide"}': 4 };
  const live = liveMachine(chart, { kind: 'actors', states, transitions: [] }, () => 0);
  expect(live.actors).toEqual({ closed: 2, opened: 7, 'opened.ajar': 3, 'opened.wide': 4 });
  expect(live.actorsTotal).toBe(9);
});

test('a parallel state is in several places at once', () => {
  expect(leavesOf('{"light":{"on":"dim"},"sound":"off"}')).toEqual(['light.on.dim', 'sound.off']);
});

test.each([null, 7, 'x', [], { states: 7 }, { states: { a: null } }, { states: { a: { on: { go: { target: 7 } } } } }])(
  'whatever comes as a machine, there is a chart: %j',
  (machine) =>
    expect(chartOf('s', 'n', machine).transitions.every(({ from, to }) => typeof from === 'string' && typeof to === 'string')).toBe(true),
);

test('a pattern is drawn as the chart of one of its partial matches, those that part too', () => {
  const charts = (pattern: object): unknown => {
    const job = streamJobSchema.parse({
      apiVersion: 'millrace.dev/v1alpha1',
      kind: 'StreamJob',
      metadata: { name: 'j' },
      spec: {
        sources: [{ name: 's', file: { path: 's.ndjson' }, eventTime: { at: 'event.at' } }],
        stages: [{ name: 'p', from: 's', keyBy: 'event.id', pattern }],
        sinks: [],
      },
    });
    const parts = { ref: { namespace: '-', name: 'j' }, plan: planJob(job, {}), description: null, text: '', language: 'yaml' as const };
    return declaredOf({ ...parts, run: 'r', jaegerUrl: null }).charts.map(({ node, states, transitions }) => ({
      node,
      states: states.map(({ path }) => path),
      lines: transitions.map(({ from, event, to }) => `${from} ${event} ${to}`),
    }));
  };
  const steps = [{ name: 'a', where: 'event.x > 1' }, { name: 'b', contiguity: 'next', where: 'event.x > 2' }, { name: 'c' }];
  expect(charts({ steps, within: '1h' })).toEqual([
    {
      node: 'p',
      states: ['begins', 'open', 'open.a', 'open.b', 'matched', 'ended', 'timedOut'],
      lines: [
        'begins event open.a',
        'begins event ended',
        'open after 1h timedOut',
        'open.a event open.b',
        'open.a event ended',
        'open.b event matched',
      ],
    },
  ]);
  const parting = [
    steps[0]!,
    { name: 'b', where: 'event.x > 2', times: { min: 1 } },
    { name: 'c', contiguity: 'followedByAny', where: 'event.y' },
  ];
  const [chart] = charts({ steps: parting, within: '1h' }) as [{ states: string[]; lines: string[] }];
  expect(chart.states.filter((path) => path.split('.').length === 2)).toEqual(['open.a', 'open.b', 'open.b-2']);
  expect(chart.lines.filter((line) => line.includes('takes'))).toEqual([
    'begins takes a open.a',
    'open.a takes b open.b',
    'open.b.b-2.waiting takes b-2 open.b-2',
    'open.b.c.waiting takes c matched',
    'open.b-2.b-2.waiting takes b-2 open.b-2',
    'open.b-2.c.waiting takes c matched',
  ]);
});
