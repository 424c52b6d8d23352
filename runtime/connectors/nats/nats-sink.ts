// A NATS subject as a sink: each result (or `batch` lines) a message, exactly once, for ordinary clients.
//
// The subject is written by this sink's partition only, and every message says which record and line it came from. The
// messages form a chain: each is stored only behind the one that its writer saw last.
//   C1. What was written is what the subject says. Recovery reads its last message and goes on behind that id, so a
//       record that was applied half is continued, and one that was applied whole is passed. No dedupe window.
//   C2. A zombie's message is refused, since the subject has moved on. It then reads the last id like any other, finds
//       its record applied, and is done; should both continue one record, each message goes to whoever is first, and
//       it is the same message: records were committed under the fence before anyone applies them.
//   C3. An unanswered message is looked up, never sent again blindly (J4).
//   C4. Messages of another run of this sink are left where they are: a fresh run goes on behind them. Anything else
//       behind which this sink would have to write is a conflict (MR4002).
//   C5. When the last message is gone (limits of the stream, a purge), a writer that knows the fate of all it sent goes
//       on; one that does not, because it is new, stops with MR4002 rather than to guess.
//   C7. A result of a traced event carries its context (`traceparent`); what is written again after a crash may come without. With
//       several results a message it is that of the first traced one.
//   C6. A job that goes on from a savepoint of another begins behind the last result that was written before it: that, and nothing
//       later of that other job, may be the subject's last message. What came later would come a second time.

import { Buffer } from 'node:buffer';
import { API_ERROR, callApi } from '../../adapters/nats/jetstream-api.ts';
import type { Link } from '../../adapters/nats/link.ts';
import type { SinkSpec } from '../../../crds/stream-job/spec.ts';
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { isError, isRetry, MillraceError } from '../../base/errors.ts';
import { traceAt } from '../../event/trace-marks.ts';
import type { TraceMark } from '../../event/trace-marks.ts';
import { formatTraceparent, TRACEPARENT } from '../../base/trace-context.ts';
import type { TraceContext } from '../../base/trace-context.ts';
import { encodeJsonLine } from '../../event/codec/json-lines.ts';
import type { SinkConnector, SinkRecord, SinkState, SinkWriter } from '../sink.ts';
import { publishFenced, type Message } from './fenced-publish.ts';
import { formatResultId, ID_HEADER, parseResultId, type ResultId, type ResultOrigin } from './result-id.ts';
import { ensureSinkStream, findSinkStream, type UserStream } from './user-streams.ts';

export type NatsSinkEnv = {
  readonly link: Link;
  readonly job: string;
  /** The same for all workers and restarts of one run. */ readonly runId: string;
  readonly uniqueId: () => string;
  readonly clock: Clock;
  /** The stream is made by somebody else and named by the spec: it is found, never made. */
  readonly attachOnly?: boolean | undefined;
};
type NatsSink = SinkSpec & { readonly nats: NonNullable<SinkSpec['nats']> };

/** Finds or makes the stream. Rejects with BadDeclaration when the subject can't be written. */
export async function makeNatsSink(spec: NatsSink, env: NatsSinkEnv): Promise<SinkConnector> {
  assert(/^[A-Za-z0-9_-]{1,64}$/.test(env.runId), () => `the run id ${JSON.stringify(env.runId)} can be part of a result id`);
  await sinkStream(spec, env, 0);
  return {
    guarantee: 'exactly-once',
    initial: { results: 0 },
    open: async (partition) => new NatsWriter(spec, env, { partition, stream: await sinkStream(spec, env, partition) }),
  };
}

function sinkStream(spec: NatsSink, { link, attachOnly }: NatsSinkEnv, partition: number): Promise<UserStream> {
  const wish = wishOf(spec, partition);
  return attachOnly === true ? findSinkStream(link, wish) : ensureSinkStream(link, wish);
}

/** Partition 0 writes the declared subject; the others, where a sink has several, one below it. */
function wishOf(
  { name, nats }: NatsSink,
  partition: number,
): { readonly sink: string; readonly stream: string | undefined; readonly subject: string } {
  return { sink: name, stream: nats.stream, subject: partition === 0 ? nats.subject : `${nats.subject}.${partition}` };
}

/** Messages of an atomic batch (ADR-50: 1000) and their bytes: a batch is held in the server's memory until its end. */
const BATCH_MESSAGES_MAX = 1000;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** Room for the headers of one message. */
const HEADERS_BYTES_MAX = 1024;
/** Refusals in one `apply`, each followed by a look at the subject; more of them mean that someone else writes it. */
const REFUSALS_MAX = 20;
/** A server that starts, or elects, may miss a stream for a moment; after this it is really not there. */
const GONE_AFTER_MS = 3_000;
const ATOMIC_DISABLED = 10174;
const NO_RESPONDERS = 503;
const BATCH_TOO_LARGE = 10199;
const LINE_FEED = 10;

/** Where the subject ends. `next`: the first line of record `record` that is not there yet. Record 0: none of this run. */
type Tail = { readonly sequence: number; readonly record: number; readonly next: number };
const NOTHING: Tail = { sequence: 0, record: 0, next: 0 };
type StoredWithHeaders = { readonly message: { readonly seq: number; readonly data?: string; readonly hdrs?: string } };

class NatsWriter implements SinkWriter {
  readonly #spec: NatsSink;
  readonly #env: NatsSinkEnv;
  readonly #origin: ResultOrigin;
  readonly #subject: string;
  #stream: UserStream;
  #batchMessagesMax = BATCH_MESSAGES_MAX;
  /** null: to be read before anything is written. */
  #tail: Tail | null = null;
  /** Where the subject ended when it was last known; kept while `#tail` is in doubt. */
  #known: Tail | null = null;
  /** A message was sent whose fate is unknown. */
  #doubt = false;
  #goneSinceMs: number | null = null;

  constructor(spec: NatsSink, env: NatsSinkEnv, place: { readonly partition: number; readonly stream: UserStream }) {
    this.#spec = spec;
    this.#env = env;
    this.#stream = place.stream;
    this.#origin = { runId: env.runId, job: env.job, sink: spec.name, partition: place.partition };
    this.#subject = wishOf(spec, place.partition).subject;
  }

  prepare(batches: Parameters<SinkWriter['prepare']>[0], before: SinkState): ReturnType<SinkWriter['prepare']> {
    const lines: string[] = [];
    const failed: { value: unknown; timeMs: number; problem: string; trace?: TraceContext | undefined }[] = [];
    const bytesMax = this.#messageBytesMax();
    const traces: TraceMark[] = [];
    for (const batch of batches) {
      const { values, times } = batch;
      for (let i = 0; i < values.length; i++) {
        const encoded = encodeJsonLine(values[i]);
        const problem = 'problem' in encoded ? encoded.problem : tooLarge(encoded.line, bytesMax);
        if (problem !== null) failed.push({ value: values[i], timeMs: times[i] as number, problem, trace: traceAt(batch, i) });
        else if ('line' in encoded) {
          const context = traceAt(batch, i);
          if (context !== undefined) traces.push({ at: lines.length, context });
          lines.push(encoded.line);
        }
      }
    }
    const payload = lines.length === 0 ? Buffer.alloc(0) : Buffer.from(`${lines.join('\n')}\n`);
    const after = lines.length === 0 ? before : { results: resultsOf(before) + lines.length };
    return { payload, count: lines.length, after, failed, traces };
  }

  async apply(record: SinkRecord): Promise<void> {
    if (record.count === 0) return;
    const ends = lineEnds(record.payload);
    assert(
      ends.length === record.count,
      () => `record ${record.number} of sink ${this.#spec.name} has ${record.count} lines, not ${ends.length}`,
    );
    for (let refusals = 0; refusals < REFUSALS_MAX;) {
      this.#tail ??= await this.#readTail(record);
      const { record: at, next } = this.#tail;
      if (at > record.number) return; // a newer owner is past it
      const from = at === record.number ? next : 0;
      if (from >= record.count) return;
      await this.#publish(record, { ends, from }, this.#tail);
      if (this.#tail === null) refusals++;
    }
    throw this.#blocked(`refused ${REFUSALS_MAX} times; something else writes this subject`);
  }

  async finish(): Promise<void> {}

  async close(): Promise<void> {}

  /** Publishes one batch of messages from line `from` on, and notes where the subject ends then. */
  async #publish(
    record: SinkRecord,
    { ends, from }: { readonly ends: readonly number[]; readonly from: number },
    tail: Tail,
  ): Promise<void> {
    const { messages, lineCounts } = this.#messages(record, ends, from);
    const { link, uniqueId } = this.#env;
    const result = await publishFenced(messages, {
      link,
      subject: this.#subject,
      expected: tail.sequence,
      atomic: this.#stream.atomic,
      batchId: uniqueId,
    });
    const next = from + lineCounts.slice(0, result.stored).reduce((sum, count) => sum + count, 0);
    this.#known = result.stored === 0 ? tail : { sequence: result.lastSequence, record: record.number, next };
    this.#tail = result.end === null ? this.#known : null;
    if (result.stored > 0) this.#goneSinceMs = null;
    if (result.end === null) return;
    switch (result.end.kind) {
      case 'refused':
      case 'in-flight':
        return; // the subject is read again
      case 'unknown':
        this.#doubt = true;
        throw this.#blocked(result.end.reason);
      case 'busy':
        return this.#onBusy(result.end.code ?? null, result.end.reason);
    }
  }

  async #onBusy(code: number | null, reason: string): Promise<void> {
    if (code === ATOMIC_DISABLED) this.#stream = { ...this.#stream, atomic: false };
    else if (code === BATCH_TOO_LARGE && this.#batchMessagesMax > 1) this.#batchMessagesMax >>= 1;
    else {
      // The stream may have lost this subject to another worker that added its own at the same time.
      if (code === NO_RESPONDERS && this.#isGone()) await this.#ensure();
      throw this.#blocked(reason);
    }
  }

  /** No stream took the subject, for long enough to believe it. */
  #isGone(): boolean {
    const nowMs = this.#env.clock.monotonicMs();
    this.#goneSinceMs ??= nowMs;
    return nowMs - this.#goneSinceMs >= GONE_AFTER_MS;
  }

  async #ensure(): Promise<void> {
    try {
      this.#stream = await sinkStream(this.#spec, this.#env, this.#origin.partition);
    } catch (error) {
      throw isError(error, 'MR1003') || isRetry(error) ? this.#blocked((error as Error).message) : error;
    }
  }

  #messages(
    record: SinkRecord,
    ends: readonly number[],
    from: number,
  ): { readonly messages: readonly Message[]; readonly lineCounts: readonly number[] } {
    const messages: Message[] = [];
    const lineCounts: number[] = [];
    const bytesMax = this.#messageBytesMax();
    let bytes = 0;
    for (let line = from; line < ends.length && messages.length < this.#batchMessagesMax && bytes < BATCH_BYTES_MAX;) {
      const begin = line === 0 ? 0 : (ends[line - 1] as number) + 1;
      let last = line;
      while (last + 1 < ends.length && last + 1 - line < this.#spec.nats.batch && (ends[last + 1] as number) - begin <= bytesMax) last++;
      const data = record.payload.subarray(begin, ends[last]);
      const context = record.traces?.find(({ at }) => at >= line && at <= last)?.context;
      const headers = { [ID_HEADER]: formatResultId({ ...this.#origin, record: record.number, index: line }) };
      messages.push({ data, headers: context === undefined ? headers : { ...headers, [TRACEPARENT]: formatTraceparent(context) } });
      lineCounts.push(last + 1 - line);
      bytes += data.length;
      line = last + 1;
    }
    return { messages, lineCounts };
  }

  #messageBytesMax(): number {
    const { messageBytesMax } = this.#stream;
    const payloadBytesMax = this.#env.link.payloadBytesMax;
    return (messageBytesMax > 0 ? Math.min(messageBytesMax, payloadBytesMax) : payloadBytesMax) - HEADERS_BYTES_MAX;
  }

  async #readTail(record: SinkRecord): Promise<Tail> {
    const answer = await callApi<StoredWithHeaders>(this.#env.link, `STREAM.MSG.GET.${this.#stream.name}`, { last_by_subj: this.#subject });
    if (answer.kind === 'absent') throw this.#blocked(answer.reason);
    const tail =
      answer.kind === 'ok'
        ? this.#tailOf(answer.value, record)
        : await this.#emptyTail(answer.error.err_code, answer.error.description, record);
    this.#known = tail;
    this.#doubt = false;
    return tail;
  }

  async #emptyTail(code: number, description: string, record: SinkRecord): Promise<Tail> {
    const written = resultsOf(record.before);
    if (code === API_ERROR.streamNotFound) return this.#goneStream(written);
    if (code !== API_ERROR.messageNotFound) throw this.#blocked(`${description} (${code})`);
    if (this.#known !== null && !this.#doubt) return { ...this.#known, sequence: 0 };
    if (written === 0 || behindOf(record.before) !== null) return NOTHING;
    throw this.#conflict(
      `the subject ${this.#subject} is empty although ${written} results of this run were written to it; what was written last can't be known`,
    );
  }

  async #goneStream(written: number): Promise<Tail> {
    if (!this.#isGone()) throw this.#blocked(`the stream ${this.#stream.name} does not answer`);
    if (written > 0 || (this.#known?.record ?? 0) > 0)
      throw this.#conflict(`the stream ${this.#stream.name} is gone, with the results of this run`);
    await this.#ensure();
    return NOTHING;
  }

  #tailOf({ message }: StoredWithHeaders, record: SinkRecord): Tail {
    const id = idOf(message.hdrs);
    const { job, sink, partition, runId } = this.#origin;
    const behind = behindOf(record.before);
    if (behind !== null && id !== null && id.job === behind.job && id.runId === behind.runId && id.sink === sink)
      return this.#behind({ id, sequence: message.seq }, behind);
    if (id === null || id.job !== job || id.sink !== sink || id.partition !== partition) {
      throw this.#conflict(
        `the subject ${this.#subject} has messages that this sink did not write (the last one is sequence ${message.seq})`,
      );
    }
    if (id.runId !== runId) {
      if (
        this.#known === null
          ? resultsOf(record.before) === 0 || behind !== null
          : this.#known.record === 0 && this.#known.sequence === message.seq
      )
        return { sequence: message.seq, record: 0, next: 0 };
      throw this.#conflict(`another run (${id.runId}) writes the subject ${this.#subject}`);
    }
    const lines = Buffer.from(message.data ?? '', 'base64')
      .toString('latin1')
      .split('\n').length;
    return { sequence: message.seq, record: id.record, next: id.index + lines };
  }

  /** C6. */
  #behind({ id, sequence }: { readonly id: ResultId; readonly sequence: number }, behind: Behind): Tail {
    if (id.record <= behind.record) return { sequence, record: 0, next: 0 };
    throw this.#conflict(
      `job ${behind.job} has written ${this.#subject} after its savepoint was taken (record ${id.record}, the savepoint ends at ${behind.record}): its results would come a second time`,
    );
  }

  #blocked(problem: string): MillraceError {
    this.#tail = null;
    return new MillraceError('MR4001', { sink: this.#spec.name, path: this.#subject, problem });
  }

  #conflict(problem: string): MillraceError {
    return new MillraceError('MR4002', { sink: this.#spec.name, problem });
  }
}

/** The job of a savepoint, and the record with its last result. */
type Behind = { readonly job: string; readonly runId: string; readonly record: number };

/** What a savepoint left in the state (worker/savepoint.ts), until the first own result. */
function behindOf({ behindJob: job, behindRun: runId, behindRecord: record }: SinkState): Behind | null {
  return typeof job === 'string' && typeof runId === 'string' && typeof record === 'number' ? { job, runId, record } : null;
}

function tooLarge(line: string, bytesMax: number): string | null {
  if (line.length * 3 <= bytesMax) return null; // no character takes more than 3 bytes a unit
  const bytes = Buffer.byteLength(line);
  return bytes <= bytesMax ? null : `the result has ${bytes} bytes, more than a message may have (${bytesMax})`;
}

/** Where each line of the payload ends. */
function lineEnds(payload: Uint8Array): readonly number[] {
  const ends: number[] = [];
  for (let at = payload.indexOf(LINE_FEED); at >= 0; at = payload.indexOf(LINE_FEED, at + 1)) ends.push(at);
  return ends;
}

/** The id in the headers of a stored message (base64 of `NATS/1.0`, then a line each). */
function idOf(headers: string | undefined): ResultId | null {
  const text = Buffer.from(headers ?? '', 'base64').toString('latin1');
  const line = text.split('\r\n').find((one) => one.startsWith(`${ID_HEADER}:`));
  return line === undefined ? null : parseResultId(line.slice(ID_HEADER.length + 1).trim());
}

function resultsOf(state: SinkState): number {
  const { results } = state;
  assert(
    typeof results === 'number' && Number.isSafeInteger(results) && results >= 0,
    () => `a NATS sink's state has its results, not ${JSON.stringify(state)}`,
  );
  return results;
}
