import { expect, test } from 'vitest';
import { NO_TIME } from '../../runtime/worker/time-ledger.ts';
import { reportIn } from './report-check.ts';

const counters = { eventsIn: 5, eventsOut: 4, filtered: 1, late: 0, deadLetters: 0, recoveries: 0, edgesIn: [5], edgesOut: [4] };
const task = {
  task: 'sums/0',
  stage: 'sums',
  partition: 0,
  state: 'running',
  epoch: 1,
  number: 7,
  counters,
  watermark: 1_000,
  inboxBytes: 0,
  progress: null,
  positions: { 0: 12 },
  sequence: 9,
  busy: false,
  paused: null,
  time: NO_TIME,
};
const report = {
  worker: 'w-1',
  revision: 2,
  tasks: [task],
  commitLatency: { 100: 3 },
  endToEndLatency: {},
  memoryBytes: 1,
  cpuMs: 1,
  time: NO_TIME,
  troubles: [],
};
const heard = (value: unknown): unknown => reportIn(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
const withTask = (change: object): object => ({ ...report, tasks: [{ ...task, ...change }] });

test.each([
  { fact: 'what a worker says', said: report },
  { fact: 'a watermark that has ended', said: withTask({ watermark: Number.MAX_SAFE_INTEGER }) },
  { fact: 'no watermark yet', said: withTask({ watermark: null }) },
  { fact: 'a watermark that is given out', said: withTask({ given: 900 }) },
  { fact: 'none that is given out yet', said: withTask({ given: null }) },
  { fact: 'a heavy key', said: withTask({ heavyKey: { key: 'k7', share: 0.9 } }) },
  { fact: 'what it follows', said: { ...report, standbys: [{ task: 's/0', stage: 's', lagRecords: 2, bytes: 10, isWarm: true }] } },
  { fact: 'what an older worker says', said: { ...withTask({ time: undefined, sequence: undefined }), time: undefined } },
])('is heard: $fact', ({ said }) => expect(heard(said)).toEqual(JSON.parse(JSON.stringify(said))));

test.each([
  { fact: 'what is no JSON', said: '{"worker":' },
  { fact: 'nothing', said: 'null' },
  { fact: 'a list', said: [report] },
  { fact: 'a watermark that is text', said: withTask({ watermark: '<script>' }) },
  { fact: 'a watermark given out that is text', said: withTask({ given: '9' }) },
  { fact: 'a watermark before all dates', said: withTask({ watermark: -1e300 }) },
  { fact: 'counts below zero', said: withTask({ counters: { ...counters, eventsIn: -5 } }) },
  { fact: 'counts beyond all numbers', said: JSON.stringify(report).replace('"eventsIn":5', '"eventsIn":1e999') },
  { fact: 'counts that are text', said: withTask({ counters: { ...counters, edgesOut: ['4'] } }) },
  { fact: 'counts that are missing', said: withTask({ counters: {} }) },
  { fact: 'a state that there is not', said: withTask({ state: 'dancing' }) },
  { fact: 'a task under another name', said: withTask({ task: 'other/0' }) },
  { fact: 'a share of less than nothing', said: withTask({ progress: -7 }) },
  { fact: 'positions that are none', said: withTask({ positions: { 0: null } }) },
  {
    fact: 'a standby that is none',
    said: { ...report, standbys: [{ task: 's/0', stage: 's', lagRecords: '2', bytes: 10, isWarm: true }] },
  },
  { fact: 'standbys that are no list', said: { ...report, standbys: 7 } },
  { fact: 'a time that is none', said: withTask({ time: { busyMs: 'long' } }) },
  { fact: 'a time before the beginning', said: withTask({ time: { ...NO_TIME, busyMs: -1 } }) },
  { fact: 'a heavy key that is none', said: withTask({ heavyKey: 'k7' }) },
  { fact: 'a heavy key that is a list', said: withTask({ heavyKey: { key: ['k7'], share: 0.9 } }) },
  { fact: 'a share above the whole', said: withTask({ heavyKey: { key: 'k7', share: 7 } }) },
  {
    fact: 'a million buckets of latencies',
    said: { ...report, commitLatency: Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [n, 1])) },
  },
  { fact: 'memory that is text', said: { ...report, memoryBytes: 'much' } },
])('is not heard: $fact', ({ said }) => expect(heard(said)).toBeNull());
