// E2: splits of a source that have nothing, through the real steps of a source's tasks and of the stage behind them.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { decodeHeader, encodeRecord } from '../journal/record-codec.ts';
import type { RecordHeader } from '../journal/record.ts';
import { planJob } from '../plan/plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import { decodeEvents } from '../event/segment.ts';
import { makeHeader } from '../testing/sample-records.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { TaskCore } from './step.ts';
import type { Step } from './step-record.ts';

const SPLITS = 3;
const WINDOW_MS = 10;

const plan = planJob(
  streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: {
      sources: [
        {
          name: 's',
          nats: { subjects: ['a', 'b', 'c'].slice(0, SPLITS) },
          eventTime: { at: 'event.at' },
          idle: { after: '1s', closeAfter: '5s' },
        },
      ],
      stages: [
        {
          name: 'w',
          from: 's',
          keyBy: 'event.id',
          partitions: 1,
          window: { tumbling: { size: `${WINDOW_MS}ms` } },
          aggregate: { n: { count: {} } },
        },
      ],
      sinks: [
        { name: 'out', from: 'w', nats: { subject: 'out' } },
        { name: 'late', from: 'w.late', nats: { subject: 'late' } },
      ],
    },
  }),
  {},
  { deadLetterFile: false },
);

function coreOf(stageId: string, partition: number): TaskCore {
  const stage = plan.stages.find(({ id }) => id === stageId)!;
  const table = (): never => {
    throw new Error('no table');
  };
  return new TaskCore({ plan, stage, partition, makeTransform, table, sink: null });
}

/** The source's tasks and the window's, with what each record says carried as bytes. */
class Job {
  readonly closed: string[] = [];
  readonly late: number[] = [];
  readonly watermarks: number[] = [];
  #sources = Array.from({ length: SPLITS }, (_, split) => coreOf('s', split));
  #window = coreOf('w', 0);
  #sequence = 0;
  #position = 0;
  #headers = new Map<TaskCore, RecordHeader>();

  /** An event at each of the times comes to a split. */
  speak(split: number, ...times: readonly number[]): void {
    const values = times.map((at) => ({ id: 'k', at }));
    const read = { values, places: [], placeWord: 'seq' as const, deadLetters: [], ingestMs: 1, done: false, bytes: 0, progress: null };
    this.#source(split).takeRead({ ...read, position: { n: ++this.#position } }, 1);
    this.#pass(split);
  }

  idle(split: number, passedMs = 0): void {
    this.#source(split).takeIdle(true, 1, passedMs);
    this.#pass(split);
  }

  end(split: number): void {
    const read = { values: [], places: [], placeWord: 'seq' as const, deadLetters: [], ingestMs: 1, done: true, bytes: 0, progress: null };
    this.#source(split).takeRead({ ...read, position: { n: ++this.#position } }, 1);
    this.#pass(split);
  }

  /** All tasks die; others go on from their records. */
  crash(): void {
    this.#sources = this.#sources.map((core, split) => this.#again(core, coreOf('s', split)));
    this.#window = this.#again(this.#window, coreOf('w', 0));
  }

  isIdle(split: number): boolean {
    return this.#source(split).isSourceIdle;
  }

  get watermark(): number {
    return this.watermarks.at(-1) ?? -Infinity;
  }

  #source(split: number): TaskCore {
    return this.#sources[split]!;
  }

  #again(core: TaskCore, next: TaskCore): TaskCore {
    const header = this.#headers.get(core) ?? null;
    core.state.takeDelta();
    next.restore(header, PartitionState.restore(core.state.checkpoint()), true);
    if (header !== null) this.#headers.set(next, header);
    return next;
  }

  #pass(split: number): void {
    const core = this.#source(split);
    const step = core.step(1, { force: true });
    if (step === null) return;
    const { watermarks, idle } = this.#store(core, step);
    const edge = core.stage.outputs[0]!;
    const segments = step.events.filter((segment) => segment.edge === edge).map(({ count, bytes }) => ({ edge, count, bytes }));
    const from = { stage: 's', partition: split, sequence: ++this.#sequence, number: this.#sequence, kind: 'commit' as const, more: false };
    this.#window.takeRecords([{ ...from, watermarks, idle, segments, bytes: 1 }], 1);
    this.#look(this.#window.step(1, { force: true }));
  }

  #look(step: Step | null): void {
    if (step === null) return;
    this.#store(this.#window, step);
    for (const { edge, bytes } of step.events) {
      const { values } = decodeEvents(bytes);
      const from = plan.edges[edge]!.from.output;
      if (from === 'late') this.late.push(...values.map((value) => (value as { at: number }).at));
      else if (from === null) this.closed.push(...values.map((value) => this.#drawn(value as { windowStartMs: number; n: number })));
    }
    this.watermarks.push(this.#window.standing().nodeWatermarks['w']![0]);
  }

  #drawn({ windowStartMs, n }: { windowStartMs: number; n: number }): string {
    return `${windowStartMs}=${n}`;
  }

  #store(core: TaskCore, step: Step): RecordHeader {
    const { bytes } = encodeRecord(makeHeader(step.header), []);
    const header = decodeHeader(bytes);
    this.#headers.set(core, header);
    return header;
  }
}

test('a window closes though one split never says anything, and one that speaks again is heard', () => {
  const job = new Job();
  job.speak(0, 1, 11);
  job.speak(1, 2, 12);
  expect(job.closed).toEqual([]); // the third has said nothing
  job.idle(2);
  expect(job.closed).toEqual(['0=2']);
  job.speak(2, 13);
  expect([job.isIdle(2), job.watermark]).toEqual([false, 10]);
  job.speak(0, 21);
  job.speak(1, 22);
  expect(job.closed).toEqual(['0=2']); // it holds the others again
  job.speak(2, 23);
  expect(job.closed).toEqual(['0=2', '10=3']);
});

test('what a split that was idle has then and is too old is late, and told; nothing goes back', () => {
  const job = new Job();
  job.speak(2, 3);
  job.idle(2);
  job.speak(0, 40);
  job.speak(1, 40);
  expect([job.closed, job.watermark]).toEqual([['0=1'], 39]);
  job.speak(2, 5, 41);
  expect([job.late, job.watermark]).toEqual([[5], 39]);
  job.speak(0, 90);
  job.speak(1, 90);
  expect(job.watermark).toBe(40); // the bound of the one that speaks again
});

test('idle is not done: when all open splits are idle and the others have ended, the watermark stands (FLINK-38477)', () => {
  const job = new Job();
  job.speak(0, 25);
  job.speak(1, 8);
  job.end(2);
  job.idle(0);
  job.idle(1);
  expect(job.watermark).toBe(24); // as far as the furthest has come, not the end
  job.speak(1, 26);
  expect([job.late, job.watermark]).toEqual([[], 25]);
  for (const split of [0, 1]) job.end(split);
  expect(job.watermark).toBe(Infinity);
  expect(job.closed).toEqual(['0=1', '20=2']);
});

test('which split was seen to be idle first makes no difference', () => {
  const orders = [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
  ];
  const ends = orders.map((order) => {
    const job = new Job();
    job.speak(0, 25);
    job.speak(1, 8);
    job.speak(2, 14);
    for (const split of order) job.idle(split);
    return [job.watermark, job.closed];
  });
  expect(ends).toEqual(orders.map(() => [24, ['0=1', '10=1']]));
});

test('F6 when traffic stops, the last window closes once, as the clock goes on, and is not closed again after a crash', () => {
  const job = new Job();
  for (const split of [0, 1, 2]) job.speak(split, 5);
  for (const split of [0, 1, 2]) job.idle(split);
  expect([job.closed, job.watermark]).toEqual([[], 4]);
  job.idle(0, 3);
  expect([job.closed, job.watermark]).toEqual([[], 7]);
  job.crash();
  expect(job.isIdle(1)).toBe(true); // known from the records
  job.idle(0, 3);
  expect([job.closed, job.watermark]).toEqual([['0=3'], 10]);
  job.crash();
  job.idle(0, 100);
  job.speak(0, 200);
  expect(job.closed).toEqual(['0=3']);
});

test('a source shows how far its event time has come, though its dead letters have none', () => {
  const core = coreOf('s', 0);
  const read = {
    places: [],
    placeWord: 'seq' as const,
    deadLetters: [],
    ingestMs: 1,
    done: false,
    bytes: 0,
    progress: null,
    position: { n: 1 },
  };
  expect(core.inputWatermark).toBe(-Infinity);
  core.takeRead({ ...read, values: [{ id: 'k', at: 5 }] }, 1);
  expect(core.inputWatermark).toBe(4);
});

test('a split without any event has no event time that could go on', () => {
  const job = new Job();
  for (const split of [0, 1, 2]) job.idle(split, 1_000);
  expect(job.watermark).toBe(-Infinity);
});

type Act = { readonly kind: 'speak' | 'idle' | 'end' | 'crash' | 'pass'; readonly split: number; readonly by: number };

/** What the window should have seen, without any code of ours: bounds of splits, who is idle, who has ended. */
class Model {
  watermark = -Infinity;
  readonly counts = new Map<number, number>();
  readonly closed: string[] = [];
  readonly late: number[] = [];
  readonly #splits = Array.from({ length: SPLITS }, () => ({ highest: -Infinity, idle: false, ended: false }));

  act({ kind, split, by }: Act, at: number): void {
    const own = this.#splits[split]!;
    if (kind === 'crash' || own.ended) return;
    if (kind === 'end') own.ended = true;
    own.idle = kind === 'idle' || kind === 'pass';
    if (kind === 'pass') own.highest += by;
    if (kind === 'speak') {
      own.highest = Math.max(own.highest, at);
      const window = Math.floor(at / WINDOW_MS) * WINDOW_MS;
      if (window + WINDOW_MS - 1 <= this.watermark) this.late.push(at);
      else this.counts.set(window, (this.counts.get(window) ?? 0) + 1);
    }
    this.#rise();
  }

  #rise(): void {
    const open = this.#splits.filter(({ ended }) => !ended);
    const speaking = open.filter(({ idle }) => !idle);
    const bounds = (of: typeof open): number[] => of.map(({ highest }) => highest - 1);
    const now = speaking.length > 0 ? Math.min(...bounds(speaking)) : open.length > 0 ? Math.max(...bounds(open)) : Infinity;
    this.watermark = Math.max(this.watermark, now);
    for (const [window, count] of [...this.counts].sort(([a], [b]) => a - b)) {
      if (window + WINDOW_MS - 1 > this.watermark) continue;
      this.closed.push(`${window}=${count}`);
      this.counts.delete(window);
    }
  }
}

test('E1 E2 whatever splits do and whoever dies, watermarks never go back and never pass the bound of an open split that speaks', () => {
  const act = fc.record({
    kind: fc.constantFrom<Act['kind']>('speak', 'speak', 'speak', 'idle', 'pass', 'end', 'crash'),
    split: fc.nat(SPLITS - 1),
    by: fc.integer({ min: 1, max: 30 }),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const job = new Job();
      const model = new Model();
      const ended = new Set<number>();
      let at = 0;
      for (const each of acts) {
        const { kind, split, by } = each;
        if (ended.has(split) && kind !== 'crash') continue;
        at += by - 10; // forwards, with some disorder
        const time = Math.max(0, at);
        if (kind === 'speak') job.speak(split, time);
        if (kind === 'idle') job.idle(split);
        if (kind === 'pass') job.idle(split, by);
        if (kind === 'end') job.end(split);
        if (kind === 'end') ended.add(split);
        if (kind === 'crash') job.crash();
        model.act(each, time);
        expect([job.watermark, job.closed, job.late]).toEqual([model.watermark, model.closed, model.late]);
      }
      expect(job.watermarks).toEqual(job.watermarks.toSorted((a, b) => a - b));
    }),
    { numRuns: 300 },
  );
});
