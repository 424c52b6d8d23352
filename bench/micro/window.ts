// Events a second of one core (of CPU time: other work does not count) of windows, through the real chain and state, without journal:
// how much windows that overlap, and those with early results, cost beside those that follow one another.
//   node bench/micro/window.ts

import { encodeKey } from '../../runtime/event/key.ts';
import type { CompiledPanes, CompiledWindow, OpPlan } from '../../runtime/plan/physical-plan.ts';
import { StepHarness } from '../../runtime/testing/step-harness.ts';
import { makeWindow } from '../../runtime/transforms/window/window.ts';

type WindowOp = Extract<OpPlan, { kind: 'window' }>;

const BATCH_EVENTS = 1_000;
/** Event time that goes by with a batch, as of 10,000 events a second. */
const BATCH_MS = 100;
const ROUNDS = 2;
const ROUND_BATCHES = 300;

const early: CompiledPanes = { early: [{ everyMs: 1_000, count: null, when: null, once: false }], accumulation: 'accumulating' };
const tumbling: CompiledWindow = { kind: 'tumbling', sizeMs: 10_000, offsetMs: 0 };
const sliding = (everyMs: number): CompiledWindow => ({ kind: 'sliding', sizeMs: 10_000, everyMs, offsetMs: 0 });

for (const keys of [100, 2_000]) {
  measure('tumbling 10s', keys, { window: tumbling });
  measure('sliding 10s / 1s', keys, { window: sliding(1_000) });
  measure('sliding 10s / 100ms', keys, { window: sliding(100) });
  measure('sliding 10s / 10ms', keys, { window: sliding(10) });
  measure('tumbling 10s, early every 1s', keys, { window: tumbling, panes: early });
  measure('sliding 10s / 1s, early every 1s', keys, { window: sliding(1_000), panes: early });
  measure('count 100', keys, { window: { kind: 'count', size: 100, every: 100, orAfterMs: null } });
  measure('count 100 / 10', keys, { window: { kind: 'count', size: 100, every: 10, orAfterMs: null } });
}

function measure(name: string, keyCount: number, op: Pick<WindowOp, 'window' | 'panes'>): void {
  const aggregates = { n: { count: {} }, sum: { sum: 'event.n' } };
  const harness = new StepHarness({
    make: () => makeWindow({ kind: 'window', spec: {}, aggregates, keyNames: ['id'], late: 'deadLetter', ...op }),
  });
  const keys = Array.from({ length: keyCount }, (_, i) => encodeKey(`k${i}`));
  let [best, results, batch] = [0, 0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    const begun = process.cpuUsage();
    results = 0;
    for (const end = batch + ROUND_BATCHES; batch < end; batch++) {
      const times = Array.from({ length: BATCH_EVENTS }, (_, i) => (batch * BATCH_MS + (i * BATCH_MS) / BATCH_EVENTS) | 0);
      harness.pushBatch({
        values: times.map((n) => ({ n })),
        times,
        keys: times.map((_, i) => keys[(batch * BATCH_EVENTS + i * 7) % keyCount]!),
        ingestMs: 0,
      });
      harness.advance((batch + 1) * BATCH_MS - 1);
      harness.state.takeDelta();
      results += harness.emissions.length;
      harness.emissions.length = 0;
    }
    const used = process.cpuUsage(begun);
    best = Math.max(best, (ROUND_BATCHES * BATCH_EVENTS) / ((used.user + used.system) / 1e6));
  }
  const events = ROUND_BATCHES * BATCH_EVENTS;
  const perMillion = (1e6 / best).toFixed(2);
  console.log(
    `${String(keyCount).padStart(6)} keys  ${name.padEnd(34)} ${Math.round(best).toLocaleString('en').padStart(10)} events/s  ` +
      `${perMillion.padStart(7)} CPU-s per million  ${(results / events).toFixed(3).padStart(8)} results an event`,
  );
}
