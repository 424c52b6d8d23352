import { expect, test } from 'vitest';
import { STATUS_DECISIONS_MAX, type StreamJobStatus } from '../../crds/stream-job/status.ts';
import type { AnyObject } from '../kube/kube-object.ts';
import { historyOf } from './job-history.ts';

const AT = '2026-01-01T00:10:00Z';
const atMs = Date.parse(AT);
const event = (more: object): AnyObject => ({ reason: 'Deployed', note: 'revision 1', eventTime: AT, ...more }) as unknown as AnyObject;
const status = (...decisions: string[]): StreamJobStatus => ({ decisions }) as unknown as StreamJobStatus;

test.each([
  { fact: 'an Event of ours', events: [event({})], told: [{ atMs, kind: 'start', text: 'Deployed: revision 1' }] },
  { fact: 'a failure', events: [event({ reason: 'Failed', note: 'MR3007' })], told: [{ atMs, kind: 'failure', text: 'Failed: MR3007' }] },
  {
    fact: 'a revision that was rolled back, a failure',
    events: [event({ reason: 'RolledBack', note: 'revision 3 did not progress' })],
    told: [{ atMs, kind: 'failure', text: 'RolledBack: revision 3 did not progress' }],
  },
  { fact: 'one without a note', events: [event({ note: '' })], told: [{ atMs, kind: 'start', text: 'Deployed' }] },
  {
    fact: 'one that came again, at its last time',
    events: [event({ eventTime: '2026-01-01T00:00:00Z', series: { count: 3, lastObservedTime: AT } })],
    told: [{ atMs, kind: 'start', text: 'Deployed: revision 1 (3 times)' }],
  },
  { fact: 'scaling, which the status tells (JH1): nothing', events: [event({ reason: 'Scaled' })], told: [] },
  {
    fact: 'an Event of others (JH2): nothing',
    events: [event({ reason: 'Pulled' }), event({ reason: 'toString' }), event({ reason: 7 })],
    told: [],
  },
  { fact: 'one without a time (JH2): nothing', events: [event({ eventTime: null }), event({ eventTime: 'soon' })], told: [] },
  {
    fact: 'a decision',
    decisions: [`${AT} workers 1 → 4: 7k events/s come`],
    told: [{ atMs, kind: 'scaling', text: 'workers 1 → 4: 7k events/s come' }],
  },
  {
    fact: 'a decision of an operator that told ms',
    decisions: [`${AT.replace('Z', '.250Z')} workers 1 → 4`],
    told: [{ atMs: atMs + 250, kind: 'scaling', text: 'workers 1 → 4' }],
  },
  { fact: 'a decision without a time: nothing', decisions: ['workers 1 → 4', ''], told: [] },
])('$fact', ({ events = [], decisions = [], told }) => expect(historyOf(events, status(...decisions))).toEqual(told));

test('texts and decisions are bounded (JH2)', () => {
  const decisions = Array.from({ length: STATUS_DECISIONS_MAX + 5 }, (_, i) => `${AT} decision ${i}`);
  const told = historyOf([event({ note: 'x'.repeat(5_000) })], status(...decisions));
  expect(told).toHaveLength(1 + STATUS_DECISIONS_MAX);
  expect(told[0]?.text).toHaveLength(1_024);
  expect(told.at(-1)?.text).toBe(`decision ${STATUS_DECISIONS_MAX + 4}`);
  expect(historyOf([], {} as StreamJobStatus)).toEqual([]);
});
