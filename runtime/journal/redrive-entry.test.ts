import { expect, test } from 'vitest';
import { decodeRedriveEntry, encodeRedriveEntry } from './redrive-entry.ts';
import type { RedriveEntry } from './redrive-entry.ts';

test.each<RedriveEntry>([
  {
    kind: 'redrive',
    stage: 's',
    partition: 3,
    node: 'm',
    input: 1,
    event: { id: 9_007_199_254_740_993n, at: new Date(5) },
    timeMs: -1,
    key: '"k"',
    attempts: 2,
    atMs: 7,
    trace: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) },
  },
  { kind: 'redrive', stage: 's', partition: 0, node: 's', input: 0, event: 'a,b', timeMs: null, key: null, attempts: 3, atMs: 7 },
  { kind: 'drop', reason: 'a test of ours', atMs: 8 },
])('what was decided comes back: $kind', (entry) => {
  expect(decodeRedriveEntry(encodeRedriveEntry(entry))).toEqual(entry);
});

test.each([new Uint8Array(), Buffer.from('{"kind":"redrive"}'), Uint8Array.from([0x92, 99, 0xa4, ...Buffer.from('drop')])])(
  'bytes of somebody else, or of a newer version, are no decision',
  (bytes) => expect(decodeRedriveEntry(bytes)).toBeNull(),
);
