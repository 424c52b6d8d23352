import { expect, test } from 'vitest';
import { readStreamJob } from '../runtime/plan/check.ts';
import { planJob } from '../runtime/plan/plan.ts';
import { declaredOf } from './declared.ts';
import { LiveBoard } from './live-board.ts';

const text = `
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: shown }
spec:
  sources:
    - { name: rows, nats: { subjects: [rows.in], stream: rows }, schema: { id: string } }
    - { name: more, nats: { subjects: [more.in], stream: more }, schema: { id: string } }
  stages:
    - { name: sums, from: [rows, more], keyBy: event.id, aggregate: { n: { count: {} } } }
  sinks:
    - { name: out, from: sums, nats: { subject: sums.out, stream: sums } }
`;

test('what waits for a source is what a cluster says of its stream, and is not known where nobody says it', () => {
  const job = readStreamJob(text, { file: 'shown', parameters: {} });
  const plan = planJob(job, {}, { identity: 'a_shown', deadLetterFile: false });
  const ref = { namespace: 'a', name: 'shown' };
  const declared = declaredOf({ ref, plan, description: null, text, language: 'yaml', run: 'r', jaegerUrl: null });
  const board = new LiveBoard({ plan, declared, isolation: 'process', startMs: 0 });
  const phase = { name: 'Running', tone: 'good', message: null } as const;
  // Of other stages the reports of workers are newer.
  const { stages } = board.live(phase, 0, 0, [], new Map([['rows', 12], ['sums', 99]])); // prettier-ignore
  const lags = Object.fromEntries(stages.map(({ id, lagEvents }) => [id, lagEvents]));
  expect(lags).toMatchObject({ rows: 12, more: null, sums: 0 });
  expect(board.live(phase, 0, 1).stages.find(({ id }) => id === 'rows')?.lagEvents).toBeNull();
});

test('what happened before stands behind what happens under a new plan', () => {
  const job = readStreamJob(text, { file: 'shown', parameters: {} });
  const plan = planJob(job, {}, { identity: 'a_shown', deadLetterFile: false });
  const ref = { namespace: 'a', name: 'shown' };
  const declared = declaredOf({ ref, plan, description: null, text, language: 'yaml', run: 'r', jaegerUrl: null });
  const before = new LiveBoard({ plan, declared, isolation: 'process', startMs: 0 });
  before.note({ atMs: 1, kind: 'moved', text: 'first' });
  const after = new LiveBoard({ plan, declared, isolation: 'process', startMs: 0, timeline: before.timeline });
  after.note({ atMs: 2, kind: 'note', text: 'second' });
  expect(after.timeline.map((entry) => entry.text)).toEqual(['second', 'first']);
  expect(before.timeline.map((entry) => entry.text)).toEqual(['first']);
});
