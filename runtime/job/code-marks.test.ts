import { describe, expect, test } from 'vitest';
import { assign, createMachine, emit, setup } from 'xstate';
import { streamJobSchema, type StreamJob } from '../../crds/stream-job/spec.ts';
import { BadDeclaration } from '../base/issues.ts';
import { cell, count, file, from, job, sum, tumbling } from '../index.ts';
import { readStreamJob } from '../plan/check.ts';
import { stageFingerprints } from '../plan/fingerprint.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';
import { planJob } from '../plan/plan.ts';
import { validateJob } from '../plan/validate.ts';
import { fillMarks, markJob, marksIn, planToJson, stubMarks } from './code-marks.ts';
import { readJobValue } from './job-value.ts';

const above = (limit: number) => (event: { n: number }) => event.n > limit;
const score = (n: number): number => n * 2;
type Row = { readonly id: string; readonly at: number; readonly n: number; readonly type: 'tick' };

const makeDoor = () =>
  setup({
    types: { context: {} as { opened: number }, events: {} as Row, emitted: {} as { type: 'opened'; id: string } },
  }).createMachine({
    context: { opened: 0 },
    initial: 'shut',
    states: {
      shut: { on: { tick: { target: 'open', actions: assign({ opened: ({ context }) => context.opened + 1 }) } } },
      open: {
        initial: 'wide',
        states: { wide: {} },
        on: { tick: { target: 'shut', actions: emit(({ event }) => ({ type: 'opened', id: event.id })) } },
      },
    },
  });

function declare(machine: ReturnType<typeof makeDoor> = makeDoor()): StreamJob {
  return job('marked', (j) => {
    const rows = j.source(
      'rows',
      file<Row>({
        path: 'rows.ndjson',
        schema: { id: 'string', at: 'timestamp', n: 'int', type: 'string' },
        eventTime: { at: 'at', maxOutOfOrder: '1s' },
      } as never),
    );
    const some = rows
      .filter(above(3))
      .map((event) => ({ ...event, n: score(event.n) }))
      .as('some');
    some
      .keyBy('id')
      .window(tumbling('1m'))
      .aggregate({ n: count(), total: sum((event) => event.n) })
      .as('windows')
      .toFile('w.ndjson');
    some
      .filter(above(9))
      .keyBy((event) => event.id)
      .reduce({ init: () => 0, step: (state: number, event) => state + event.n })
      .as('sums')
      .toFile('s.ndjson');
    from(rows).keyBy('id').machine(machine, { order: 'arrival' }).as('doors').output('opened').toFile('d.ndjson');
  }).build();
}

const real = declare();
const marked = markJob(real, 'bundle-1');

/** As the API server hands it out: JSON, fields of mappings sorted, a bundle beside it. */
function stored(value: StreamJob): StreamJob {
  const sorted = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(sorted);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(
      Object.entries(part)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, field]) => [name, sorted(field)]),
    );
  };
  const code = { configMap: 'marked-code', key: 'job.mjs', sha256: 'ab'.repeat(32) };
  return sorted({ ...value, spec: { ...value.spec, code } }) as StreamJob;
}

describe('a marked job', () => {
  test('is plain JSON that the schema takes, with a mark for each code', () => {
    const text = JSON.stringify(marked.job);
    expect(streamJobSchema.parse(JSON.parse(text))).toEqual(marked.job);
    expect(marksIn(marked.job).map(({ path }) => path.slice(3).join('.'))).toEqual([
      'filter',
      'map',
      'aggregate.total.sum',
      'filter',
      'keyBy',
      'reduce.init',
      'reduce.step',
      'xstate.machine',
    ]);
    expect(marked.code.size).toBe(8);
  });

  test('says the states of a machine beside its mark', () => {
    expect(marked.job.spec.stages.find(({ name }) => name === 'doors')!.xstate!.states).toEqual(['shut', 'open', 'open.wide']);
  });

  test('has equal marks in each process that builds it from the same module', () => {
    expect(markJob(declare(), 'bundle-1').job).toEqual(marked.job);
  });

  test('tells apart what was made twice over different values', () => {
    const filters = marked.job.spec.stages.flatMap(({ filter }) => (filter === undefined ? [] : [filter]));
    expect(new Set(filters).size).toBe(2);
  });

  test('has new marks in another module only for code that names anything outside itself', () => {
    const next = markJob(declare(), 'bundle-2');
    const changed = marksIn(next.job)
      .filter(({ mark }) => !marked.code.has(mark))
      .map(({ path }) => path.slice(3).join('.'));
    expect(changed).toEqual(['filter', 'map', 'filter']);
  });

  test('has another mark for a machine whose assign changed', () => {
    const door = makeDoor();
    const other = setup({ types: {} as never }).createMachine({
      ...(door.config as object),
      states: {
        ...(door.config as unknown as { states: object }).states,
        shut: {
          on: {
            tick: { target: 'open', actions: assign({ opened: ({ context }: { context: { opened: number } }) => context.opened + 2 }) },
          },
        },
      },
    } as never);
    const before = marksIn(marked.job).at(-1)!.mark;
    expect(marksIn(markJob(declare(other as never), 'bundle-1').job).at(-1)!.mark).not.toBe(before);
  });
});

describe('without the code', () => {
  const job = stored(marked.job);

  test('the job is read, found valid and planned', () => {
    expect(validateJob(stubMarks(job))).toEqual([]);
    expect(planJob(job, { rows: 1 }).stages.map(({ id }) => id)).toContain('sums');
    expect(readJobValue(JSON.parse(JSON.stringify(job)), null, 'job')).toMatchObject({ kind: 'StreamJob' });
    expect(readStreamJob(JSON.stringify(job), { file: 'job.json', parameters: {} })).toMatchObject({ kind: 'StreamJob' });
  });

  test('the plan has the fingerprints of the plan of the real job', () => {
    const stubs = planJob(marked.job, { rows: 1 });
    const withCode = planJob(real, { rows: 1 });
    expect(stubs.fingerprint).toBe(withCode.fingerprint);
    expect(stageFingerprints(stubs)).toEqual(stageFingerprints(withCode));
  });

  test('calling a stand-in says what is missing', () => {
    const { filter } = stubMarks(job).spec.stages[0]!;
    expect(String(filter)).toMatch(/^@code:/);
    expect(() => (filter as () => unknown)()).toThrow(/only workers load the bundle/);
  });

  test('marks in a job that names no bundle are mistakes, each with its place', () => {
    const bare = { ...job, spec: { ...job.spec, code: undefined } };
    const issues = issuesOf(() => readStreamJob(JSON.stringify(bare), { file: 'job.json', parameters: {} }));
    expect(issues).toHaveLength(8);
    expect(issues[0]).toMatch(/^spec\.stages\[0\]\.filter: "@code:[0-9a-f]{32}" stands for code of a bundle, but the job names none$/);
    expect(issuesOf(() => readJobValue(JSON.parse(JSON.stringify(bare)), null, 'job'))).toHaveLength(8);
  });

  test('a text that looks like a mark is one only where code may stand', () => {
    const description = marksIn(marked.job)[0]!.mark;
    expect(stubMarks({ ...job, spec: { ...job.spec, description } }).spec.description).toBe(description);
  });

  test('in CEL that is no mark nothing changes', () => {
    const plain = readStreamJob(JSON.stringify({ ...bareJob(), spec: { ...bareJob().spec } }), { file: 'job.json', parameters: {} });
    expect(stubMarks(plain)).toBe(plain);
  });
});

describe('a plan as JSON', () => {
  const json = JSON.parse(JSON.stringify(planToJson(planJob(marked.job, { rows: 1 })))) as PhysicalPlan;

  test('gets its code back', () => {
    const plan = fillMarks<PhysicalPlan>(json, marked.code);
    const op = plan.stages.flatMap(({ nodes }) => nodes).find(({ id }) => id === 'some')!.op as never as {
      map: (event: { n: number }) => { n: number };
    };
    expect(op.map({ n: 4 })).toEqual({ n: 8 });
    const filters = plan.stages
      .flatMap(({ nodes }) => nodes)
      .flatMap(({ op: { ...each } }) => (each.kind === 'filter' ? [each.code as (event: { n: number }) => boolean] : []));
    expect(filters.map((filter) => [filter({ n: 5 }), filter({ n: 10 })])).toEqual([
      [true, true],
      [false, true],
    ]);
  });

  test('has one fingerprint as JSON, with stand-ins and with code', () => {
    const filled = fillMarks<PhysicalPlan>(json, markJob(declare(), 'bundle-1').code);
    expect(stageFingerprints(json)).toEqual(stageFingerprints(filled));
    expect(filled.fingerprint).toBe(json.fingerprint);
  });

  test('is refused with the names of what the bundle lacks', () => {
    const [, ...rest] = marked.code;
    expect(() => fillMarks(json, new Map(rest))).toThrow(/^MR1010 .* does not hold @code:[0-9a-f]{32}, which the job names/);
  });

  test('of code that nobody marked is not written', () => {
    const fresh = createMachine({});
    expect(() => planToJson({ code: () => fresh })).toThrow(/has a mark/);
  });
});

function bareJob(): { spec: object } {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'plain' },
    spec: {
      sources: [{ name: 's', file: { path: 'a' } }],
      stages: [{ name: 'm', from: 's', map: 'event' }],
      sinks: [{ name: 'o', from: 'm', file: { path: 'o' } }],
    },
  } as never;
}

function issuesOf(act: () => unknown): readonly string[] {
  try {
    act();
  } catch (error) {
    if (error instanceof BadDeclaration) return error.issues.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

test('functions of a reducer, its end and its cells are marked, and come back', () => {
  const declareCells = (): StreamJob =>
    job('cells', (j) => {
      const rows = j.source('rows', file<Row>({ path: 'rows.ndjson', eventTime: { at: 'at' } } as never));
      rows
        .keyBy('id')
        .reduce(
          {
            cells: { last: cell.value<number>(), sum: cell.reducing<number>((a, b) => a + b) },
            init: () => 0,
            step: (state: number, event) => state + event.n,
            expire: () => undefined,
          },
          { state: { ttl: '1h' } },
        )
        .as('sums')
        .toFile('s.ndjson');
    }).build();
  const whole = declareCells();
  const { job: held, code } = markJob(whole, 'bundle-2');
  expect(marksIn(held)).toHaveLength(4);
  const reduce = held.spec.stages[0]?.reduce;
  for (const code of [reduce?.init, reduce?.step, reduce?.expire, reduce?.cells?.['sum']?.reduce]) expect(code).toMatch(/^@code:/);
  expect(fillMarks(held, code)).toEqual(whole);
});
