import { expect, test } from 'vitest';
import { isDeadLetters, isDeclared, isLive, isRefs, isStory } from './answer-check.ts';

const DECLARED = { id: 'd', ref: { namespace: '-', name: 'j' }, text: '', planText: '', stages: [], edges: [], charts: [] };
const LIVE = { declaredId: 'd', phase: { name: 'Running' }, stages: [], edges: [], workers: [], machines: [], windows: [], timeline: [] };
const TOLD = { kind: 'told', answer: { cells: [], timers: [], recent: [] } };
const CHECKS = { isDeadLetters, isDeclared, isLive, isRefs, isStory };

test.each([
  { check: 'isRefs', value: [{ namespace: 'n', name: 'j' }] },
  { check: 'isDeclared', value: DECLARED },
  { check: 'isLive', value: LIVE },
  { check: 'isLive', value: { ...LIVE, ofALaterVersion: 7, timeline: [{ atMs: 1, kind: 'unheard of', text: 't' }] } },
  { check: 'isStory', value: { kind: 'nobody', message: 'm' } },
  { check: 'isStory', value: TOLD },
  { check: 'isDeadLetters', value: { total: 1, groups: [{ id: 'g', samples: [] }] } },
] as const)('$check: $value', ({ check, value }) => expect(CHECKS[check](value)).toBe(true));

test.each([
  ...[null, 7, 'x', [], {}, [null], { problem: 'p' }].flatMap((value) =>
    Object.keys(CHECKS).flatMap((check) =>
      check === 'isRefs' && Array.isArray(value) && value.length === 0 ? [] : [{ check: check as keyof typeof CHECKS, value }],
    ),
  ),
  { check: 'isLive' as const, value: { ...LIVE, stages: [{ id: 's' }] } },
  { check: 'isLive' as const, value: { ...LIVE, timeline: [{ atMs: 'now', text: 't' }] } },
  { check: 'isDeclared' as const, value: { ...DECLARED, charts: [{}] } },
  { check: 'isStory' as const, value: { ...TOLD, answer: {} } },
])('not $check: $value', ({ check, value }) => expect(CHECKS[check](value)).toBe(false));
