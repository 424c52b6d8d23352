// What tracing costs the engine on one core: a source's steps and those of a keyed machine behind them, encoding and decoding of what
// lies between included, without journal and collector. One process takes turns of all settings, so that what disturbs the machine
// disturbs all alike; CPU time, not the clock, is compared: the median over the rounds of each setting's share of the one without.
//   node bench/micro/tracing.ts

import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { OtlpJson } from '../../runtime/adapters/otel/otlp-json.ts';
import { systemRandom } from '../../runtime/adapters/node/random.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { SpanData, Tracer } from '../../runtime/telemetry/span.ts';
import { TraceBudget } from '../../runtime/telemetry/trace-budget.ts';
import { TaskCore } from '../../runtime/task/step.ts';
import { makeTransform } from '../../runtime/transforms/make-transform.ts';
import { TaskSpans } from '../../runtime/worker/task-spans.ts';

const BATCH = 1_000;
const BATCHES = 60;
const ROUNDS = 15;
const KEYS = 5_000;
/** Rounds of the compiler. */
const WARM_UP = 5;

const plan = planJob(
  streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'bench' },
    spec: {
      partitions: 1,
      sources: [{ name: 'bids', nats: { subjects: ['bids'] }, eventTime: { at: 'event.at' } }],
      stages: [
        { name: 'dear', from: 'bids', filter: 'event.price > 10' },
        {
          name: 'bidders',
          from: 'dear',
          keyBy: 'event.bidder',
          machine: {
            context: { sum: 0 },
            initial: 'on',
            states: {
              on: {
                on: {
                  bid: [
                    {
                      guard: 'event.price >= 0',
                      actions: [{ assign: { sum: 'context.sum + event.price' } }, { emit: { output: 'sums', value: 'context.sum' } }],
                    },
                  ],
                },
              },
            },
          },
        },
      ],
      sinks: [{ name: 'out', from: 'bidders.sums', journal: {} }],
    },
  }),
  {},
  { deadLetterFile: false },
);

/** Writes spans as the real one does, 512 a request, and throws them away. */
class Writing implements Tracer {
  spans = 0;
  bytes = 0;
  readonly #json = new OtlpJson('w');
  #queue: SpanData[] = [];
  end(span: SpanData): void {
    this.spans++;
    if (this.#queue.push(span) < 512) return;
    this.bytes += this.#json.request(this.#queue).byteLength;
    this.#queue = [];
  }
  lost(): void {}
  figures(): { sent: number; dropped: number } {
    return { sent: this.spans, dropped: 0 };
  }
  async close(): Promise<void> {}
}

/** null: no tracing at all. */
type Setting = { readonly ratio: number | null; readonly name: string };
const settings: readonly Setting[] = [
  { name: 'no tracing', ratio: null },
  { name: 'sampling 0', ratio: 0 },
  { name: 'sampling 0.001', ratio: 0.001 },
  { name: 'sampling 0.01', ratio: 0.01 },
  { name: 'sampling 1', ratio: 1 },
];

class Pipeline {
  readonly tracer = new Writing();
  readonly #source: TaskCore;
  readonly #keyed: TaskCore;
  readonly #spans: { readonly source: TaskSpans | null; readonly keyed: TaskSpans | null };
  #sequence = 0;

  constructor(ratio: number | null) {
    const [source, keyed] = ['source', 'keyed'].map((kind) => plan.stages.find((stage) => stage.kind === kind)!) as [Stage, Stage];
    this.#spans = { source: this.#spansOf(source, ratio), keyed: this.#spansOf(keyed, ratio) };
    this.#source = coreOf(source, this.#spans.source);
    this.#keyed = coreOf(keyed, this.#spans.keyed);
  }

  run(values: readonly object[]): void {
    const nowMs = systemClock.nowMs();
    this.#sequence++;
    this.#spans.source?.began(nowMs);
    this.#source.takeRead(
      {
        values,
        places: [],
        placeWord: 'seq' as const,
        deadLetters: [],
        position: { at: this.#sequence },
        ingestMs: nowMs,
        done: false,
        bytes: 0,
        progress: null,
      },
      nowMs,
    );
    const read = this.#source.step(nowMs, { force: false })!;
    this.#tell(this.#spans.source, read);
    const segments = read.events.map(({ edge, count, bytes }) => ({ edge, count, bytes }));
    const record = { stage: this.#source.stage.id, partition: 0, sequence: this.#sequence, number: this.#sequence, bytes: 1 };
    this.#spans.keyed?.began(nowMs);
    this.#keyed.takeRecords([{ ...record, kind: 'commit', more: false, watermarks: read.header.watermarks, segments }], nowMs);
    this.#tell(this.#spans.keyed, this.#keyed.step(nowMs, { force: true })!);
  }

  #tell(spans: TaskSpans | null, step: NonNullable<ReturnType<TaskCore['step']>>): void {
    spans?.sends();
    spans?.stored(step, { number: this.#sequence, epoch: 1 });
  }

  #spansOf(stage: Stage, ratio: number | null): TaskSpans | null {
    if (ratio === null) return null;
    const tracing = { tracer: this.tracer, budget: new TraceBudget(), random: systemRandom, runId: 'run', ratio };
    const place = { stage, partition: 0, worker: 'w', revision: 1, clock: systemClock };
    return new TaskSpans({ ...place, tracing, job: 'bench', followed: () => NOBODY });
  }
}

type Stage = PhysicalPlan['stages'][number];
const NOBODY: ReadonlySet<string> = new Set();

function coreOf(stage: Stage, spans: TaskSpans | null): TaskCore {
  const table = (): never => {
    throw new Error('no table');
  };
  return new TaskCore({ plan, stage, partition: 0, makeTransform, table, sink: null, trace: spans?.trace ?? null });
}

const batches = Array.from({ length: BATCHES }, (_, b) =>
  Array.from({ length: BATCH }, (_, i) => {
    const n = b * BATCH + i;
    return {
      type: 'bid',
      bidder: `bidder-${(n * 7_919) % KEYS}`,
      auction: n % 1_000,
      price: 11 + (n % 90),
      at: n,
      note: `bid number ${n}`,
    };
  }),
);
const pipelines = settings.map(({ ratio }) => new Pipeline(ratio));
const cpuMs: number[][] = settings.map(() => []);
for (let round = 0; round < ROUNDS + WARM_UP; round++) {
  for (let turn = 0; turn < settings.length; turn++) {
    const which = (turn + round) % settings.length;
    const before = process.cpuUsage();
    for (const values of batches) pipelines[which]!.run(values);
    const { user, system } = process.cpuUsage(before);
    if (round >= WARM_UP) cpuMs[which]!.push((user + system) / 1_000);
  }
}
const events = BATCHES * BATCH;
for (const [which, { name }] of settings.entries()) {
  const median = middle(cpuMs[which]!);
  const share = middle(cpuMs[which]!.map((ms, round) => ms / cpuMs[0]![round]!));
  const figures = [`${(median / (events / 1_000_000) / 1_000).toFixed(2)} CPU-s/M events`, `${((share - 1) * 100).toFixed(1)} %`];
  console.log(
    `${name.padEnd(16)} ${figures[0]!.padStart(20)}   ${figures[1]!.padStart(8)} beside none   ${pipelines[which]!.tracer.spans} spans`,
  );
}

function middle(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
