import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import { rows, up, upgraded, type Row } from './decide-sample.ts';
import { observedWith, type Given } from './observed-sample.ts';

test.each(rows)('$fact', ({ given, ...expected }) => check(given, expected));

test('nothing is decided from memory: the same observation gives the same decision', () => {
  const observed = observedWith({ ...upgraded(5), figures: up });
  expect(decide(observed)).toEqual(decide(observed));
});

function check(given: Given, expected: Omit<Row, 'given' | 'fact'>): void {
  const decision = decide(observedWith(given));
  const { Ready } = decision.conditions;
  expect(decision.phase).toBe(expected.phase);
  expect(`${Ready?.status} ${Ready?.reason}`).toBe(expected.ready);
  if (expected.actions !== undefined) expect(decision.actions.map(({ kind }) => kind)).toEqual(expected.actions);
  if (expected.replicas !== undefined) expect(decision.replicas).toBe(expected.replicas);
  if (expected.says !== undefined) expect(Ready?.message).toContain(expected.says);
}
