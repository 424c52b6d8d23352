// Little-endian bytes of a segment: a growing writer and a bounded reader.

/** Bytes that are no segment, or a damaged one. */
export class SegmentBroken extends Error {
  override readonly name = 'SegmentBroken';

  constructor(problem: string, cause?: unknown) {
    super(`not a whole segment of events: ${problem}`, cause === undefined ? undefined : { cause });
  }
}

const START_BYTES = 64 * 1024;
/** A writer that once held a giant segment gives the memory back. */
const KEEP_BYTES = 4 * 1024 * 1024;

export class ByteWriter {
  /** Current buffer and place: read by the column encoders' loops, which first `reserve`. */
  buffer: Buffer = Buffer.allocUnsafeSlow(START_BYTES);
  view: DataView = viewOf(this.buffer);
  at = 0;

  reset(): void {
    this.at = 0;
    if (this.buffer.length > KEEP_BYTES) this.replace(START_BYTES);
  }

  /** Makes room for `bytes` more. Buffer and view may be other objects afterwards. */
  reserve(bytes: number): void {
    const needed = this.at + bytes;
    if (needed > this.buffer.length) this.replace(Math.max(needed, this.buffer.length * 2));
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.at++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  bytes(value: Uint8Array): void {
    this.reserve(value.length);
    this.buffer.set(value, this.at);
    this.at += value.length;
  }

  /** Bytes that are given as hexadecimal digits. */
  hex(digits: string): void {
    this.reserve(digits.length / 2);
    this.at += this.buffer.write(digits, this.at, 'hex');
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    const copy = Buffer.allocUnsafeSlow(this.at);
    copy.set(this.buffer.subarray(0, this.at));
    return copy;
  }

  private replace(size: number): void {
    const next = Buffer.allocUnsafeSlow(size);
    next.set(this.buffer.subarray(0, this.at));
    this.buffer = next;
    this.view = viewOf(next);
  }
}

export class ByteReader {
  readonly buffer: Buffer;
  readonly view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = viewOf(this.buffer);
  }

  /** Moves over `bytes` and returns where they start. */
  take(bytes: number): number {
    const start = this.at;
    if (bytes > this.buffer.length - start) throw new SegmentBroken(`${bytes} bytes wanted at ${start} of ${this.buffer.length}`);
    this.at = start + bytes;
    return start;
  }

  u8(): number {
    return this.buffer[this.take(1)] as number;
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  /** A number of things. A column of equal numbers takes no bytes per thing, so only COUNT_MAX bounds it. */
  count(): number {
    const count = this.u32();
    if (count > COUNT_MAX) throw new SegmentBroken(`${count} values at ${this.at - 4}, at most ${COUNT_MAX}`);
    return count;
  }

  end(): void {
    if (this.at !== this.buffer.length) throw new SegmentBroken(`${this.buffer.length - this.at} bytes left over`);
  }
}

/** More values than any record holds; keeps a damaged count from taking all memory. */
export const COUNT_MAX = 64 * 1024 * 1024;

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
