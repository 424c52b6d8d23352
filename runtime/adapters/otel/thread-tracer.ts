// The tracer of a worker: hands spans to a thread (tracer-thread.ts) that turns them into OTLP and sends them. What waits for a collector
// lies in no heap of the engine's, and neither HTTP nor OpenTelemetry is in its thread.
//
//   TT1. The thread begins with the first span: who samples nothing has none.
//   TT2. At most SPANS_WAITING_MAX spans are on their way: told here, and neither sent nor dropped by the thread. What comes then is dropped and
//        counted, as in otlp-tracer.ts (E1).
//   TT3. Spans gather here, once a second or as many as a request holds, and the thread sends what comes at once: to wake a thread that
//        sleeps costs the engine 50 µs, as much as to hand over 25 spans.
//   TT4. A thread that fails takes its spans with it: they are dropped and counted, it is told once, and no other is begun.
//   TT5. `close` takes no longer than it may, with what the thread needs to begin; nothing keeps a process alive afterwards.

import type { Worker } from 'node:worker_threads';
import { SPANS_GATHER_MS, SPANS_PER_REQUEST_MAX, SPANS_WAITING_MAX } from '../../base/limits.ts';
import { beginThread } from '../node/begin-thread.ts';
import type { SpanData, Tracer, TracerFigures } from '../../telemetry/span.ts';
import type { OtlpTracerParts } from './otlp-tracer.ts';

export type ThreadParts = Omit<OtlpTracerParts, 'onTrouble' | 'onSettled' | 'areGathered'>;
export type ToThread =
  { readonly kind: 'spans'; readonly spans: readonly SpanData[] } | { readonly kind: 'close'; readonly limitMs: number };
export type FromThread =
  | { readonly kind: 'trouble'; readonly trouble: string }
  /** Of all spans so far, what became of them. */
  | { readonly kind: 'settled' | 'closed'; readonly figures: TracerFigures };

/** Of the time to close: for the thread to say what became of the last spans. */
const LAST_WORD_MS = 100;
/** Spans die young there too, if what one request is made of has room: with 8 a span costs a fifth more CPU, with 24 or 48 no less. */
const YOUNG_MB = 16;

/** In the sources it lies beside this file, in an image beside the program (images/programs.ts). */
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './tracer-thread.ts' : './tracer-thread.mjs', import.meta.url);

export class ThreadTracer implements Tracer {
  readonly #parts: Pick<OtlpTracerParts, 'onTrouble'> & ThreadParts;
  readonly #program: URL;
  #thread: Worker | null = null;
  #isOver = false;
  /** Settles when the thread has ended. */
  readonly #ended = Promise.withResolvers<void>();
  #batch: SpanData[] = [];
  #timer: NodeJS.Timeout | null = null;
  /** Spans that were told to the thread, or are about to. */
  #told = 0;
  #settled: TracerFigures = { sent: 0, dropped: 0 };
  /** Spans that the thread never got. */
  #dropped = 0;

  /** `program`: what the thread runs. */
  constructor(parts: Pick<OtlpTracerParts, 'onTrouble'> & ThreadParts, program = THREAD) {
    this.#parts = parts;
    this.#program = program;
  }

  end(span: SpanData): void {
    if (this.#isOver || this.#told - this.#settled.sent - this.#settled.dropped >= SPANS_WAITING_MAX) {
      this.#dropped++; // TT2
      return;
    }
    this.#told++;
    if (this.#batch.push(span) === SPANS_PER_REQUEST_MAX) this.#handOver();
    else this.#timer ??= setTimeout(() => this.#handOver(), SPANS_GATHER_MS).unref();
  }

  lost(spans: number): void {
    this.#dropped += spans;
  }

  figures(): TracerFigures {
    return { sent: this.#settled.sent, dropped: this.#settled.dropped + this.#dropped };
  }

  async close(limitMs: number): Promise<void> {
    const wasOver = this.#isOver;
    this.#isOver = true;
    if (this.#batch.length > 0) this.#handOver();
    if (!wasOver && this.#thread !== null) await this.#closeThread(limitMs);
    this.#giveUp();
  }

  async #closeThread(limitMs: number): Promise<void> {
    this.#tell({ kind: 'close', limitMs: Math.max(0, limitMs - LAST_WORD_MS) });
    if (limitMs > 0) await within(limitMs, this.#ended.promise); // TT5
    await this.#thread?.terminate();
  }

  #handOver(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const spans = this.#batch;
    this.#batch = [];
    this.#tell({ kind: 'spans', spans });
  }

  #tell(message: ToThread): void {
    this.#thread ??= this.#begin();
    this.#thread.postMessage(message);
  }

  /** TT1. */
  #begin(): Worker {
    const { onTrouble: _ours, ...workerData } = this.#parts;
    const thread = beginThread(this.#program, { workerData, name: 'traces', resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    thread.unref();
    thread.on('message', (message: FromThread) => this.#hear(message));
    thread.on('error', (error) => this.#fail(error instanceof Error ? error.message : String(error)));
    thread.on('exit', () => this.#ended.resolve());
    return thread;
  }

  #hear(message: FromThread): void {
    if (message.kind === 'trouble') this.#parts.onTrouble(message.trouble);
    else this.#settled = message.figures;
  }

  /** TT4. */
  #fail(reason: string): void {
    this.#isOver = true;
    this.#giveUp();
    this.#parts.onTrouble(`the thread that sends traces has failed, nothing is traced from now on: ${reason}`);
  }

  /** What is on its way is lost. */
  #giveUp(): void {
    const { sent, dropped } = this.#settled;
    this.#settled = { sent, dropped: dropped + Math.max(0, this.#told - sent - dropped) };
  }
}

/** Until `done`, for so long at most. */
async function within(limitMs: number, done: Promise<void>): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, limitMs);
  await Promise.race([done, limit.promise]);
  clearTimeout(timer);
}
