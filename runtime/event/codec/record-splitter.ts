// Bytes of a text file, chunk by chunk, cut into records: lines of NDJSON, rows of CSV.
//
// Owns: the bytes that were pushed and not cut yet. Does not own: what they mean (csv.ts, json.ts).
//   P1. Where records are cut depends on the bytes only, never on where chunks end: a re-read gives the same records.
//   P2. At most `bytesMax` and a chunk are held; a longer line is skipped, not held.
//   P3. A quote that is never closed, or closed in the middle of a field, spoils its own line only: cutting goes on
//       with the line behind it, whatever was read ahead.
//   P4. Empty lines are no records.

import { Buffer } from 'node:buffer';

const LINE_FEED = 10;
const RETURN = 13;
const QUOTE = 34;
const COMMA = 44;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
/** So much of a line that is too long is shown. */
const HEAD_BYTES = 1024;

/** What `next` found. `more`: nothing whole is left; push on, or `end`. */
export type Cut =
  /** bytes[from, to) is a record, without its line end. */
  | 'record'
  /** bytes[from, to) is a line that is no row; `reason` says why. */
  | 'malformed'
  /** A line longer than `bytesMax`, `skippedBytes` long; bytes[from, to) is its beginning. */
  | 'tooLong'
  | 'more';

export class RecordSplitter {
  bytes: Buffer = Buffer.alloc(0);
  from = 0;
  to = 0;
  /** 1-based line on which the record begins. */
  line = 1;
  /** CSV: the record has quotes. */
  quoted = false;
  reason = '';
  skippedBytes = 0;

  readonly #csv: boolean;
  readonly #bytesMax: number;
  #at = 0; // where the next record begins
  #nextLine = 1;
  #nextQuote = -1; // first quote at or behind #at; bytes.length: none
  #begun = false;
  #ended = false;
  #skipped = 0; // bytes of the long line that is being skipped; 0: none
  #head: Buffer = Buffer.alloc(0);

  constructor(options: { readonly csv: boolean; readonly bytesMax: number }) {
    this.#csv = options.csv;
    this.#bytesMax = options.bytesMax;
  }

  push(chunk: Buffer): void {
    this.bytes = this.#at === this.bytes.length ? chunk : Buffer.concat([this.bytes.subarray(this.#at), chunk]);
    this.#at = 0;
    this.#nextQuote = -1;
  }

  /** No bytes will follow: what is left is the last record. */
  end(): void {
    this.#ended = true;
  }

  /** Bytes that are held and not cut yet: what an input that broke off leaves. */
  rest(): Buffer {
    return this.bytes.subarray(this.#at);
  }

  /** 1-based line on which the next record begins. */
  get nextLine(): number {
    return this.#nextLine;
  }

  /** Forgets what is held: nothing more can be cut. */
  drop(): void {
    this.bytes = Buffer.alloc(0);
    this.#at = 0;
    this.#skipped = 0;
    this.#ended = true;
  }

  next(): Cut {
    if (this.#skipped > 0) return this.#skip();
    if (!this.#begun && !this.#begin()) return 'more';
    for (;;) {
      const { bytes } = this;
      if (this.#at >= bytes.length) return 'more';
      const feed = bytes.indexOf(LINE_FEED, this.#at);
      const end = feed >= 0 ? feed : bytes.length;
      if (this.#csv && this.#quoteBehind(this.#at) < end) return this.#nextQuoted();
      if (end - this.#at > this.#bytesMax) return this.#beginSkip();
      if (feed < 0 && !this.#ended) return 'more';
      if (this.#take(end, 1)) return 'record';
    }
  }

  /** Passes the byte order mark. False: too few bytes to see whether there is one. */
  #begin(): boolean {
    const missing = BYTE_ORDER_MARK.length - this.bytes.length;
    if (missing > 0 && !this.#ended) return false;
    if (missing <= 0 && this.bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)) this.#at = BYTE_ORDER_MARK.length;
    this.#begun = true;
    return true;
  }

  /** First quote at or behind `at`; the end of the bytes when there is none. */
  #quoteBehind(at: number): number {
    if (this.#nextQuote < at) {
      const found = this.bytes.indexOf(QUOTE, at);
      this.#nextQuote = found < 0 ? this.bytes.length : found;
    }
    return this.#nextQuote;
  }

  /** Cuts [#at, end) and what ends it. False for an empty line. */
  #take(end: number, lines: number): boolean {
    const { bytes } = this;
    this.quoted = false;
    this.from = this.#at;
    this.to = end > this.#at && bytes[end - 1] === RETURN ? end - 1 : end;
    this.line = this.#nextLine;
    this.#nextLine += lines;
    this.#at = Math.min(end + 1, bytes.length);
    return this.to > this.from;
  }

  #nextQuoted(): Cut {
    const found = scanRow(this.bytes, this.#at, { bytesMax: this.#bytesMax, ended: this.#ended });
    if (found.kind === 'row') {
      this.#take(found.end, found.lines);
      this.quoted = true;
      return 'record';
    }
    if (found.kind === 'more') return 'more';
    const feed = this.bytes.indexOf(LINE_FEED, this.#at);
    const end = feed >= 0 ? feed : this.bytes.length;
    if (end - this.#at > this.#bytesMax) return this.#beginSkip();
    if (feed < 0 && !this.#ended) return 'more';
    this.#take(end, 1);
    this.reason = found.reason;
    return 'malformed';
  }

  #beginSkip(): Cut {
    this.#head = Buffer.from(this.bytes.subarray(this.#at, this.#at + Math.min(HEAD_BYTES, this.#bytesMax)));
    this.line = this.#nextLine;
    return this.#skip();
  }

  #skip(): Cut {
    const feed = this.bytes.indexOf(LINE_FEED, this.#at);
    const end = feed >= 0 ? feed : this.bytes.length;
    this.#skipped += end - this.#at;
    this.#at = Math.min(end + 1, this.bytes.length);
    if (feed < 0 && !this.#ended) return 'more';
    this.skippedBytes = this.#skipped;
    this.#skipped = 0;
    this.#nextLine += 1;
    // The head is shown through the same fields as a record; what is behind it in the file stays to be cut.
    this.bytes = Buffer.concat([this.#head, this.bytes.subarray(this.#at)]);
    this.from = 0;
    this.to = this.#head.length;
    this.#at = this.#head.length;
    this.#nextQuote = -1;
    return 'tooLong';
  }
}

type Row =
  | { readonly kind: 'row'; readonly end: number; readonly lines: number }
  | { readonly kind: 'more' }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Where the row that begins at `from` ends, by RFC 4180. */
function scanRow(bytes: Buffer, from: number, options: { readonly bytesMax: number; readonly ended: boolean }): Row {
  // Nothing behind the longest row allowed is looked at, so that the answer is the same with more bytes there (P1).
  const limit = Math.min(bytes.length, from + options.bytesMax + 1);
  const full = limit === from + options.bytesMax + 1;
  const within = full ? `within ${options.bytesMax} bytes` : 'to the end of the file';
  // The row goes on behind `limit`: it is too long, or more must come, or the file ends here.
  const outOfBytes = (lines: number): Row => {
    if (full) return { kind: 'malformed', reason: `a row with quotes that does not end ${within}` };
    return options.ended ? { kind: 'row', end: limit, lines } : { kind: 'more' };
  };
  let [at, column, lines] = [from, 1, 1];
  for (;;) {
    if (at < limit && bytes[at] === QUOTE) {
      const close = closingQuote(bytes, at + 1, limit);
      if (close < 0) {
        if (!full && !options.ended) return { kind: 'more' };
        return { kind: 'malformed', reason: `column ${column}: a quote is opened and not closed ${within}` };
      }
      lines += feedsBetween(bytes, at, close);
      at = close + 1;
      // A return may stand before the line feed, or at the very end; it must be seen together with what follows.
      if (at < limit && bytes[at] === RETURN && (at + 1 >= limit || bytes[at + 1] === LINE_FEED)) at++;
      if (at < limit && bytes[at] !== COMMA && bytes[at] !== LINE_FEED)
        return { kind: 'malformed', reason: `column ${column}: text behind the closing quote` };
    } else {
      while (at < limit && bytes[at] !== COMMA && bytes[at] !== LINE_FEED && bytes[at] !== QUOTE) at++;
      if (at < limit && bytes[at] === QUOTE)
        return { kind: 'malformed', reason: `column ${column}: a quote inside a field that does not begin with one` };
    }
    if (at >= limit) return outOfBytes(lines);
    if (bytes[at] === LINE_FEED) return { kind: 'row', end: at, lines };
    at++;
    column++;
  }
}

function feedsBetween(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let feed = bytes.indexOf(LINE_FEED, from); feed >= 0 && feed < to; feed = bytes.indexOf(LINE_FEED, feed + 1)) count++;
  return count;
}

/** The quote that closes a field (a doubled one stands for itself); -1 when there is none before `limit`. */
function closingQuote(bytes: Buffer, from: number, limit: number): number {
  for (let at = bytes.indexOf(QUOTE, from); at >= 0 && at < limit; at = bytes.indexOf(QUOTE, at + 2)) {
    if (bytes[at + 1] !== QUOTE || at + 1 >= limit) return at;
  }
  return -1;
}
