import { describe, expect, test } from 'vitest';
import { streamJobSchema, type StreamJob } from '../../crds/stream-job/spec.ts';
import { explainPlan } from './explain.ts';
import { stageFingerprints } from './fingerprint.ts';
import { liveOutputs, type PhysicalPlan } from './physical-plan.ts';
import { planJob } from './plan.ts';

type Spec = Readonly<Record<string, unknown>>;
const WINDOW: Spec = { name: 'w', from: 's', keyBy: 'event.id', window: { tumbling: { size: '1h' } }, aggregate: { n: { count: {} } } };
const MAP: Spec = { name: 'm', from: 's', map: 'event' };
const out = (name: string, from: string): Spec => ({ name, from, nats: { subject: `out.${name}` } });

function jobOf(stages: readonly Spec[], sinks: readonly Spec[]): StreamJob {
  return streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: { sources: [{ name: 's', nats: { subjects: ['in'] }, eventTime: { at: 'event.at' } }], stages, sinks },
  });
}

const plan = (job: StreamJob, before: PhysicalPlan | null = null): PhysicalPlan =>
  planJob(job, { s: 1 }, { identity: 'ns_j', deadLetterFile: false, before });
const live = ({ edges }: PhysicalPlan): readonly string[] =>
  edges.filter(({ retired }) => retired !== true).map(({ index, id }) => `${index} ${id}`);
const gone = ({ edges }: PhysicalPlan): readonly string[] =>
  edges.filter(({ retired }) => retired === true).map(({ index, id }) => `${index} ${id}`);
const stageOf = ({ stages }: PhysicalPlan, id: string): PhysicalPlan['stages'][number] => stages.find((stage) => stage.id === id)!;

describe('a plan for a cluster', () => {
  const cluster = plan(jobOf([WINDOW], [out('a', 'w')]));

  test('has the identity in streams, subjects, its name and the subject of dead letters', () => {
    expect([cluster.job, ...cluster.streams]).toEqual(['ns_j', 'MR_ns_j_s', 'MR_ns_j_w', 'MR_ns_j_sinks', 'MR_ns_j_dead']);
    expect(stageOf(cluster, 'w').subjectPrefix).toBe('mr.ns_j.w');
    expect(stageOf(cluster, 'dead-letters-subject').nodes[0]!.op).toMatchObject({ spec: { nats: { subject: 'ns_j.dead-letters' } } });
  });

  test('has no file for dead letters', () => {
    expect(cluster.stages.map(({ id }) => id)).toEqual(['s', 'w', 'a', 'dead-letters-subject']);
  });

  test('planned without options is what it was: name, file and all', () => {
    const local = planJob(jobOf([WINDOW], [out('a', 'w')]), { s: 1 });
    expect([local.job, local.stages.at(-2)!.id]).toEqual(['j', 'dead-letters']);
    expect(local.fingerprint).toBe('c375302e5849ca384c48a8d6862100b88693ccc552056a9e1598bf4961b65e95');
  });
});

describe('numbers of exchanges', () => {
  const first = plan(jobOf([WINDOW, MAP], [out('a', 'w'), out('b', 'm')]));

  test('of the same job planned again are the same', () => {
    expect(plan(jobOf([WINDOW, MAP], [out('a', 'w'), out('b', 'm')]), first)).toEqual(first);
  });

  test('stay when stages come before and sinks are declared in another order; new ones are above all', () => {
    const before = { name: 'early', from: 's', keyBy: 'event.x', aggregate: { n: { count: {} } } };
    const next = plan(jobOf([before, WINDOW, MAP], [out('c', 'early'), out('b', 'm'), out('a', 'w')]), first);
    expect(live(next).slice(0, first.edges.length)).toEqual(live(first));
    expect(
      live(next)
        .slice(first.edges.length)
        .map((text) => text.replace(/^\d+ /, '')),
    ).toEqual(['s/key:x→early', 'early→c', 'early.dead→dead-letters-subject', 'c.dead→dead-letters-subject']);
    expect(gone(next)).toEqual([]);
  });

  test('of exchanges that are gone are retired, and keep their place among the outputs of their stage', () => {
    const next = plan(jobOf([WINDOW], [out('a', 'w')]), first);
    expect(gone(next)).toEqual(
      [first.edges.find(({ id }) => id === 's/m→b')!, first.edges.find(({ id }) => id === 'b.dead→dead-letters-subject')!].map(
        ({ index, id }) => `${index} ${id}`,
      ),
    );
    expect(stageOf(next, 's').outputs).toEqual(stageOf(first, 's').outputs);
    expect(liveOutputs(next, stageOf(next, 's')).map(({ id }) => id)).toEqual(['s/key:id→w', 's.dead→dead-letters-subject']);
  });

  test('of exchanges that come back are new', () => {
    const without = plan(jobOf([WINDOW], [out('a', 'w')]), first);
    const again = plan(jobOf([WINDOW, MAP], [out('a', 'w'), out('b', 'm')]), without);
    expect(gone(again)).toEqual(gone(without));
    expect(again.edges.filter(({ id }) => id === 's/m→b').map(({ index, retired }) => [index, retired ?? false])).toEqual([
      [first.edges.find(({ id }) => id === 's/m→b')!.index, true],
      [first.edges.length, false],
    ]);
    expect(stageOf(again, 's').outputs.length).toBe(stageOf(first, 's').outputs.length + 1);
  });

  test('are what nodes and stages refer to', () => {
    const next = plan(
      jobOf([{ name: 'early', from: 's', keyBy: 'event.x', aggregate: { n: { count: {} } } }, WINDOW], [out('c', 'early'), out('a', 'w')]),
      first,
    );
    next.edges.forEach((edge, place) => expect(edge.index).toBe(place));
    for (const { id, inputs, nodes } of next.stages) {
      expect(inputs.map((index) => next.edges[index]!.toStage)).toEqual(inputs.map(() => id));
      const read = nodes.flatMap((node) => node.inputs.flatMap((input) => (input.kind === 'edge' ? [input.edge] : [])));
      expect(new Set(read)).toEqual(new Set(inputs));
    }
  });

  test('are no part of what a stage is', () => {
    const job = jobOf([{ name: 'early', from: 's', keyBy: 'event.x', aggregate: { n: { count: {} } } }, WINDOW], [out('a', 'w')]);
    expect(stageFingerprints(plan(job, first))['w']).toBe(stageFingerprints(plan(job))['w']);
  });

  test('that are retired are shown to nobody', () => {
    const next = plan(jobOf([WINDOW], [out('a', 'w')]), first);
    for (const format of ['text', 'json', 'mermaid'] as const) expect(explainPlan(next, format)).not.toMatch(/\bb\b.*dead|m→b|→b|n_b\b/);
  });
});
