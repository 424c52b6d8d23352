// Transitions a second of one core: actors of machines and reducers through the real chain and state, without journal.
//   node bench/micro/machine.ts

import { parse } from 'yaml';
import { type MachineSpec, machineSchema } from '../../crds/stream-job/spec.ts';
import { StepHarness } from '../../runtime/testing/step-harness.ts';
import { makeMachine } from '../../runtime/transforms/actor/machine.ts';
import { makeReduce } from '../../runtime/transforms/actor/reduce.ts';
import type { Transform } from '../../runtime/transforms/transform.ts';

const COUNTER = `
context: { count: 0 }
initial: on
states:
  on: { on: { tick: [{ guard: event.n >= 0, actions: [{ assign: { count: context.count + 1 } }] }] } }
`;
const TOGGLE = `
initial: off
states:
  off: { on: { tick: on } }
  on: { on: { tick: off } }
`;

measure('machine: guard and assign', () => makeMachine({ kind: 'machine', spec: machine(COUNTER) }));
measure('machine: two states', () => makeMachine({ kind: 'machine', spec: machine(TOGGLE) }));
measure('reduce', () => makeReduce({ kind: 'reduce', init: () => 0, step: (count: number) => count + 1 }));

function machine(yaml: string): MachineSpec {
  return machineSchema.parse(parse(yaml));
}

function measure(name: string, make: () => Transform): void {
  const harness = new StepHarness({ make });
  const batchEvents = 1_000;
  const batch = {
    values: Array.from({ length: batchEvents }, (_, n) => ({ type: 'tick', n })),
    times: Array.from({ length: batchEvents }, (_, n) => n),
    keys: Array.from({ length: batchEvents }, (_, n) => `key-${n % 100}`),
    ingestMs: 0,
  };
  let rate = 0;
  for (let round = 0; round < 5; round++) {
    const startMs = performance.now();
    for (let i = 0; i < 200; i++) {
      harness.pushBatch(batch);
      if (i % 10 === 0) harness.state.takeDelta();
    }
    rate = (200 * batchEvents) / ((performance.now() - startMs) / 1_000);
  }
  if (harness.deadLetters.length > 0) throw new Error(harness.deadLetters[0]?.message);
  console.log(`${name.padEnd(28)} ${Math.round(rate).toLocaleString('en-US')} events/s`);
}
