// Gapless reading of a lane (J7) by a consumer that is opened at last seen + 1, and again on any trouble: a disposable one of its own, or
// one that was made for it (consumer-way.ts).
//
//   closed ◀── close ── any
//   down ── connection up ──▶ opening ── consumer opened ──▶ reading
//   reading ── gap · tail lost · silence · consumer gone · connection back ──▶ opening
//
//   N1. Only what follows the record before without a gap of the consumer's own sequence is given out.
//   N2. A heartbeat that knows of more deliveries than arrived, and silence of several heartbeats, are gaps too.
//   N3. Pulled but not taken bytes stay within twice what the latest `next` asked for (one giant record apart).
//       What a pull has left is counted as the server counts it, so the sum never drifts.
//   N4. A pull is always waiting while there is room: a lone record needs no request of ours to arrive.
//   N5. The name of a consumer of its own is drawn, never derived: who does not know it can neither pull from it nor delete it.
//   N6. A heartbeat comes behind all deliveries before it, and says how far the server has looked for the next: where its count is ours,
//       there is nothing between the last delivery and that place. Whose count it is, is known of a consumer that was served to us
//       afterwards, too, or that has delivered nothing.
//   N7. That a consumer opens is no sign that it delivers: what stands in the way of reading is over with the first sign of life.

import type { Msg, Subscription } from '@nats-io/transport-node';
import { assert } from '../../base/assert.ts';
import { MillraceError } from '../../base/errors.ts';
import { TRACEPARENT } from '../../base/trace-context.ts';
import type { LaneReader, ReadOptions, StoredRecord } from '../../journal/journal.ts';
import { Gone } from './gone.ts';
import { OwnConsumer, type ConsumerWay, type Place } from './consumer-way.ts';
import { API_ERROR } from './jetstream-api.ts';
import type { Link } from './link.ts';
import { parseDelivery } from './delivery.ts';
import { PIN_HEADER } from './pinned-consumer.ts';
import { PullWindow } from './pull-window.ts';

const NS_PER_MS = 1_000_000;
const EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 1_000;
const TICK_MS = 500;
/** Ticks without a sign of life. Counted, not timed: a step that blocked the event loop is no silence of the server. */
const SILENT_TICKS_MAX = 6;
/** Heartbeats come every other tick. */
const HEARD_TICKS_MAX = 3;
/** Whether what is there comes to us is asked after 1, 2, 4 … ticks, and then each time so many have passed: a pull that its owner has
 *  left may have been pinned just before ours came, and is nobody's. What is delivered to others later heartbeats tell (N2), and of pulls that
 *  wait beside ours the server passes over those that are left. */
const DOUBT_TICKS_MAX = 64;
/** Read for so many ticks without trouble, a consumer is held. */
const HELD_TICKS = 10;
const REOPEN_FIRST_MS = 20;
const REOPEN_MAX_MS = 1_000;
const BATCH_MAX = 1_000_000;
/** Subject, ack subject and headers of a delivery: more than enough for any of ours. */
const OVERHEAD_BYTES = 8 * 1024;

export type ReaderOptions = {
  /** The stream is not ours alone: the consumer is asked for with its one subject in the request's own subject, so that the
   *  server can hold a worker to the subjects it may read, and is left to the server instead of deleted. */
  readonly isShared?: boolean;
  /** Absent: by a consumer of its own. */
  readonly way?: ConsumerWay;
  /** Messages are given with their `traceparent`. */
  readonly isTraced?: boolean;
  /** Messages are given with this header. */
  readonly header?: string;
  /** A consumer was made: the reader reads, or reads again. */
  readonly onOpen?: () => void;
};

type Waiter = { readonly resolve: () => void; readonly timer: NodeJS.Timeout };

export class NatsReader implements LaneReader {
  readonly #link: Link;
  readonly #stream: string;
  readonly #way: ConsumerWay;
  readonly #options: ReaderOptions;
  readonly #gone: Gone;
  readonly #unlisten: () => void;
  readonly #window: PullWindow;

  // What was received and not yet taken, and the last stream sequence among it.
  #queue: StoredRecord[] = [];
  #queueStart = 0;
  #lastSequence: number;

  // The consumer of this generation: '' while there is none.
  #generation = 0;
  #consumer = '';
  #inbox = '';
  #subscription: Subscription | null = null;
  #consumerSequence = 0;
  #lookedSequence = 0;
  #nextPull = 0;
  #reopenMs = REOPEN_FIRST_MS;
  #silentTicks = 0;
  #openTicks = 0;
  #wasHeard = false;
  #ticker: NodeJS.Timeout | null = null;

  #waiter: Waiter | null = null;
  #failure: unknown = null;
  #stalled: MillraceError<'MR2111' | 'MR2114'> | null = null;
  #unjudged: MillraceError<'MR2114'> | null = null;
  #closed = false;

  constructor(link: Link, stream: string, { fromSequence, subjects = [] }: ReadOptions, options: ReaderOptions = {}) {
    assert(options.isShared !== true || subjects.length === 1, 'a reader of a shared stream has one subject');
    this.#link = link;
    this.#stream = stream;
    this.#way = options.way ?? new OwnConsumer(link, { stream, subjects, isShared: options.isShared === true });
    this.#options = options;
    this.#gone = new Gone(stream);
    this.#lastSequence = Math.max(fromSequence, 1) - 1;
    this.#window = new PullWindow({ giantBytes: link.payloadBytesMax + OVERHEAD_BYTES });
    this.#unlisten = link.listen((up) => (up ? this.#reopen() : this.#lost()));
  }

  async next({ bytesMax, waitMs }: { readonly bytesMax: number; readonly waitMs: number }): Promise<readonly StoredRecord[]> {
    assert(this.#waiter === null, 'one next at a time');
    this.#window.ask(bytesMax);
    if (this.#ticker === null && !this.#closed) this.#start();
    this.#pull();
    if (this.#queueStart === this.#queue.length && !this.#closed && this.#failure === null) await this.#wait(waitMs);
    if (this.#failure !== null) throw this.#failure;
    const taken = this.#take(bytesMax);
    this.#pull();
    return taken;
  }

  /** Something of this consumer came lately, if only that there is nothing. */
  get isHeard(): boolean {
    return this.#consumer !== '' && this.#wasHeard && this.#silentTicks <= HEARD_TICKS_MAX;
  }

  /** Why nothing can be read, or its end be told, over a connection that is up (N7); null: it can, as far as it is known. */
  get stalled(): MillraceError<'MR2111' | 'MR2114'> | null {
    return this.#stalled ?? this.#unjudged;
  }

  /** Up to here it is stored that messages were given out. */
  stored(sequence: number): void {
    this.#way.stored(sequence);
  }

  /** All up to `sequence` that there is was given out, as far as it is known (N6). */
  async isBehind(sequence: number): Promise<boolean> {
    const [generation, count] = [this.#generation, this.#consumerSequence];
    if (this.#consumer === '' || this.#lookedSequence < sequence) return false;
    const isOurs = count === 0 || (await this.#served()) === 'us';
    return isOurs && generation === this.#generation && count === this.#consumerSequence && this.#queue.length === 0;
  }

  wake(): void {
    const waiter = this.#waiter;
    if (waiter === null) return;
    this.#waiter = null;
    clearTimeout(waiter.timer);
    waiter.resolve();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#unlisten();
    if (this.#ticker !== null) clearInterval(this.#ticker);
    const consumer = this.#consumer;
    this.#drop();
    this.#queue = [];
    this.#queueStart = 0;
    this.wake();
    if (consumer !== '') await this.#way.leave(consumer);
  }

  #start(): void {
    this.#ticker = setInterval(() => this.#tick(), TICK_MS).unref();
    if (this.#link.up) void this.#open(++this.#generation);
  }

  #wait(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiter = { resolve, timer: setTimeout(() => this.wake(), waitMs) };
    });
  }

  #take(bytesMax: number): readonly StoredRecord[] {
    const queue = this.#queue;
    const start = this.#queueStart;
    let end = start;
    let bytes = 0;
    while (end < queue.length) {
      bytes += (queue[end] as StoredRecord).bytes.length;
      if (bytes > bytesMax && end > start) {
        bytes -= (queue[end] as StoredRecord).bytes.length;
        break;
      }
      end++;
    }
    this.#window.took(bytes);
    if (start === 0 && end === queue.length) {
      this.#queue = [];
      return queue;
    }
    const taken = queue.slice(start, end);
    // What was given out must not stay reachable from here.
    this.#queue = queue.slice(end);
    this.#queueStart = 0;
    return taken;
  }

  // ── consumer ──

  async #open(generation: number): Promise<void> {
    this.#inbox = this.#link.newInbox();
    this.#consumerSequence = 0;
    this.#lookedSequence = 0;
    this.#silentTicks = 0;
    this.#openTicks = 0;
    this.#wasHeard = false;
    this.#window.reset();
    try {
      this.#subscription = this.#link.nc.subscribe(`${this.#inbox}.*`, {
        callback: (error, message) => (error === null ? this.#receive(generation, message) : undefined),
      });
    } catch {
      return this.#drop(); // the connection is closing; there is nothing to come back to
    }
    const answer = await this.#way.open(this.#lastSequence);
    if (generation !== this.#generation) {
      if (answer.kind === 'ok') await this.#way.leave(answer.value);
      return;
    }
    if (answer.kind === 'ok') {
      this.#consumer = answer.value;
      this.#gone.reset();
      if (!this.#way.isContested) this.#reopenMs = REOPEN_FIRST_MS;
      this.#options.onOpen?.();
      this.#pull();
      if (this.#window.pulls === 0) this.#stalled = null; // nothing is asked for, so nothing will be heard
      return;
    }
    this.#drop();
    try {
      if (answer.kind === 'absent') this.#unanswered(answer.reason);
      else if (answer.error.err_code === API_ERROR.consumerNotFound) this.#missed(answer.error);
      else if (answer.error.err_code === API_ERROR.streamNotFound) this.#gone.missed();
      else
        throw new MillraceError('MR1005', {
          url: this.#stream,
          problem: `no reader can be made: ${answer.error.description} (${answer.error.err_code})`,
        });
    } catch (error) {
      this.#failure = error;
      this.wake();
      return;
    }
    this.#reopenLater();
  }

  /** One that was made for it is made again by who made it. */
  #missed({ description, err_code }: { readonly description: string; readonly err_code: number }): void {
    this.#gone.reset();
    this.#stalled = new MillraceError('MR2111', {
      stream: this.#stream,
      consumer: this.#way.name ?? '',
      problem: `${description} (${err_code})`,
    });
  }

  #unanswered(problem: string): void {
    this.#gone.reset();
    this.#stalled = new MillraceError('MR2114', { stream: this.#stream, problem });
  }

  async #served(): Promise<'us' | 'others' | 'unknown'> {
    const served = await this.#way.served();
    if (typeof served === 'string') {
      this.#unjudged = null;
      return served;
    }
    this.#unjudged = this.#link.up ? new MillraceError('MR2114', { stream: this.#stream, problem: served.absent }) : null;
    return 'unknown';
  }

  /** The connection, of which others tell. */
  #lost(): void {
    this.#stalled = this.#unjudged = null;
    this.#drop();
  }

  /** Leaves the consumer; the queue stays, it is whole. */
  #drop(): void {
    this.#generation++;
    this.#subscription?.unsubscribe();
    this.#subscription = null;
    this.#consumer = '';
    this.#window.reset();
  }

  #reopen(): void {
    const consumer = this.#consumer;
    this.#drop();
    if (this.#closed || this.#failure !== null || this.#ticker === null || !this.#link.up) return;
    if (consumer !== '') void this.#way.leave(consumer);
    void this.#open(++this.#generation);
  }

  #reopenLater(): void {
    const generation = this.#generation;
    setTimeout(
      () => {
        if (generation === this.#generation) this.#reopen();
      },
      this.#reopenMs * (this.#way.isContested ? 1 - Math.random() / 2 : 1),
    ).unref();
    this.#reopenMs = Math.min(this.#reopenMs * 2, REOPEN_MAX_MS);
  }

  /** Something may be missing. Where somebody else may be the reason, each has its time. */
  #regain(): void {
    if (!this.#way.isContested) return this.#reopen();
    this.#drop();
    this.#reopenLater();
  }

  #tick(): void {
    if (this.#consumer === '' || this.#window.pulls === 0) {
      this.#silentTicks = 0;
      return;
    }
    if (++this.#openTicks === HELD_TICKS) this.#reopenMs = REOPEN_FIRST_MS;
    if (++this.#silentTicks > SILENT_TICKS_MAX) {
      this.#unanswered(`a pull has had no heartbeat for ${(SILENT_TICKS_MAX * TICK_MS) / 1_000} s`);
      this.#reopen();
    } else if (this.#way.isInDoubt && isDoubtDue(this.#openTicks)) void this.#doubt(this.#generation);
  }

  async #doubt(generation: number): Promise<void> {
    if ((await this.#served()) === 'others' && generation === this.#generation) this.#regain();
  }

  #place(): Place {
    return { consumerSequence: this.#consumerSequence, sequence: this.#lastSequence };
  }

  // ── pulls and what comes of them ──

  #pull(): void {
    if (this.#consumer === '') return;
    while (this.#way.mayPull) {
      const bytes = this.#window.nextPull();
      if (bytes === 0) return;
      const pull = (this.#nextPull++).toString(36);
      this.#window.pulled(pull, bytes);
      const request = this.#way.pull({
        batch: BATCH_MAX,
        max_bytes: bytes,
        expires: EXPIRES_MS * NS_PER_MS,
        idle_heartbeat: HEARTBEAT_MS * NS_PER_MS,
      });
      try {
        this.#link.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.${this.#consumer}`, JSON.stringify(request), {
          reply: `${this.#inbox}.${pull}`,
        });
      } catch {
        return this.#drop(); // closing; nothing more will come
      }
    }
  }

  #receive(generation: number, message: Msg): void {
    if (generation !== this.#generation) return;
    this.#silentTicks = 0;
    this.#wasHeard = true;
    this.#stalled = null;
    const delivery = parseDelivery(message.reply);
    if (delivery === null) return this.#onStatus(message);
    const judged = this.#way.judge(delivery, this.#place(), () => message.headers?.get(PIN_HEADER) ?? '');
    if (judged === 'broken') return this.#regain();
    this.#unjudged = null;
    this.#consumerSequence = delivery.consumerSequence;
    const bytes = message.data;
    if (judged === 'known') {
      this.#window.received({ wireBytes: deliverySize(message, this.#way.pinBytes), payloadBytes: 0 });
      return this.#pull();
    }
    this.#lastSequence = delivery.sequence;
    this.#window.received({ wireBytes: deliverySize(message, this.#way.pinBytes), payloadBytes: bytes.length });
    const header = this.#options.header === undefined ? undefined : message.headers?.get(this.#options.header);
    const stored = {
      subject: message.subject,
      sequence: delivery.sequence,
      bytes,
      storedMs: delivery.storedMs,
      ...(header === undefined ? {} : { header }),
    };
    const traceparent = this.#options.isTraced === true ? message.headers?.get(TRACEPARENT) : undefined;
    this.#queue.push(traceparent === undefined || traceparent === '' ? stored : { ...stored, traceparent });
    this.wake();
    // More room for the server's next while these are being taken: keeps the line busy.
    this.#pull();
  }

  #onStatus(message: Msg): void {
    const headers = message.headers;
    const code = headers?.code ?? 0;
    if (code === 100) {
      const last = Number(headers?.get('Nats-Last-Consumer') ?? '');
      if (last > this.#consumerSequence) return this.#regain(); // N2: delivered, never arrived
      if (last === this.#consumerSequence) this.#lookedSequence = Number(headers?.get('Nats-Last-Stream') ?? '');
      return;
    }
    const pending = headers?.get('Nats-Pending-Bytes') ?? '';
    const pull = message.subject.slice(this.#inbox.length + 1);
    if (code === 408 || (code === 409 && pending !== '')) {
      this.#window.ended(pull, pending === '' ? null : Number(pending));
      this.#way.ended();
      return this.#pull();
    }
    // Consumer deleted, leadership change, no responders, bad request, somebody else pinned (423): open another, not in a hurry.
    this.#drop();
    this.#reopenLater();
  }
}

function isDoubtDue(ticks: number): boolean {
  return ticks < DOUBT_TICKS_MAX ? (ticks & (ticks - 1)) === 0 : ticks % DOUBT_TICKS_MAX === 0;
}

/** A delivery as the server counts it against max_bytes: subject, ack subject, headers but its own, payload. */
function deliverySize(message: Msg, pinBytes: number): number {
  // The client knows it (size()) but does not declare it; taking the headers apart to count them costs a lot more.
  return (message as Msg & { size(): number }).size() - pinBytes;
}
