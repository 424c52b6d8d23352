import { describe, expect, test } from 'vitest';
import { machineSchema } from '../../../crds/stream-job/machine.ts';
import type { MigrationSpec } from '../../../crds/stream-job/state.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeTransform } from '../make-transform.ts';

type Event = { readonly n: number };

/** Each start of the task has the next of these declarations. */
function harness(...ops: readonly OpPlan[]): StepHarness {
  const rest = [...ops];
  return new StepHarness({ make: () => makeTransform({ id: 'node', inputs: [], op: rest.shift() as OpPlan }) });
}

const reduce = (init: unknown, step: (state: never, event: Event) => unknown, migrate?: readonly MigrationSpec[]): OpPlan =>
  ({ kind: 'reduce', init: () => init, step, ...(migrate === undefined ? {} : { migrate }) }) as OpPlan;
/** Version 1: a number. 2: a record. 3: its field renamed and split. */
const TO_2: MigrationSpec = { from: 1, to: 2, state: (sum: number) => ({ sum }) };
const TO_3: MigrationSpec = { from: 2, to: 3, state: '{ "total": state.sum, "of": key }' };
const V1 = reduce(0, (state: number, { n }) => state + n);
const V2 = reduce({ sum: 0 }, ({ sum }: { sum: number }, { n }) => ({ sum: sum + n }), [TO_2]);
const V3 = reduce({ total: 0, of: '' }, ({ total, of }: { total: number; of: string }, { n }) => ({ total: total + n, of }), [TO_2, TO_3]);

const stateOf = (played: StepHarness, key: string): unknown => played.state.cells('node').get(0, key);

describe('K1 typed migrations of state', () => {
  test('state of the first version becomes that of the third, in one go, by functions and CEL, rename and split', () => {
    const played = harness(V1, V3).play('a1=5 b2=7 R a3=1');
    expect([stateOf(played, 'a'), stateOf(played, 'b')]).toEqual([
      { total: 6, of: 'a' },
      { total: 7, of: 'b' },
    ]);
  });

  test('or version by version, and never twice', () => {
    const played = harness(V1, V2, V2, V3, V3).play('a1=5 R R a3=1 R R a4=1');
    expect(stateOf(played, 'a')).toEqual({ total: 7, of: 'a' });
  });

  test('state that begins with a later version is of it', () => {
    const played = harness(V2, V3).play('a1=5 R a2=1');
    expect(stateOf(played, 'a')).toEqual({ total: 6, of: 'a' });
    expect(played.deadLetters).toEqual([]);
  });

  test('a key that comes after the migration has no part in it', () => {
    expect(stateOf(harness(V1, V3).play('a1=5 R b3=1'), 'b')).toEqual({ total: 1, of: '' });
  });

  test('context of machines, with the state that it is in', () => {
    const machine = (context: Record<string, unknown>, assign: Record<string, string>, migrate?: readonly MigrationSpec[]): OpPlan => ({
      kind: 'machine',
      spec: machineSchema.parse({ eventType: "'add'", context, initial: 'on', states: { on: { on: { add: { actions: [{ assign }] } } } } }),
      ...(migrate === undefined ? {} : { migrate }),
    });
    const old = machine({ n: 0 }, { n: 'context.n + event.n' });
    const next = machine({ total: 0 }, { total: 'context.total + event.n' }, [
      { from: 1, to: 2, state: '{ "total": context.n, "was": state, "of": key }' },
    ]);
    const played = harness(old, next).play('a1=5 R a2=1');
    expect(stateOf(played, 'a')).toMatchObject({ value: 'on', context: { total: 6, was: 'on', of: 'a' } });
  });
});

describe('a start is refused with the reason', () => {
  test.each([
    {
      fact: 'where state is newer than the code',
      ops: [V3, V2],
      says: /^MR2110 StateVersionUnknown: node: its state is of version 3, and the declaration leads from 1 to 2; nothing was changed$/,
    },
    {
      fact: 'where no migration begins at its version',
      ops: [V1, reduce({}, (state: object) => state, [{ from: 4, to: 5, state: 'state' }])],
      says: 'its state is of version 1, and the declaration leads from 4 to 5',
    },
    {
      fact: 'where a migration fails for a key',
      ops: [V1, reduce({}, (state: object) => state, [{ from: 1, to: 2, state: 'state.sum.missing' }])],
      says: "its state of version 1 of key a can't be migrated",
    },
    {
      fact: 'where a migration gives nothing',
      ops: [V1, reduce({}, (state: object) => state, [{ from: 1, to: 2, state: () => undefined }])],
      says: 'it gave no state',
    },
  ])('$fact', ({ ops, says }) => {
    const played = harness(...ops).play('a1=5');
    expect(() => played.restart()).toThrow(says);
  });
});

test('a crash before the first step behind a migration repeats it: nothing of it was stored', () => {
  const played = harness(V1, V3, V3).play('a1=5');
  played.state.takeDelta();
  const image = played.state.checkpoint();
  played.restart();
  expect(stateOf(played, 'a')).toEqual({ total: 5, of: 'a' });
  const Again = played.state.constructor as unknown as { restore(bytes: Uint8Array): StepHarness['state'] };
  played.state = Again.restore(image);
  played.restart();
  expect(stateOf(played, 'a')).toEqual({ total: 5, of: 'a' });
});
