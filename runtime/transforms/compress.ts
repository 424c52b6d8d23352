// compress and decompress: one field of each event, by the codecs that Node has.
//
//   ZI1. No more than `bytesMax` is ever unpacked of an event: what would be more is refused before it takes memory.

import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { decodeJsonText, invalidUtf8, utf8Text } from '../event/codec/json.ts';
import { encodeJsonLine } from '../event/codec/json-lines.ts';
import { setOwn, type RawEvent } from '../event/schema.ts';
import type { Value } from '../event/batch.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { changeEvents } from './each-event.ts';
import { EventRefused, describeValue } from './failure.ts';
import type { Transform } from './transform.ts';

type Codec = Extract<OpPlan, { kind: 'compress' }>['spec']['codec'];

const PACK: Readonly<Record<Codec, (bytes: Uint8Array) => Buffer>> = {
  gzip: (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  brotli: (bytes) => brotliCompressSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes),
};
const UNPACK: Readonly<Record<Codec, (bytes: Uint8Array, maxOutputLength: number) => Buffer>> = {
  gzip: (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength }),
  deflate: (bytes, maxOutputLength) => inflateSync(bytes, { maxOutputLength }),
  brotli: (bytes, maxOutputLength) => brotliDecompressSync(bytes, { maxOutputLength }),
  zstd: (bytes, maxOutputLength) => zstdDecompressSync(bytes, { maxOutputLength }),
};
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export function makeCompress({ spec: { field, codec, to } }: Extract<OpPlan, { kind: 'compress' }>): Transform {
  return ofField(field, (value) => {
    const packed = PACK[codec](bytesOf(value));
    return to === 'base64' ? packed.toString('base64') : ownBytes(packed);
  });
}

export function makeDecompress({ spec: { field, codec, to, bytesMax } }: Extract<OpPlan, { kind: 'decompress' }>): Transform {
  return ofField(field, (value) => {
    const bytes = unpack(codec, packedBytes(field, value), bytesMax);
    if (to === 'bytes') return ownBytes(bytes);
    const text = utf8Text(bytes, 0, bytes.length);
    if (text === null)
      throw new EventRefused(`what was unpacked of ${field} is no UTF-8: ${invalidUtf8(bytes, 0, bytes.length)}; take to: bytes`);
    return to === 'text' ? text : parsed(field, text);
  });
}

function ofField(field: string, change: (value: Value) => Value): Transform {
  return {
    carriesTraces: true,
    onBatch(batch, context) {
      context.emit(
        changeEvents(batch, context, (event) => {
          if (typeof event !== 'object' || event === null || !Object.hasOwn(event, field))
            throw new EventRefused(`the event has no field ${field}: ${describeValue(event)}`);
          const copy: RawEvent = {};
          for (const [name, value] of Object.entries(event)) setOwn(copy, name, value);
          setOwn(copy, field, change((event as RawEvent)[field]));
          return copy;
        }),
      );
    },
  };
}

function bytesOf(value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new EventRefused('the text has a surrogate without its pair, which UTF-8 cannot write');
    return Buffer.from(value, 'utf8');
  }
  const json = encodeJsonLine(value);
  if ('problem' in json) throw new EventRefused(json.problem);
  return Buffer.from(json.line, 'utf8');
}

function packedBytes(field: string, value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string' || value.length % 4 !== 0 || !BASE64.test(value))
    throw new EventRefused(`${field} is ${describeValue(value)}, where bytes or a text of base64 are needed`);
  return Buffer.from(value, 'base64');
}

function unpack(codec: Codec, bytes: Uint8Array, bytesMax: number): Buffer {
  try {
    return UNPACK[codec](bytes, bytesMax); // ZI1
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new EventRefused(`it holds more than ${bytesMax} bytes (bytesMax)`);
    throw new EventRefused(`it is no ${codec}: ${message}`);
  }
}

function parsed(field: string, text: string): Value {
  const decoded = decodeJsonText(text);
  if ('issue' in decoded) throw new EventRefused(`what was unpacked of ${field} is no JSON: ${decoded.issue}`);
  return decoded.value;
}

/** A copy that is no part of a pool of others. */
function ownBytes(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes);
}
