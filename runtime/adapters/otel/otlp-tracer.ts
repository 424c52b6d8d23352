// The tracer that sends spans to an OTLP collector, over HTTP as JSON. Sending is ours: the retries of OpenTelemetry's exporter have
// timers that keep a worker from ending.
//
//   E1. At most SPANS_WAITING_MAX spans wait; what comes then is dropped and counted. One export is in flight at a time.
//   E2. What the collector refuses is dropped and counted. Where it says "later", or nothing within EXPORT_MS, it is asked again
//       TRIES_MAX times in all; meanwhile the queue fills, and overflows.
//   E3. `close` takes no longer than it may; nothing keeps a process alive afterwards, and all spans are counted by then. A collector that
//       cannot be reached meanwhile is not asked again, one that is slow is.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent, RequestOptions } from 'node:http';
import { SPANS_GATHER_MS, SPANS_PER_REQUEST_MAX, SPANS_WAITING_MAX } from '../../base/limits.ts';
import type { SpanData, Tracer, TracerFigures } from '../../telemetry/span.ts';
import type { TracingOptions } from '../../telemetry/tracing-options.ts';
import { OtlpJson } from './otlp-json.ts';

const EXPORT_MS = 2_000;
const TRIES_MAX = 3;
const AGAIN_MS = 250;
/** OTLP: the collector may take it later. */
const LATER: readonly number[] = [429, 502, 503, 504];

export type OtlpTracerParts = Pick<TracingOptions, 'url' | 'headers'> & {
  /** `service.instance.id`. */
  readonly instance: string;
  /** The collector does not take spans, for the first time since it did. */
  readonly onTrouble: (message: string) => void;
  /** More spans were sent or dropped: figures of all so far. */
  readonly onSettled?: (figures: TracerFigures) => void;
  /** They have gathered elsewhere: what comes is sent at once. */
  readonly areGathered?: boolean;
};

export class OtlpTracer implements Tracer {
  readonly #parts: OtlpTracerParts;
  readonly #end = new AbortController();
  readonly #json: OtlpJson;
  readonly #client: HttpClient;
  readonly #agent: Agent;
  #queue: SpanData[] = [];
  #sent = 0;
  #dropped = 0;
  #sending: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isTroubled = false;
  #closed = false;

  constructor(parts: OtlpTracerParts) {
    this.#parts = parts;
    this.#json = new OtlpJson(parts.instance);
    this.#client = clientOf(parts.url);
    this.#agent = new this.#client.Agent({ keepAlive: true });
  }

  end(span: SpanData): void {
    if (this.#closed || this.#queue.length >= SPANS_WAITING_MAX) {
      this.#dropped++; // E1
      return;
    }
    this.#queue.push(span);
    this.#goOn();
  }

  lost(spans: number): void {
    this.#dropped += spans;
  }

  figures(): TracerFigures {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  async close(limitMs: number): Promise<void> {
    this.#closed = true;
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, limitMs);
    this.#send();
    await Promise.race([limit.promise, this.#drained()]);
    clearTimeout(timer);
    this.#dropped += this.#queue.length;
    this.#queue = [];
    this.#end.abort();
    this.#agent.destroy();
    await this.#drained(); // what was on its way is dropped by now
  }

  async #drained(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
  }

  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#sending !== null || this.#queue.length === 0) return;
    const batch = this.#queue.splice(0, SPANS_PER_REQUEST_MAX);
    this.#sending = this.#export(batch).then((error) => {
      this.#sending = null;
      if (error === null) this.#sent += batch.length;
      else this.#dropped += batch.length; // E2
      if (!this.#end.signal.aborted) this.#tell(error);
      this.#parts.onSettled?.(this.figures());
      this.#goOn();
    });
  }

  /** Sends soon, or at once when there is enough; never within the step that ends a span. */
  #goOn(): void {
    if (this.#sending !== null || this.#queue.length === 0) return;
    if (this.#closed) return this.#send();
    const isFull = this.#queue.length >= SPANS_PER_REQUEST_MAX;
    if (this.#timer !== null && this.#queue.length !== SPANS_PER_REQUEST_MAX) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), isFull || this.#parts.areGathered === true ? 0 : SPANS_GATHER_MS).unref();
  }

  /** Null: the collector has taken it. */
  async #export(batch: readonly SpanData[]): Promise<Error | null> {
    try {
      const body = this.#json.request(batch);
      for (let tries = 1; ; tries++) {
        const { error, isFinal } = await this.#post(body);
        if (error === null || isFinal || tries === TRIES_MAX) return error;
        await sleep(AGAIN_MS * 2 ** tries, undefined, { ref: false, signal: this.#end.signal });
      }
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  async #post(body: Uint8Array): Promise<{ readonly error: Error | null; readonly isFinal: boolean }> {
    try {
      const status = await this.#status(body);
      if (status >= 200 && status < 300) return { error: null, isFinal: true };
      return { error: new Error(`it answers ${status}`), isFinal: !LATER.includes(status) };
    } catch (error) {
      const cause = causeOf(error);
      return { error: cause, isFinal: this.#closed && cause.name !== 'TimeoutError' };
    }
  }

  /** What the collector answers. Rejects when it does not. */
  #status(body: Uint8Array): Promise<number> {
    const { url, headers } = this.#parts;
    const options: RequestOptions = {
      method: 'POST',
      agent: this.#agent,
      headers: { ...headers, 'content-type': 'application/json', 'content-length': body.byteLength },
      signal: AbortSignal.any([AbortSignal.timeout(EXPORT_MS), this.#end.signal]),
    };
    return new Promise((resolve, reject) => {
      this.#client
        .request(url, options, (response) => {
          response.resume(); // the connection is free for the next once it was read
          response.on('end', () => resolve(response.statusCode ?? 0));
          response.on('error', reject);
        })
        .on('error', reject)
        .end(body);
    });
  }

  #tell(error: Error | null): void {
    if (error !== null && !this.#isTroubled)
      this.#parts.onTrouble(`traces do not reach ${withoutUser(this.#parts.url)} and are dropped: ${error.message}`);
    this.#isTroubled = error !== null;
  }
}

/** `The operation was aborted` says nothing: its cause does. */
function causeOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause : error;
}

type HttpClient = Pick<typeof import('node:http'), 'Agent' | 'request'>;

/** Not by `import`: that evaluates all exports of node:http, WebSocket among them, and so loads undici (50 ms of CPU). */
function clientOf(url: string): HttpClient {
  return /^https:/i.test(url) ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
}

function withoutUser(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}
