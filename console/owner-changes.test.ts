import { expect, test } from 'vitest';
import { OwnerChanges } from './owner-changes.ts';

const MISSING = 'MR2111 ConsumerMissing: why';

test('a split that cannot be read is told once, and that it can be again', () => {
  const changes = new OwnerChanges();
  const look = (stalled?: string): readonly string[] => {
    const partition = { partition: 0, owner: 'w-1', state: 'running' as const, ...(stalled === undefined ? {} : { stalled }) };
    return changes.changes([{ id: 'in', partitions: [partition] }], 7).map(({ kind, text }) => `${kind}: ${text}`);
  };
  expect([look(), look(MISSING), look(MISSING), look(), look(), look(MISSING)]).toEqual([
    [],
    [`failure: in/0 reads nothing: ${MISSING}`],
    [],
    ['note: in/0 reads again'],
    [],
    [`failure: in/0 reads nothing: ${MISSING}`],
  ]);
});
