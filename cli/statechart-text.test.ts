import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { machineSchema } from '../crds/stream-job/machine.ts';
import { streamJobSchema } from '../crds/stream-job/spec.ts';
import { planJob } from '../runtime/plan/plan.ts';
import type { PhysicalPlan } from '../runtime/plan/physical-plan.ts';
import { statechartText } from './statechart-text.ts';

function planned(...stages: readonly object[]): PhysicalPlan {
  const job = streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: { sources: [{ name: 's', file: { path: 's.ndjson' }, eventTime: { at: 'event.at' } }], stages, sinks: [] },
  });
  return planJob(job, {});
}

const steps = [
  { name: 'a', where: 'event.x > 1' },
  { name: 'b', where: 'event.x > size(matched.a)' },
];
const plan = planned(
  { name: 'p', from: 's', keyBy: 'event.id', pattern: { steps, within: '1h' } },
  { name: 'f', from: 's', filter: 'true' },
);

test('a pattern whose runs never part is printed as a machine that may be declared as it is', () => {
  const machine = machineSchema.parse(parse(statechartText(plan, 'p')));
  expect(machine.states['open']?.states?.['a']?.on?.['event']).toMatchObject([
    { target: '#machine.matched', guard: '(event.x > size(context.matched.a)) && (timeMs - context.startMs < 3600000.0)' },
  ]);
});

test('a machine is printed as it was declared, functions by their names', () => {
  const machine = { initial: 'x', states: { x: { on: { go: { target: 'x', guard: function late() {} } } } } };
  const text = statechartText(planned({ name: 'm', from: 's', keyBy: 'event.id', machine }), 'm');
  expect(parse(text)).toMatchObject({ states: { x: { on: { go: { guard: 'code: late' } } } } });
});

test('what has no statechart is refused, with those that have one', () => {
  expect(() => statechartText(plan, 'f')).toThrow(
    expect.objectContaining({ issues: [expect.objectContaining({ fix: 'one of p' })] }) as Error,
  );
});
