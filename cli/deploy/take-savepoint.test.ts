import { expect, test } from 'vitest';
import { nameSchema } from '../../crds/stream-job/names.ts';
import { savepointName } from './take-savepoint.ts';

const NOW = new Date('2026-01-05T09:03:07.123Z');

test('a savepoint is named by its job and the second in which it was asked for', () => {
  expect(savepointName('flights', NOW)).toBe('flights-20260105-090307');
});

test('the longest name of a job is cut, so that the time stays and the name is one', () => {
  const name = savepointName(`a${'-b'.repeat(31)}`, NOW);
  expect(name).toHaveLength(63);
  expect(name).toMatch(/-20260105-090307$/);
  expect(nameSchema.safeParse(name).success).toBe(true);
});
