// JetStream subjects as a source: each declared subject is one split, read in stream order.
//
//   O1. The position names the last message whose events were all given (and the lines given of the next), never a
//       consumer's state: consumers are disposable (J7).
//   O2. Where a bounded split ends, and where `latest` begins, is fixed by the first read of the run and carried in the
//       position: a run that goes on later ends and began at the same messages.
//   O3. Messages that are gone before they were read are told by a dead letter, where it can be known: the split is all
//       of its stream, and the stream does not thin out subjects by itself.
//   O4. Of the stream, which others may use too, a reader takes no more than the declared subject: it asks by consumers whose
//       subject the server can hold against its rights, or by one that was made for it, and reads no message by its number.

import { Buffer, isAscii } from 'node:buffer';
import type { NatsReader } from '../../adapters/nats/nats-reader.ts';
import { stockConsumer as stockName, type StockOwner } from '../../adapters/nats/stock-consumer.ts';
import type { Link } from '../../adapters/nats/link.ts';
import type { SourceSpec } from '../../../crds/stream-job/sources.ts';
import type { Clock } from '../../base/clock.ts';
import type { MillraceError } from '../../base/errors.ts';
import { parseTraceparent } from '../../base/trace-context.ts';
import type { TraceContext } from '../../base/trace-context.ts';
import type { TraceMark } from '../../event/trace-marks.ts';
import type { Value } from '../../event/batch.ts';
import { invalidUtf8, utf8Text } from '../../event/codec/json.ts';
import { compileJsonEvent, compileJsonEventAgain, type EventDecoder } from '../../event/codec/json-event.ts';
import type { StoredRecord } from '../../journal/journal.ts';
import type { SourceConnector, SourcePosition, SourceRead, SourceReader } from '../source.ts';
import { LARGE_EVENT_HEAD_BYTES, shownEvent, tooLargeLetter, undecodableLetter, type SourceLetter } from '../source-letters.ts';
import { ownConsumers, stockConsumer, type SplitWay } from './split-way.ts';
import { findSourceStream, type UserStream } from './user-streams.ts';

export type NatsSourceEnv = {
  readonly link: Link;
  readonly clock: Clock;
  readonly isTraced?: boolean | undefined;
  /** Splits are read by consumers that were made for these; absent: by consumers of the readers' own. */
  readonly stock?: StockOwner | undefined;
};
type NatsSource = SourceSpec & { readonly nats: NonNullable<SourceSpec['nats']> };

/** Finds the streams. Rejects with BadDeclaration when a subject has none. */
export async function makeNatsSource(spec: NatsSource, env: NatsSourceEnv): Promise<SourceConnector> {
  const { subjects, stream } = spec.nats;
  for (const [index, subject] of subjects.entries()) await find(env.link, spec, { subject, stream, index });
  return {
    splitCount: subjects.length,
    decodeAgain: compileJsonEventAgain(spec.schema),
    open: async (split, position) => {
      const subject = subjects[split] as string;
      const found = await find(env.link, spec, { subject, stream, index: split });
      const way = wayTo(found, spec, { ...env, subject, split });
      const at = position === null ? await beginning(spec, found, way) : toPlace(position);
      return new NatsSplitReader(spec, { ...env, stream: found, subject, at, way, isStored: position !== null });
    },
  };
}

function wayTo(
  stream: UserStream,
  spec: NatsSource,
  { link, stock, isTraced = false, subject, split }: NatsSourceEnv & { readonly subject: string; readonly split: number },
): SplitWay {
  const options = { stream, subject, isTraced };
  if (stock === undefined) return ownConsumers(link, options);
  return stockConsumer(link, { ...options, consumer: stockName(stock, { source: spec.name, split, stream: stream.name, subject }) });
}

function find(
  link: Link,
  spec: NatsSource,
  at: { readonly subject: string; readonly stream: string | undefined; readonly index: number },
): Promise<UserStream> {
  return findSourceStream(link, { source: spec.name, stream: at.stream, subject: at.subject, path: `nats.subjects[${at.index}]` });
}

/** `sequence`: all events up to this message were given. `line`: and so many of the next message. `until`: the last one of a bounded split. */
type Place = { readonly sequence: number; readonly line: number; readonly until: number | null };

function toPlace(position: SourcePosition): Place {
  const until = position['untilSequence'] ?? null;
  return { sequence: Number(position['sequence']), line: Number(position['line'] ?? 0), until: until === null ? null : Number(until) };
}

async function beginning(spec: NatsSource, stream: UserStream, way: SplitWay): Promise<Place> {
  const until = spec.nats.bounded ? await way.end() : null;
  const sequence = spec.nats.startFrom === 'latest' ? stream.lastSequence : 0;
  return { sequence, line: 0, until };
}

type Limits = Parameters<SourceReader['read']>[0];
type Options = NatsSourceEnv & {
  readonly stream: UserStream;
  readonly subject: string;
  readonly at: Place;
  /** The journal says so. */
  readonly isStored: boolean;
  readonly way: SplitWay;
};

/** What one `read` gathers. */
type Gathered = {
  readonly values: Value[];
  readonly places: number[];
  readonly deadLetters: SourceLetter[];
  readonly traces: TraceMark[];
  bytes: number;
  ingestMs: number;
};

const LINE_FEED = 10;
const RETURN = 13;

class NatsSplitReader implements SourceReader {
  readonly #spec: NatsSource;
  readonly #options: Options;
  readonly #decode: EventDecoder;
  readonly #reader: NatsReader;
  /** Every message of the stream is one of this split, and none is removed but by age or size. */
  readonly #whole: boolean;
  #place: Place;
  /** Where it begins is to be stored first: not told yet, told, stored. */
  #beginning: 'new' | 'told' | 'stored';
  #onStored: (() => void) | null = null;
  #queue: readonly StoredRecord[] = [];
  #next = 0; // in the queue
  /** What the message that is taken says of its trace. */
  #context: TraceContext | null = null;
  #lineAt = 0; // byte of the current message at which its next line begins

  constructor(spec: NatsSource, options: Options) {
    this.#spec = spec;
    this.#options = options;
    this.#decode = compileJsonEvent(spec.schema);
    this.#place = options.at;
    this.#whole = options.stream.messagesPerSubjectMax <= 0 && options.stream.subjects.join() === options.subject;
    const { sequence } = options.at;
    this.#beginning = options.isStored || sequence === 0 || !options.way.storesBeginning ? 'stored' : 'new';
    this.#reader = options.way.open({ sequence, storedSequence: options.isStored ? sequence : 0 });
  }

  async read(limits: Limits): Promise<SourceRead> {
    const gathered: Gathered = { values: [], places: [], deadLetters: [], traces: [], bytes: 0, ingestMs: Infinity };
    const fixes = this.#beginning === 'new' && !this.#isDone();
    if (fixes) this.#beginning = 'told';
    else if (this.#beginning === 'told') await this.#untilStored(limits.waitMs);
    if (this.#beginning === 'stored') await this.#gather(gathered, limits);
    const { values, places, deadLetters, traces, bytes, ingestMs } = gathered;
    const nowMs = this.#options.clock.nowMs();
    return {
      values,
      places,
      placeWord: 'seq',
      deadLetters,
      traces: traces.length === 0 ? undefined : traces,
      position: this.#position(),
      ingestMs: Math.min(ingestMs, nowMs),
      done: this.#isDone(),
      bytes,
      progress: this.#progress(),
      ...(fixes ? { fixes } : {}),
    };
  }

  async #gather(gathered: Gathered, limits: Limits): Promise<void> {
    if (!this.#isDone() && this.#next === this.#queue.length) await this.#load(limits);
    while (this.#next < this.#queue.length && !this.#isDone() && this.#hasRoom(gathered, limits)) {
      this.#take(this.#queue[this.#next] as StoredRecord, gathered, limits);
    }
  }

  #untilStored(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#onStored = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  stored(position: SourcePosition): void {
    const { sequence } = position;
    if (typeof sequence !== 'number') return; // a replay's
    this.#beginning = 'stored';
    this.#onStored?.();
    this.#reader.stored(sequence);
  }

  get isHeard(): boolean {
    return this.#reader.isHeard;
  }

  get stalled(): MillraceError | null {
    return this.#reader.stalled;
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  #isDone(): boolean {
    return this.#place.until !== null && this.#place.sequence >= this.#place.until;
  }

  #hasRoom(gathered: Gathered, limits: Limits): boolean {
    return gathered.values.length + gathered.deadLetters.length < limits.eventsMax && gathered.bytes < limits.bytesMax;
  }

  async #load({ bytesMax, waitMs }: Limits): Promise<void> {
    this.#queue = await this.#reader.next({ bytesMax, waitMs });
    this.#next = 0;
    if (this.#queue.length === 0 && this.#place.until !== null) await this.#endIfOver(this.#place.until);
  }

  /** The last message of a bounded split may have been removed, or be none of its subject; then none will ever come. */
  async #endIfOver(until: number): Promise<void> {
    const isOver = await this.#options.way.isOver(this.#reader, { sequence: this.#place.sequence, until });
    if (isOver) this.#place = { sequence: until, line: 0, until };
  }

  /** Takes one message, or as many of its lines as there is room for. */
  #take(record: StoredRecord, gathered: Gathered, limits: Limits): void {
    const { until, sequence } = this.#place;
    if (until !== null && record.sequence > until) {
      this.#place = { sequence: until, line: 0, until };
      return;
    }
    if (this.#whole && this.#lineAt === 0 && sequence > 0 && record.sequence > sequence + 1)
      gathered.deadLetters.push(this.#goneLetter(sequence + 1, record.sequence - 1));
    if (record.storedMs < gathered.ingestMs) gathered.ingestMs = record.storedMs;
    const { bytes, traceparent } = record;
    this.#context = traceparent === undefined ? null : parseTraceparent(traceparent);
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#spec.nats.format === 'json') {
      this.#event(buffer, { from: 0, to: buffer.length, sequence: record.sequence, line: 0 }, gathered);
    } else if (!this.#lines(buffer, record.sequence, gathered, limits)) {
      return;
    }
    this.#next++;
    this.#lineAt = 0;
    this.#place = { sequence: record.sequence, line: 0, until };
  }

  /** True when all lines of the message were taken. */
  #lines(buffer: Buffer, sequence: number, gathered: Gathered, limits: Limits): boolean {
    // Most JSON is ASCII: then characters are bytes, and one text for all lines costs a fifth less than one for each.
    const ascii = isAscii(buffer) ? buffer.toString('latin1') : null;
    let passing = this.#lineAt === 0 ? this.#place.line : 0; // lines given before this reader was opened
    let line = this.#place.line - passing;
    while (this.#lineAt < buffer.length) {
      if (passing === 0 && !this.#hasRoom(gathered, limits)) {
        this.#place = { ...this.#place, line };
        return false;
      }
      const feed = buffer.indexOf(LINE_FEED, this.#lineAt);
      const end = feed < 0 ? buffer.length : feed;
      const to = end > this.#lineAt && buffer[end - 1] === RETURN ? end - 1 : end;
      line++;
      if (passing > 0) passing--;
      else if (to > this.#lineAt) this.#event(buffer, { from: this.#lineAt, to, sequence, line }, gathered, ascii);
      this.#lineAt = end + 1;
    }
    return true;
  }

  /** `ascii`: the buffer's text, where that is known to be ASCII. */
  #event(buffer: Buffer, at: At, gathered: Gathered, ascii: string | null = null): void {
    const bytes = at.to - at.from;
    gathered.bytes += bytes;
    if (bytes > this.#spec.maxEventBytes) {
      const head = buffer.toString('utf8', at.from, at.from + LARGE_EVENT_HEAD_BYTES);
      gathered.deadLetters.push(
        this.#traced(tooLargeLetter(this.#spec.name, placeOf(at), { bytes, bytesMax: this.#spec.maxEventBytes, head })),
      );
      return;
    }
    const text = ascii === null ? utf8Text(buffer, at.from, at.to) : ascii.slice(at.from, at.to);
    if (text === null) return this.#bad(at, { issues: [invalidUtf8(buffer, at.from, at.to)], event: shownEvent(buffer, at) }, gathered);
    const decoded = this.#decode(text);
    if ('issues' in decoded) return this.#bad(at, { issues: decoded.issues, event: shownEvent(buffer, at, decoded.event) }, gathered);
    if (this.#context !== null) gathered.traces.push({ at: gathered.values.length, context: this.#context });
    gathered.values.push(decoded.value);
    gathered.places.push(at.sequence);
  }

  #bad(at: At, why: { readonly issues: readonly string[]; readonly event: Value }, gathered: Gathered): void {
    gathered.deadLetters.push(this.#traced(undecodableLetter(this.#spec.name, placeOf(at), why)));
  }

  #traced(letter: SourceLetter): SourceLetter {
    return this.#context === null ? letter : { ...letter, trace: this.#context };
  }

  #goneLetter(from: number, to: number): SourceLetter {
    const [place, they] = from === to ? [`seq ${from}`, 'it was'] : [`seq ${from} to ${to}`, 'they were'];
    const issues = [`gone from the stream ${this.#options.stream.name} before ${they} read: removed by its limits, or deleted`];
    return undecodableLetter(this.#spec.name, place, { issues, event: null });
  }

  #position(): SourcePosition {
    const { sequence, line, until } = this.#place;
    return { sequence, line, untilSequence: until };
  }

  #progress(): number | null {
    const { sequence, until } = this.#place;
    if (until === null) return null;
    const before = Math.max(0, Math.min(this.#options.stream.firstSequence - 1, until));
    return until === before ? 1 : Math.min(1, Math.max(0, (sequence - before) / (until - before)));
  }
}

/** Bytes [from, to) of a message; `line` 0: the message is one event. */
type At = { readonly from: number; readonly to: number; readonly sequence: number; readonly line: number };

function placeOf({ sequence, line }: At): string {
  return line === 0 ? `seq ${sequence}` : `seq ${sequence} line ${line}`;
}
