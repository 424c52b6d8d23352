import { describe, expect, test } from 'vitest';
import type { StagePlan } from '../plan/physical-plan.ts';
import type { SpanData, Tracer } from '../telemetry/span.ts';
import { SPANS_PER_TRACE_MAX, TraceBudget } from '../telemetry/trace-budget.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { SLOW_END_TO_END_MS, SLOW_STEP_MS, TaskSpans } from './task-spans.ts';

const STAGE: StagePlan = {
  id: 'fates',
  index: 1,
  kind: 'keyed',
  partitionCount: 4,
  nodes: [],
  inputs: [0],
  outputs: [1],
  stream: 'S',
  subjectPrefix: 's',
  reasons: [],
};
const FROM = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };

class Kept implements Tracer {
  readonly spans: SpanData[] = [];
  dropped = 0;
  end(span: SpanData): void {
    this.spans.push(span);
  }
  lost(spans: number): void {
    this.dropped += spans;
  }
  figures(): { sent: number; dropped: number } {
    return { sent: this.spans.length, dropped: this.dropped };
  }
  async close(): Promise<void> {}
}

function begin(runId = 'run'): { spans: TaskSpans; tracer: Kept; clock: VirtualClock } {
  const [tracer, clock] = [new Kept(), new VirtualClock()];
  const tracing = { tracer, budget: new TraceBudget(), random: seededRandom(1), runId, ratio: 1 };
  const spans = new TaskSpans({
    tracing,
    job: 'j',
    stage: STAGE,
    partition: 2,
    worker: 'w',
    revision: 3,
    clock,
    followed: () => new Set<string>(),
  });
  return { spans, tracer, clock };
}

describe('a step that is made again', () => {
  test('has the same spans; another run begins other traces', () => {
    const ids = (runId: string): string[] => {
      const { spans, tracer, clock } = begin(runId);
      spans.trace.begin(clock.nowMs(), 17);
      spans.trace.enter(FROM);
      spans.trace.root('key', 'k');
      spans.trace.gathered([FROM], 'window', 'k 0');
      const nowMs = clock.nowMs();
      spans.began(nowMs);
      spans.sends();
      spans.stored({ spans: spans.trace.take() }, { number: 1, epoch: 1 });
      return tracer.spans.map(({ spanId }) => spanId);
    };
    expect(ids('run')).toEqual(ids('run'));
    expect(new Set([...ids('run'), ...ids('other')]).size).toBe(4); // what goes on in another's trace is its own; only the trace that begins here is the run's
  });
});

describe('clocks that differ', () => {
  test('by minutes: a span never ends before it begins', () => {
    const { spans, tracer, clock } = begin();
    const aheadMs = clock.nowMs() + 5 * 60_000;
    spans.trace.begin(aheadMs, 0);
    spans.trace.enter(FROM);
    spans.began(aheadMs);
    spans.sends();
    spans.stored({ spans: spans.trace.take() }, { number: 1, epoch: 1 });
    expect(tracer.spans.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([[aheadMs, aheadMs]]);
  });
});

describe('what nobody sampled', () => {
  test.each([
    { fact: 'is not told when all is well', tookMs: SLOW_STEP_MS - 1, retries: [], why: [] },
    { fact: 'is told when it was slow', tookMs: SLOW_STEP_MS, retries: [], why: ['slow'] },
    { fact: 'is told when writing it failed', tookMs: 1, retries: [new Error('full\u001b')], why: ['error'] },
  ])('$fact', ({ tookMs, retries, why }) => {
    const { spans, tracer, clock } = begin();
    const nowMs = clock.nowMs();
    spans.began(nowMs - tookMs);
    spans.sends();
    for (const retry of retries) spans.retried(retry);
    spans.stored({ spans: [] }, { number: 9, epoch: 1 });
    expect(tracer.spans.map(({ attributes }) => attributes['millrace.trace.why'])).toEqual(why);
    expect(tracer.spans.map(({ error }) => error)).toEqual(
      why.map((one) => (one === 'error' ? 'written after 1 tries that failed: full\ufffd' : null)),
    );
  });
});

describe('events that were long in the job', () => {
  type Ending = { readonly endToEndMs: number | null; readonly isSampled?: boolean };
  async function told(...steps: readonly Ending[]): Promise<unknown[]> {
    const { spans, tracer, clock } = begin();
    for (const [i, { endToEndMs, isSampled = false }] of steps.entries()) {
      await clock.run(clock.sleep(100));
      spans.trace.begin(clock.nowMs(), i);
      if (isSampled) spans.trace.enter(FROM);
      spans.began(clock.nowMs());
      spans.sends();
      spans.ended(endToEndMs);
      spans.stored({ spans: spans.trace.take() }, { number: i, epoch: 1 });
    }
    return tracer.spans.map(({ attributes: of }) => [of['millrace.trace.why'], of['millrace.end_to_end_ms']]);
  }

  test('are told by their last step, with how long that was, though no step took long', async () => {
    expect(await told({ endToEndMs: SLOW_END_TO_END_MS - 1 }, { endToEndMs: null })).toEqual([]);
    expect(await told({ endToEndMs: SLOW_END_TO_END_MS })).toEqual([['slow', SLOW_END_TO_END_MS]]);
  });

  test('those that are sampled have their trace already', async () => {
    expect(await told({ endToEndMs: 60_000, isSampled: true })).toEqual([[undefined, undefined]]);
  });

  test('of a job that lags one in ten seconds a task: room is left for errors', async () => {
    expect(await told(...Array.from({ length: 300 }, () => ({ endToEndMs: 60_000 })))).toHaveLength(3);
  });
});

test('a trace without end is cut, and says so; what is cut is counted', () => {
  const { spans, tracer, clock } = begin();
  const nowMs = clock.nowMs();
  for (let i = 0; i < SPANS_PER_TRACE_MAX + 5; i++) {
    spans.trace.begin(nowMs, i);
    spans.trace.enter({ ...FROM, spanId: (i + 1).toString(16).padStart(16, '0') });
    spans.began(nowMs);
    spans.sends();
    spans.stored({ spans: spans.trace.take() }, { number: i, epoch: 1 });
  }
  expect(tracer.spans).toHaveLength(SPANS_PER_TRACE_MAX);
  expect(tracer.spans.filter(({ attributes }) => attributes['millrace.trace.truncated'] === true)).toEqual([tracer.spans.at(-1)]);
  expect(tracer.dropped).toBe(5);
});

test('one step has a bounded number of spans', () => {
  const { spans, tracer, clock } = begin();
  const nowMs = clock.nowMs();
  spans.trace.begin(nowMs, 0);
  for (let i = 0; i < 1_000; i++) spans.trace.enter({ traceId: (i + 1).toString(16).padStart(32, '0'), spanId: FROM.spanId });
  spans.began(nowMs);
  spans.sends();
  spans.stored({ spans: spans.trace.take() }, { number: 1, epoch: 1 });
  expect(tracer.spans).toHaveLength(256);
  expect(tracer.dropped).toBe(1_000 - 256);
});
