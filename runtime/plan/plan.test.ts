import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { streamJobSchema, type StageSpec, type StreamJob } from '../../crds/stream-job/spec.ts';
import { BadDeclaration } from '../base/issues.ts';
import { readStreamJob } from './check.ts';
import type { PhysicalPlan, StagePlan } from './physical-plan.ts';
import { planJob } from './plan.ts';

const flights = readStreamJob(readFileSync(new URL('../../examples/flights/stream-job.yaml', import.meta.url), 'utf8'), {
  file: 'flights',
  parameters: {},
});

/** `nodes` with their inputs, edges by id: `hourly<flights/key:origin→hourly`. */
function draw(plan: PhysicalPlan, stage: StagePlan): string {
  const nodes = stage.nodes.map(({ id, inputs }) => {
    const from = inputs.map((input) => {
      const text =
        input.kind === 'edge'
          ? (plan.edges[input.edge]?.id ?? '?')
          : [input.from.node, ...(input.from.output === null ? [] : [input.from.output])].join('.');
      return input.side === 'right' ? `${text}(right)` : text;
    });
    return from.length === 0 ? id : `${id} < ${from.join(', ')}`;
  });
  return `${stage.id} ${stage.kind} x${stage.partitionCount}: ${nodes.join('; ')}`;
}

function drawStages(plan: PhysicalPlan): readonly string[] {
  return plan.stages.filter(({ kind }) => kind !== 'sink').map((stage) => draw(plan, stage));
}

/** A job of `stages`, with timed sources s and t and a sink for each stage that says `!` before its name. */
function jobOf(stages: readonly Readonly<Record<string, unknown>>[], sinks: readonly Readonly<Record<string, unknown>>[] = []): StreamJob {
  const eventTime = { at: 'event.at' };
  return streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: {
      sources: [
        { name: 's', file: { path: 's.ndjson' }, eventTime },
        { name: 't', file: { path: 't.ndjson' }, eventTime },
      ],
      stages,
      sinks,
    },
  });
}

const COUNT = { aggregate: { n: { count: {} } } };

describe('the flights job', () => {
  const plan = planJob(flights, { flights: 1 });

  test('its stages, with what runs in them', () => {
    expect(drawStages(plan)).toMatchInlineSnapshot(`
      [
        "flights source x1: flights; flights/time < flights; hourly/key < flights/time; movements < flights/time; timed < movements; enriched < timed; aircraft/filter < enriched; aircraft/key < aircraft/filter; sessions/filter < enriched; sessions/key < sessions/filter",
        "hourly keyed x8: hourly < flights/key:origin→hourly; sliding < flights/key:origin→hourly",
        "aircraft keyed x8: aircraft/order < flights/key:tailnum→aircraft; aircraft < aircraft/order",
        "sessions keyed x8: sessions < flights/key:tailnum→sessions",
      ]
    `);
  });

  test('windows know their key, machines wait for event time', () => {
    const ops = plan.stages.flatMap(({ nodes }) => nodes).map(({ op }) => op);
    expect(
      ops.filter(({ kind }) => kind === 'window').map((op) => ('keyNames' in op ? [...op.keyNames, 'late' in op && op.late] : [])),
    ).toEqual([
      ['origin', 'deadLetter'],
      ['origin', 'deadLetter'],
      ['tailnum', 'deadLetter'],
    ]);
    expect(ops.filter(({ kind }) => kind === 'order')).toHaveLength(1);
  });

  test('all sinks share one stream, dead letters have their own', () => {
    expect(plan.streams).toEqual([
      'MR_flights_flights',
      'MR_flights_hourly',
      'MR_flights_aircraft',
      'MR_flights_sessions',
      'MR_flights_sinks',
      'MR_flights_dead',
    ]);
    expect(plan.stages.filter(({ stream }) => stream === 'MR_flights_dead').map(({ id }) => id)).toEqual([
      'dead-letters',
      'dead-letters-subject',
    ]);
  });

  test('every stage but the two of the dead letters sends its dead letters to both', () => {
    const dead = plan.edges.filter(({ from }) => from.node === '*');
    const senders = plan.stages.filter(({ id }) => !id.startsWith('dead-letters')).map(({ id }) => id);
    for (const to of ['dead-letters', 'dead-letters-subject'])
      expect(dead.filter(({ toStage }) => toStage === to).map(({ fromStage }) => fromStage)).toEqual(senders);
  });

  test('it is plain data: workers read it from JSON', () => {
    expect(JSON.parse(JSON.stringify(plan))).toStrictEqual(plan);
  });
});

describe('where a stage runs', () => {
  test.each([
    {
      fact: 'stateless neighbours run in the stage of their input',
      stages: [
        { name: 'a', from: 's', filter: 'true' },
        { name: 'b', from: 'a', map: 'event', filter: 'true' },
      ],
      draws: ['s source x1: s; s/time < s; a < s/time; b/filter < a; b < b/filter', 't source x1: t; t/time < t'],
    },
    {
      fact: 'what is stateless behind a key stays with that key',
      stages: [
        { name: 'k', from: 's', keyBy: 'event.id', ...COUNT },
        { name: 'm', from: 'k', map: 'event' },
      ],
      draws: ['s source x1: s; s/time < s; k/key < s/time', 't source x1: t; t/time < t', 'k keyed x8: k < s/key:id→k; m < k'],
    },
    {
      fact: 'equal keys of one output share key, exchange and stage, whatever stands between them',
      stages: [
        { name: 'k', from: 's', keyBy: 'event.id', ...COUNT },
        { name: 'x', from: 's', keyBy: 'event.other', ...COUNT },
        { name: 'l', from: 's', keyBy: 'event.id', dedupe: { ttl: '1h' } },
      ],
      draws: [
        's source x1: s; s/time < s; k/key < s/time; x/key < s/time',
        't source x1: t; t/time < t',
        'k keyed x8: k < s/key:id→k; l < s/key:id→k',
        'x keyed x8: x < s/key:other→x',
      ],
    },
    {
      fact: 'other partitions, or a filter before the key, make an exchange of their own; an equal key node is shared where it can be',
      stages: [
        { name: 'k', from: 's', keyBy: 'event.id', ...COUNT },
        { name: 'p', from: 's', keyBy: 'event.id', partitions: 2, ...COUNT },
        { name: 'f', from: 's', filter: 'true', keyBy: 'event.id', ...COUNT },
      ],
      draws: [
        's source x1: s; s/time < s; k/key < s/time; f/filter < s/time; f/key < f/filter',
        't source x1: t; t/time < t',
        'k keyed x8: k < s/key:id→k',
        'p keyed x2: p < s/key:id→p',
        'f keyed x8: f < s/key:id→f',
      ],
    },
    {
      fact: 'a stateless stage of inputs in several stages runs in each of them, and a key behind it joins them',
      stages: [
        { name: 'u', from: ['s', 't'], map: 'event' },
        { name: 'k', from: 'u', keyBy: 'event.id', ...COUNT },
      ],
      draws: [
        's source x1: s; s/time < s; u < s/time; k/key < u',
        't source x1: t; t/time < t; u < t/time; k/key < u',
        'k keyed x8: k < s/key:id→k, t/key:id→k',
      ],
    },
    {
      fact: 'a join has an exchange for each side; the right one keyed its own way',
      stages: [{ name: 'o', from: 's', keyBy: 'event.id', join: { with: 't', key: 'event.ref', within: '1h' } }],
      draws: [
        's source x1: s; s/time < s; o/key < s/time',
        't source x1: t; t/time < t; o/key-right < t/time',
        'o keyed x8: o < s/key:id→o, t/key-right:ref→o(right)',
      ],
    },
    {
      fact: 'a join of a stream with itself by one key needs one exchange',
      stages: [{ name: 'o', from: 's', keyBy: 'event.id', join: { with: 's', within: '1h' } }],
      draws: ['s source x1: s; s/time < s; o/key < s/time', 't source x1: t; t/time < t', 'o keyed x8: o < s/key:id→o, s/key:id→o(right)'],
    },
    {
      fact: 'a join of a stream with itself by two keys needs two',
      stages: [{ name: 'o', from: 's', keyBy: 'event.id', join: { with: 's', key: 'event.parent', within: '1h' } }],
      draws: [
        's source x1: s; s/time < s; o/key < s/time; o/key-right < s/time',
        't source x1: t; t/time < t',
        'o keyed x8: o < s/key:id→o, s/key-right:parent→o(right)',
      ],
    },
    {
      fact: 'stages are placed after what they read, wherever they stand in the file',
      stages: [
        { name: 'b', from: 'a', map: 'event' },
        { name: 'a', from: 's', filter: 'true' },
      ],
      draws: ['s source x1: s; s/time < s; a < s/time; b < a', 't source x1: t; t/time < t'],
    },
  ])('$fact', ({ stages, draws }) => expect(drawStages(planJob(jobOf(stages), {}))).toEqual(draws));

  test('functions are equal when they are the same function, not when they look the same', () => {
    const by = (name: string) => (event: Record<string, unknown>) => event[name];
    const [id, other] = [by('id'), by('other')];
    const plan = planJob(
      jobOf([
        { name: 'a', from: 's', keyBy: id, ...COUNT },
        { name: 'b', from: 's', keyBy: id, ...COUNT },
        { name: 'c', from: 's', keyBy: other, ...COUNT },
      ]),
      {},
    );
    expect(plan.stages.filter(({ kind }) => kind === 'keyed').map(({ nodes }) => nodes.map((node) => node.id))).toEqual([
      ['a', 'b'],
      ['c'],
    ]);
  });
});

describe('late events', () => {
  const window = { name: 'w', from: 's', keyBy: 'event.id', window: { tumbling: { size: '1h' } }, ...COUNT };
  const machine = {
    name: 'm',
    from: 's',
    keyBy: 'event.id',
    machine: { order: 'eventTime', initial: 'a', states: { a: { entry: [{ emit: { output: 'o', value: 'event' } }] } } },
  };

  test.each([
    { fact: 'become dead letters where nothing reads them', stages: [window], node: 'w', late: 'deadLetter' },
    {
      fact: 'go to the output where something does',
      stages: [window, { name: 'x', from: 'w.late', map: 'event' }],
      node: 'w',
      late: 'output',
    },
    {
      fact: 'of a machine come out of the transform that orders its events',
      stages: [machine, { name: 'x', from: 'm.late', map: 'event' }],
      node: 'm/order',
      late: 'output',
    },
    {
      fact: 'of joins can be read',
      stages: [
        { name: 'o', from: 's', keyBy: 'event.id', join: { with: 't', within: '1h' } },
        { name: 'x', from: 'o.late', map: 'event' },
      ],
      node: 'o',
      late: 'output',
    },
  ])('$fact', ({ stages, node, late }) => {
    const nodes = planJob(jobOf(stages), {}).stages.flatMap((stage) => stage.nodes);
    expect(nodes.find(({ id }) => id === node)?.op).toMatchObject({ late });
    if (late === 'output')
      expect(nodes.find(({ id }) => id === 'x')?.inputs).toEqual([{ kind: 'node', from: { node, output: 'late' }, side: 'left' }]);
  });
});

describe('sinks', () => {
  test('a sink of several outputs is one stage with an edge from each', () => {
    const plan = planJob(
      jobOf([{ name: 'a', from: 's', map: 'event' }], [{ name: 'out', from: ['a', 's', 't'], file: { path: 'o' } }]),
      {},
    );
    expect(plan.stages.filter(({ id }) => id === 'out').map((stage) => draw(plan, stage))).toEqual([
      'out sink x1: out < s/a→out, s→out, t→out',
    ]);
  });

  test('a journal sink is an edge that no stage reads', () => {
    const plan = planJob(jobOf([{ name: 'a', from: 's', map: 'event' }], [{ name: 'out', from: 'a', journal: {} }]), {});
    expect(plan.edges[0]).toMatchObject({
      id: 's/a→sink:out',
      fromStage: 's',
      from: { node: 'a', output: null },
      toStage: 'sink:out',
      partitioning: 'single',
    });
    expect(plan.stages.map(({ id }) => id)).toEqual(['s', 't', 'dead-letters', 'dead-letters-subject']);
  });
});

describe('partitions of a source', () => {
  test.each([
    { fact: 'are its splits', splits: { s: 3 }, count: 3 },
    { fact: 'are one for a file that nobody has looked at', splits: {}, count: 1 },
  ])('$fact', ({ splits, count }) => expect(planJob(jobOf([]), splits).stages[0]?.partitionCount).toBe(count));
});

test('a job with mistakes is not planned', () => {
  expect(() => planJob(jobOf([{ name: 'a', from: 'nothing', map: 'event' }]), {})).toThrow(BadDeclaration);
});

describe('ids stay', () => {
  const stages = [
    { name: 'a', from: 's', filter: 'event.x > 1' },
    { name: 'k', from: 'a', keyBy: 'event.id', ...COUNT },
    { name: 'l', from: 'a', keyBy: 'event.id', ...COUNT },
    { name: 'm', from: 'k', map: 'event' },
  ];
  const sinks = [{ name: 'out', from: 'm', file: { path: 'out.ndjson' } }];
  const before = idsOf(planJob(jobOf(stages, sinks), {}));

  test.each([
    { fact: 'when a stateless stage is added at the front', added: { name: 'new', from: 's', map: 'event' }, at: 0 },
    {
      fact: 'when a stage with a key of its own is added at the front',
      added: { name: 'new', from: 'a', keyBy: 'event.other', ...COUNT },
      at: 0,
    },
    {
      fact: 'when a stage that shares an exchange is added behind it',
      added: { name: 'new', from: 'a', keyBy: 'event.id', ...COUNT },
      at: 4,
    },
  ])('$fact', ({ added, at }) => {
    const after = idsOf(planJob(jobOf(stages.toSpliced(at, 0, added as (typeof stages)[number]), sinks), {}));
    expect(before.filter((id) => !after.includes(id))).toEqual([]);
  });
});

function idsOf({ stages, edges, streams }: PhysicalPlan): readonly string[] {
  return [
    ...stages.flatMap(({ id, nodes, subjectPrefix }) => [id, subjectPrefix, ...nodes.map((node) => `${id}:${node.id}`)]),
    ...edges.map(({ id }) => id),
    ...streams,
  ];
}

describe('any small graph', () => {
  /** Stage i reads sources or stages before it. */
  const stageAt = (i: number): fc.Arbitrary<Partial<StageSpec>> => {
    const from = fc.uniqueArray(fc.constantFrom('s', 't', ...Array.from({ length: i }, (_, k) => `n${k}`)), { minLength: 1, maxLength: 3 });
    const what = fc.constantFrom<Record<string, unknown>>(
      { map: 'event' },
      { filter: 'true' },
      { filter: 'true', flatMap: '[event]' },
      { keyBy: 'event.id', ...COUNT },
      { keyBy: 'event.id', dedupe: { ttl: '1h' } },
      { filter: 'true', keyBy: { a: 'event.id', b: 'event.x' }, window: { session: { gap: '1h' } }, ...COUNT },
      { keyBy: 'event.id', partitions: 3, join: { with: 's', within: '1h' } },
      { keyBy: 'event.id', pattern: { steps: [{ name: 'a' }, { name: 'b', contiguity: 'next' }] } },
      { keyBy: 'event.id', join: { with: i > 0 ? 'n0' : 't', key: 'event.x', within: '1h' } },
    );
    return fc.tuple(from, what).map(([inputs, verb]) => ({ name: `n${i}`, from: inputs, ...verb }) as Partial<StageSpec>);
  };
  const jobs = fc
    .tuple(fc.tuple(...Array.from({ length: 7 }, (_, i) => stageAt(i))), fc.integer({ min: 0, max: 7 }))
    .map(([stages, length]) => stages.slice(0, length))
    .map((stages) =>
      jobOf(
        stages,
        stages.map(({ name }) => ({ name: `${name}-out`, from: name, file: { path: `${name}.ndjson` } })),
      ),
    );

  test('has a plan in which everything is read after it is written, and every event arrives', () => {
    fc.assert(
      fc.property(jobs, (job) => {
        const plan = planJob(withoutTypes(job), {});
        checkOrder(plan);
        checkEdges(plan);
        checkUnique(plan);
        checkSinksAreFed(plan);
      }),
      { numRuns: 150 },
    );
  });
});

/** Fields are not known in these graphs (a count has no `id`): functions in the place of codes ask for none. */
function withoutTypes(job: StreamJob): StreamJob {
  const id = (event: unknown): unknown => event;
  const stages = job.spec.stages.map((stage) => ({
    ...stage,
    ...(typeof stage.keyBy === 'string' ? { keyBy: id } : {}),
    ...(typeof stage.keyBy === 'object' ? { keyBy: { a: id, b: id } } : {}),
    ...(stage.join === undefined ? {} : { join: { ...stage.join, ...(stage.join.key === undefined ? {} : { key: id }) } }),
  }));
  return { ...job, spec: { ...job.spec, stages } };
}

function checkOrder({ stages, edges }: PhysicalPlan): void {
  stages.forEach((stage, i) => {
    expect(stage.index).toBe(i);
    for (const index of stage.inputs) expect(stages.findIndex(({ id }) => id === edges[index]!.fromStage)).toBeLessThan(i);
    stage.nodes.forEach((node, n) => {
      for (const input of node.inputs)
        if (input.kind === 'node')
          expect(stage.nodes.findIndex(({ id }) => id === input.from.node)).toSatisfy((place: number) => place >= 0 && place < n);
    });
  });
}

function checkEdges({ stages, edges }: PhysicalPlan): void {
  edges.forEach((edge, i) => {
    expect(edge.index).toBe(i);
    const from = stages.find(({ id }) => id === edge.fromStage)!;
    const to = stages.find(({ id }) => id === edge.toStage)!;
    expect(from.outputs).toContain(i);
    expect(to.inputs).toContain(i);
    if (edge.from.node !== '*') expect(from.nodes.map(({ id }) => id)).toContain(edge.from.node);
    expect(edge.partitioning).toBe(to.kind === 'keyed' ? 'key' : 'single');
    expect(from.nodes.find(({ id }) => id === edge.from.node)?.op.kind === 'keyBy').toBe(to.kind === 'keyed');
    expect(to.nodes.some(({ inputs }) => inputs.some((input) => input.kind === 'edge' && input.edge === i))).toBe(true);
  });
}

function checkUnique({ stages, edges }: PhysicalPlan): void {
  const lists = [stages.map(({ id }) => id), edges.map(({ id }) => id), ...stages.map(({ nodes }) => nodes.map(({ id }) => id))];
  for (const ids of lists) expect(new Set(ids).size).toBe(ids.length);
}

/** Going back from every sink one comes to a source, along every input. */
function checkSinksAreFed({ stages, edges }: PhysicalPlan): void {
  for (const stage of stages) {
    if (stage.kind !== 'source') expect(stage.inputs.length).toBeGreaterThan(0);
    for (const node of stage.nodes) if (node.op.kind !== 'source') expect(node.inputs.length).toBeGreaterThan(0);
  }
  expect(edges.length).toBeGreaterThan(0);
}
