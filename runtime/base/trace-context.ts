// W3C trace context: what one event carries of its trace, and where its next span hangs.
//
//   C1. Ids of spans are derived, never drawn: from the trace, the span before and the place that makes it. A step that is made
//       again after a crash gives the same ids, so no trace shows a span twice.
//   C2. What does not parse, and what says "not sampled", is no context.

import { hash } from 'node:crypto';

export type TraceContext = {
  /** 32 hex digits. */ readonly traceId: string;
  /** 16 hex digits. */ readonly spanId: string;
};

/** The header of W3C trace context, in NATS messages too. */
export const TRACEPARENT = 'traceparent';

const FORM = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;
const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;
const ZEROS = '0'.repeat(TRACE_DIGITS);

/** C2. Version ff is invalid, version 00 has nothing behind its flags; of later versions what is known is read. */
export function parseTraceparent(text: string): TraceContext | null {
  const found = FORM.exec(text.trim());
  if (found === null) return null;
  const [, traceId = '', spanId = '', flags = '', more] = found;
  const version = text.trim().slice(0, 2);
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return (parseInt(flags, 16) & SAMPLED) === 0 ? null : { traceId, spanId };
}

export function formatTraceparent({ traceId, spanId }: TraceContext): string {
  return `00-${traceId}-${spanId}-01`;
}

/** C1: a trace and its first span. */
export function deriveRoot(...parts: readonly (string | number)[]): TraceContext {
  const digits = digest(parts);
  return { traceId: notZero(digits.slice(0, TRACE_DIGITS)), spanId: notZero(digits.slice(TRACE_DIGITS, TRACE_DIGITS + SPAN_DIGITS)) };
}

/** C1. */
export function deriveSpanId(...parts: readonly (string | number)[]): string {
  return notZero(digest(parts).slice(0, SPAN_DIGITS));
}

function digest(parts: readonly (string | number)[]): string {
  return hash('sha256', JSON.stringify(parts), 'hex');
}

/** An id of zeros is none. */
function notZero(id: string): string {
  return id === ZEROS.slice(0, id.length) ? `${id.slice(1)}1` : id;
}
