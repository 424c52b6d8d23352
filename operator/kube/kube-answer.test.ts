import { expect, test } from 'vitest';
import { failureText, resultOf } from './kube-answer.ts';

const status = (code: number, reason: string, more: object = {}): string =>
  JSON.stringify({ kind: 'Status', status: 'Failure', code, reason, message: `it is ${reason}`, ...more });
const page = '<html>502 from a load balancer</html>';

test.each([
  { fact: 'a parsed object is confirmed', code: 200, text: '{"kind":"Pod"}', is: 'ok' },
  { fact: 'a created object is confirmed', code: 201, text: '{"kind":"Pod"}', is: 'ok' },
  { fact: 'a page of a proxy confirms nothing', code: 200, text: page, is: 'absent: the answer is not JSON' },
  { fact: 'what is not there', code: 404, text: status(404, 'NotFound'), is: 'not-found' },
  { fact: 'what exists already', code: 409, text: status(409, 'AlreadyExists'), is: 'conflict AlreadyExists' },
  { fact: 'what was changed meanwhile', code: 409, text: status(409, 'Conflict'), is: 'conflict Conflict' },
  { fact: 'what breaks a rule', code: 422, text: status(422, 'Invalid'), is: 'refused 422 Invalid: it is Invalid' },
  { fact: 'what is not allowed', code: 403, text: status(403, 'Forbidden'), is: 'refused 403 Forbidden: it is Forbidden' },
  { fact: 'whom it does not know', code: 401, text: status(401, 'Unauthorized'), is: 'refused 401 Unauthorized: it is Unauthorized' },
  { fact: 'a place in history that is gone', code: 410, text: status(410, 'Expired'), is: 'refused 410 Expired: it is Expired' },
  { fact: 'too many requests', code: 429, text: status(429, 'TooManyRequests'), is: 'absent: 429 TooManyRequests: it is TooManyRequests' },
  {
    fact: 'the wait that the body asks for counts more than the header',
    code: 429,
    text: status(429, 'TooManyRequests', { details: { retryAfterSeconds: 3 } }),
    is: 'absent: 429 TooManyRequests: it is TooManyRequests (3000 ms)',
  },
  {
    fact: 'the wait that the header asks for',
    code: 503,
    text: status(503, 'ServiceUnavailable'),
    retryAfterMs: 1_000,
    is: 'absent: 503 ServiceUnavailable: it is ServiceUnavailable (1000 ms)',
  },
  { fact: 'a page of a load balancer', code: 502, text: page, is: `absent: 502 502: ${page}` },
])('$fact', ({ code, text, retryAfterMs = null, is }) => {
  expect(shown(resultOf({ kind: 'answer', status: code, retryAfterMs, text }))).toBe(is);
});

test('silence is absence', () => expect(shown(resultOf({ kind: 'silence', reason: 'ECONNREFUSED' }))).toBe('absent: ECONNREFUSED'));

test('every failure has a sentence', () => {
  const sentences = [404, 409, 422, 503].map((code) => {
    const result = resultOf({ kind: 'answer', status: code, retryAfterMs: null, text: status(code, 'So') });
    return result.kind === 'ok' ? '' : failureText(result);
  });
  expect(sentences).toEqual([
    'it is So',
    'conflict (So): it is So',
    'refused (422 So): it is So',
    'the API server does not answer: 503 So: it is So',
  ]);
});

function shown(result: ReturnType<typeof resultOf>): string {
  if (result.kind === 'conflict') return `conflict ${result.reason}`;
  if (result.kind === 'refused') return `refused ${result.code} ${result.reason}: ${result.message}`;
  if (result.kind === 'absent') return `absent: ${result.reason}${result.retryAfterMs === null ? '' : ` (${result.retryAfterMs} ms)`}`;
  return result.kind;
}
