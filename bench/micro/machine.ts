// Transitions a second of one core (of CPU time: other work does not count): actors of machines and reducers through the real chain
// and state, without journal; and the steps of a machine alone. Both paths: the compiled one, and XState's own transition function.
//   node bench/micro/machine.ts

import { parse } from 'yaml';
import { type MachineSpec, machineSchema } from '../../crds/stream-job/machine.ts';
import { StepHarness } from '../../runtime/testing/step-harness.ts';
import { Effects } from '../../runtime/transforms/actor/effects.ts';
import { buildMachine } from '../../runtime/transforms/actor/machine-config.ts';
import { choosePath, type MachinePath, ReferencePath } from '../../runtime/transforms/actor/machine-path.ts';
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
const REGIONS = `
type: parallel
context: { count: 0 }
states:
  a: { initial: x, states: { x: { on: { tick: { target: y, actions: [{ raise: { type: tock } }] } } }, y: { on: { tick: x } } } }
  b: { initial: x, states: { x: { on: { tock: y } }, y: { on: { tock: { target: x, actions: [{ assign: { count: context.count + 1 } }] } } } } }
`;

for (const path of ['compiled', 'reference'] as const) {
  for (const [name, yaml] of [
    ['guard and assign', COUNTER],
    ['two states', TOGGLE],
    ['regions, raise', REGIONS],
  ] as const) {
    measureSteps(`${path}: ${name}, steps alone`, yaml, path);
    const wanted = path === 'compiled' ? 'best' : 'reference';
    measure(`${path}: ${name}`, () => makeMachine({ kind: 'machine', spec: machine(yaml) }, wanted));
  }
}
measure('reduce', () => makeReduce({ kind: 'reduce', init: () => 0, step: (count: number) => count + 1 }));

function machine(yaml: string): MachineSpec {
  return machineSchema.parse(parse(yaml));
}

/** One key, its cell read and made anew for each event, as in the transform. */
function measureSteps(name: string, yaml: string, path: 'compiled' | 'reference'): void {
  const effects = new Effects();
  const made = buildMachine(machine(yaml), effects);
  const steps = path === 'compiled' ? choosePath(made, effects) : (new ReferencePath(made, effects) as unknown as MachinePath);
  const events = Array.from({ length: 1_000 }, (_, n) => ({ type: 'tick', value: { type: 'tick', n } }));
  let cell = steps.encode(steps.initial(), undefined, undefined);
  let rate = 0;
  for (let round = 0; round < 5; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < 200; i++) {
      for (const event of events) {
        effects.begin('key', 0);
        cell = steps.encode(steps.transition(steps.decode(cell), event), undefined, undefined);
      }
    }
    rate = (200 * events.length) / cpuSeconds(before);
  }
  report(name, rate);
}

function cpuSeconds(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function report(name: string, rate: number): void {
  console.log(`${name.padEnd(36)} ${Math.round(rate).toLocaleString('en-US')} events/s`);
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
    const before = process.cpuUsage();
    for (let i = 0; i < 200; i++) {
      harness.pushBatch(batch);
      if (i % 10 === 0) harness.state.takeDelta();
    }
    rate = (200 * batchEvents) / cpuSeconds(before);
  }
  if (harness.deadLetters.length > 0) throw new Error(harness.deadLetters[0]?.message);
  report(name, rate);
}
