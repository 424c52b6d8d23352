import { expect, test } from 'vitest';
import { watchEventOf } from './watch-event.ts';

const line = (type: string, object: object): string => JSON.stringify({ type, object });
const pod = { metadata: { name: 'x', resourceVersion: '7' } };

test.each([
  { fact: 'a new object is put', text: line('ADDED', pod), is: { kind: 'put', object: pod, resourceVersion: '7' } },
  { fact: 'a changed object is put', text: line('MODIFIED', pod), is: { kind: 'put', object: pod, resourceVersion: '7' } },
  { fact: 'a deleted object is removed', text: line('DELETED', pod), is: { kind: 'removed', object: pod, resourceVersion: '7' } },
  {
    fact: 'a bookmark only moves on',
    text: line('BOOKMARK', { metadata: { resourceVersion: '9' } }),
    is: { kind: 'bookmark', resourceVersion: '9' },
  },
  { fact: 'a place in history that is gone', text: line('ERROR', { code: 410, reason: 'Expired' }), is: { kind: 'expired' } },
  {
    fact: 'another error of the server',
    text: line('ERROR', { code: 500, reason: 'InternalError', message: 'etcd' }),
    is: { kind: 'error', failure: { kind: 'absent', reason: '500 InternalError: etcd', retryAfterMs: null } },
  },
  {
    fact: 'half a line is an error, not an event',
    text: '{"type":"ADD',
    is: { kind: 'error', failure: { kind: 'absent', reason: 'not an event: {"type":"ADD', retryAfterMs: null } },
  },
  {
    fact: 'a kind of event that nobody knows is an error, not lost',
    text: line('RENAMED', pod),
    is: { kind: 'error', failure: { kind: 'absent', reason: `not an event: ${line('RENAMED', pod)}`, retryAfterMs: null } },
  },
  {
    fact: 'an event without a resourceVersion is an error',
    text: line('ADDED', { metadata: {} }),
    is: { kind: 'error', failure: { kind: 'absent', reason: `not an event: ${line('ADDED', { metadata: {} })}`, retryAfterMs: null } },
  },
])('$fact', ({ text, is }) => expect(watchEventOf(text)).toEqual(is));
