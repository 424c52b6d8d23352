// Values to lines of JSON: total, one line a value, the same bytes for the same value always.
//
//   L1. Every value that an event may hold has a line: bigint as digits, NaN and infinities as null, bytes as base64.
//   L2. A line holds no line break of any kind (U+2028 and U+2029 are escaped too); unpaired surrogates are escaped.
//   L3. Undefined fields are left out, undefined itself is null: as JSON.stringify does.

import type { Batch } from '../batch.ts';

export type Line = { readonly line: string } | { readonly problem: string };

/** One line without its line feed, or why there is none (nested too deep for the stack). */
export function encodeJsonLine(value: unknown): Line {
  try {
    // JSON.stringify knows neither bigint nor bytes; looking first costs less than its replacer would.
    const text = isPlain(value) ? (JSON.stringify(value) ?? 'null') : write(value);
    return { line: SEPARATORS.test(text) ? text.replace(/[\u2028\u2029]/g, escapeUnit) : text };
  } catch (error) {
    return { problem: `cannot be written as JSON: ${(error as Error).message}` };
  }
}

export type Unwritten = { readonly value: unknown; readonly timeMs: number; readonly problem: string };

/** A line for each event of `batches`; `failed`: those that have none. */
export function encodeJsonLines(batches: readonly Pick<Batch, 'values' | 'times'>[]): { lines: string[]; failed: Unwritten[] } {
  const lines: string[] = [];
  const failed: Unwritten[] = [];
  for (const { values, times } of batches) {
    for (let i = 0; i < values.length; i++) {
      const encoded = encodeJsonLine(values[i]);
      if ('line' in encoded) lines.push(encoded.line);
      else failed.push({ value: values[i], timeMs: times[i] as number, problem: encoded.problem });
    }
  }
  return { lines, failed };
}

const SEPARATORS = /[\u2028\u2029]/;

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'bigint') return false;
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isPlain);
  if (ArrayBuffer.isView(value)) return false;
  for (const name in value) {
    const part = (value as Record<string, unknown>)[name];
    if (typeof part === 'bigint' || (typeof part === 'object' && part !== null && !isPlain(part))) return false;
  }
  return true;
}

function write(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (ArrayBuffer.isView(value)) return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`;
  const parts = Object.entries(value).filter(([, part]) => isWritten(part));
  return `{${parts.map(([name, part]) => `${JSON.stringify(name)}:${write(part)}`).join(',')}}`;
}

function isWritten(part: unknown): boolean {
  return part !== undefined && typeof part !== 'function' && typeof part !== 'symbol';
}
