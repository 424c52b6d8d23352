import { expect, test } from 'vitest';
import { deriveRoot, deriveSpanId, formatTraceparent, parseTraceparent } from './trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test.each([
  { fact: 'a sampled context', text: `00-${TRACE}-${SPAN}-01`, context: { traceId: TRACE, spanId: SPAN } },
  { fact: 'one that is not sampled is none', text: `00-${TRACE}-${SPAN}-00`, context: null },
  { fact: 'other flags do not matter', text: `00-${TRACE}-${SPAN}-03`, context: { traceId: TRACE, spanId: SPAN } },
  { fact: 'a later version may have more behind it', text: `01-${TRACE}-${SPAN}-01-more`, context: { traceId: TRACE, spanId: SPAN } },
  { fact: 'this version may not', text: `00-${TRACE}-${SPAN}-01-more`, context: null },
  { fact: 'version ff is invalid', text: `ff-${TRACE}-${SPAN}-01`, context: null },
  { fact: 'a trace of zeros is none', text: `00-${'0'.repeat(32)}-${SPAN}-01`, context: null },
  { fact: 'a span of zeros is none', text: `00-${TRACE}-${'0'.repeat(16)}-01`, context: null },
  { fact: 'capitals are none', text: `00-${TRACE.toUpperCase()}-${SPAN}-01`, context: null },
  { fact: 'what a producer made up is none', text: '<script>\u001b[31m\r\n', context: null },
])('$fact', ({ text, context }) => expect(parseTraceparent(text)).toEqual(context));

test('a context is written as it is read', () => {
  const context = { traceId: TRACE, spanId: SPAN };
  expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
});

test('derived ids have the form of ids, are the same again, and differ with each part', () => {
  const { traceId, spanId } = deriveRoot('run', 'stage', 1);
  expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(spanId).toMatch(/^[0-9a-f]{16}$/);
  expect(deriveRoot('run', 'stage', 1)).toEqual({ traceId, spanId });
  expect(deriveRoot('run', 'stage', 2).traceId).not.toBe(traceId);
  expect(deriveSpanId(TRACE, SPAN, 'stage', 1)).toBe(deriveSpanId(TRACE, SPAN, 'stage', 1));
  expect(deriveSpanId(TRACE, SPAN, 'stage', 1)).toMatch(/^[0-9a-f]{16}$/);
  const others = [
    deriveSpanId(TRACE, SPAN, 'stage', 2),
    deriveSpanId(TRACE, SPAN, 'stag', 'e1'),
    deriveSpanId(TRACE, '', SPAN, 'stage', 1),
  ];
  expect(new Set([...others, deriveSpanId(TRACE, SPAN, 'stage', 1)]).size).toBe(4);
});
