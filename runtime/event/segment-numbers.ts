// Columns of numbers: whole numbers of a narrow range as offsets from their minimum, everything else as float64.
//
// Bytes: u8 width (0, 1, 2, 4: offsets; 8: float64) · [f64 minimum] · the numbers.

import type { ByteReader, ByteWriter } from './segment-bytes.ts';
import { SegmentBroken } from './segment-bytes.ts';

export function encodeNumbers(writer: ByteWriter, values: readonly number[]): void {
  const count = values.length;
  let min = Infinity;
  let max = -Infinity;
  let whole = true;
  for (let i = 0; i < count; i++) {
    const value = values[i] as number;
    // -0 (1 / -0 < 0) and NaN keep their bits only as float64.
    if (!Number.isSafeInteger(value) || (value === 0 && 1 / value < 0)) {
      whole = false;
      break;
    }
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const width = count === 0 ? 0 : whole ? widthOf(max - min) : 8;
  writer.reserve(9 + width * count);
  writer.u8(width);
  if (width === 8) return writeFloats(writer, values);
  writer.f64(count === 0 ? 0 : min);
  if (width === 0) return;
  const { view, buffer } = writer;
  let at = writer.at;
  if (width === 1) for (let i = 0; i < count; i++) buffer[at++] = (values[i] as number) - min;
  else if (width === 2) for (let i = 0; i < count; i++, at += 2) view.setUint16(at, (values[i] as number) - min, true);
  else for (let i = 0; i < count; i++, at += 4) view.setUint32(at, (values[i] as number) - min, true);
  writer.at = at;
}

export function decodeNumbers(reader: ByteReader, count: number): number[] {
  const width = reader.u8();
  const { view, buffer } = reader;
  if (width === 8) {
    let at = reader.take(8 * count);
    const values = new Array<number>(count);
    for (let i = 0; i < count; i++, at += 8) values[i] = view.getFloat64(at, true);
    return values;
  }
  if (width !== 0 && width !== 1 && width !== 2 && width !== 4) throw new SegmentBroken(`numbers of ${width} bytes`);
  const min = reader.f64();
  let at = reader.take(width * count);
  const values = new Array<number>(count);
  if (width === 0) values.fill(min);
  else if (width === 1) for (let i = 0; i < count; i++) values[i] = min + (buffer[at++] as number);
  else if (width === 2) for (let i = 0; i < count; i++, at += 2) values[i] = min + view.getUint16(at, true);
  else for (let i = 0; i < count; i++, at += 4) values[i] = min + view.getUint32(at, true);
  return values;
}

function writeFloats(writer: ByteWriter, values: readonly number[]): void {
  const { view } = writer;
  let at = writer.at;
  for (let i = 0; i < values.length; i++, at += 8) view.setFloat64(at, values[i] as number, true);
  writer.at = at;
}

function widthOf(range: number): 0 | 1 | 2 | 4 | 8 {
  if (range === 0) return 0;
  if (range <= 0xff) return 1;
  if (range <= 0xffff) return 2;
  return range <= 0xffffffff ? 4 : 8;
}
