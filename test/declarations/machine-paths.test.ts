// What the plan says of the path that runs a machine is what the transform does.

import { assign, createMachine, emit, enqueueActions, log, raise } from 'xstate';
import { expect, test } from 'vitest';
import { machinePath, machinePathText } from '../../runtime/plan/machine-path.ts';
import { compileMachine } from '../../runtime/transforms/actor/compiled-machine.ts';
import { Effects } from '../../runtime/transforms/actor/effects.ts';
import { boundedMachine } from '../../runtime/transforms/actor/xstate.ts';

const grow = assign({ n: 1 } as never);
const some = enqueueActions(({ enqueue }) => enqueue.assign({ n: 1 } as never));
const parameters = { actions: { some, grow, plain: () => undefined } };

test.each([
  {
    fact: 'assign, raise, emit, log and own code',
    config: {
      entry: [grow, raise({ type: 'x' } as never), log('a'), () => undefined],
      on: { x: { actions: emit({ type: 'y' } as never) } },
    },
    says: 'compiled to tables',
  },
  { fact: 'actions by name', config: { on: { x: { actions: ['grow', { type: 'plain' }, 'nowhere'] } } }, says: 'compiled to tables' },
  {
    fact: 'enqueueActions in a list',
    config: { on: { x: [{ actions: [grow, some] }] } },
    says: 'steps by XState itself, several times slower, because of enqueueActions',
  },
  {
    fact: 'enqueueActions by name, deep inside',
    config: { initial: 'a', states: { a: { initial: 'b', states: { b: { after: { 5: { actions: 'some' } } } } } } },
    says: 'steps by XState itself, several times slower, because of enqueueActions',
  },
  {
    fact: 'enqueueActions on the way to the initial state',
    config: { initial: { target: 'a', actions: some }, states: { a: {} } },
    says: 'steps by XState itself, several times slower, because of enqueueActions',
  },
  {
    fact: 'the output of a final state',
    config: { initial: 'a', states: { a: { type: 'final', output: 1 } } },
    says: 'steps by XState itself, several times slower, because of the output of a final state',
  },
  {
    fact: 'the output of the machine',
    config: { output: 1, initial: 'a', states: { a: { type: 'final' } } },
    says: 'steps by XState itself, several times slower, because of the output of a final state',
  },
])('$fact: $says', ({ config, says }) => {
  const machine = boundedMachine(createMachine({ context: {}, ...config } as never, parameters as never) as never);
  const op = { kind: 'xstate', machine, order: 'arrival', unhandled: 'ignore' } as const;
  const compiled = compileMachine(machine, new Effects());
  const told = machinePath(op);
  expect(told).toEqual(compiled.kind === 'compiled' ? { kind: 'compiled' } : { kind: 'reference', because: compiled.because });
  expect(machinePathText(op)).toBe(says);
});

test('of a machine whose code is elsewhere nothing is said', () => {
  expect(machinePathText({ kind: 'xstate', machine: { $code: 'x' }, order: 'arrival', unhandled: 'ignore', states: [] })).toBeNull();
});
