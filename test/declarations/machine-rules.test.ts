// The rules on machines against the thing itself: what validate accepts, XState takes; what it refuses for a target or an
// initial state, XState refuses too, or would silently never do.

import fc from 'fast-check';
import { createMachine } from 'xstate';
import { expect, test } from 'vitest';
import { type MachineState } from '../../crds/stream-job/machine.ts';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { graphOf } from '../../runtime/plan/job-graph.ts';
import { checkMachines } from '../../runtime/plan/rules-machine.ts';

const KEYS = ['a', 'b', 'c'];
const target = fc.oneof(
  fc.constantFrom(...KEYS),
  fc.constantFrom(...KEYS.map((key) => `.${key}`)),
  fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom(...KEYS)).map((keys) => keys.join('.')),
  fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom(...KEYS)).map((keys) => `#machine.${keys.join('.')}`),
  fc.constantFrom('#machine.a', '#other.a'),
);
const on = fc.option(fc.dictionary(fc.constantFrom('x', 'y'), target, { maxKeys: 2 }), { nil: undefined });

function state(depth: number): fc.Arbitrary<MachineState> {
  if (depth === 0) return fc.record({ on }, { requiredKeys: [] });
  const states = fc.option(fc.dictionary(fc.constantFrom(...KEYS), state(depth - 1), { minKeys: 1, maxKeys: 3 }), { nil: undefined });
  const type = fc.constantFrom<MachineState['type']>(undefined, undefined, undefined, 'parallel');
  return fc.record({ on, states, type, place: fc.nat(8) }).map(({ states: children, type: kind, place, ...rest }) => ({
    ...rest,
    ...(children === undefined ? {} : { states: children }),
    ...(kind === undefined || children === undefined ? initialOf(children, place) : { type: kind }),
  }));
}

/** Most often the name of a child, as it should be. */
function initialOf(children: Record<string, MachineState> | undefined, place: number): { initial?: string } {
  const names = Object.keys(children ?? {});
  const initial = place === 8 ? 'a' : names[place % Math.max(1, names.length)];
  return initial === undefined ? {} : { initial };
}
const machines = state(2).filter(({ states }) => states !== undefined);

function issuesOf(machine: MachineState): readonly string[] {
  const job = streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: { sources: [{ name: 's', file: { path: 's.ndjson' } }], stages: [{ name: 'm', from: 's', keyBy: 'event.id', machine }] },
  });
  return checkMachines(graphOf(job)).map(({ path, message }) => `${path}: ${message}`);
}

/** Makes the machine and every transition and initial state in it (XState does so only when they are first met). */
function refusalOf(machine: MachineState): string | null {
  const config = JSON.parse(JSON.stringify({ ...machine, id: 'machine' })) as never;
  try {
    const visit = (node: { states: Record<string, unknown>; transitions: unknown; initial: unknown; type: string }): void => {
      void node.transitions;
      if (node.type === 'compound') void node.initial;
      for (const child of Object.values(node.states)) visit(child as Parameters<typeof visit>[0]);
    };
    visit(createMachine(config).root as never);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test('XState takes every machine without issues', () => {
  let accepted = 0;
  fc.assert(
    fc.property(machines, (machine) => {
      if (issuesOf(machine).length > 0) return;
      accepted++;
      expect(refusalOf(machine)).toBeNull();
    }),
    { numRuns: 3000 },
  );
  expect(accepted).toBeGreaterThan(100);
});

test('a target that leads nowhere for us does so for XState', () => {
  let refused = 0;
  fc.assert(
    fc.property(machines, (machine) => {
      const issues = issuesOf(machine);
      if (issues.length === 0 || !issues.every((issue) => issue.includes('leads to no state'))) return;
      refused++;
      expect(refusalOf(machine)).not.toBeNull();
    }),
    { numRuns: 3000 },
  );
  expect(refused).toBeGreaterThan(100);
});
