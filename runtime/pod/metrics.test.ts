import { expect, test } from 'vitest';
import type { TaskFigures } from '../worker/task-figures.ts';
import { NO_TIME } from '../worker/time-ledger.ts';
import type { WorkerReport } from '../worker/worker.ts';
import { metricsText } from './metrics.ts';

const task = (stage: string, partition: number, changes: Partial<TaskFigures>): TaskFigures => ({
  task: `${stage}/${partition}`,
  stage,
  partition,
  state: 'running',
  epoch: 1,
  number: 1,
  counters: { eventsIn: 10, eventsOut: 7, filtered: 0, late: 2, deadLetters: 1, recoveries: 0, edgesIn: [], edgesOut: [] },
  watermark: null,
  inboxBytes: 100,
  progress: null,
  positions: {},
  sequence: 1,
  busy: false,
  paused: null,
  time: NO_TIME,
  ...changes,
});

const report: WorkerReport = {
  worker: 'w-1',
  tasks: [
    task('hourly', 0, { watermark: 5_000 }),
    task('hourly', 1, { watermark: 2_500, state: 'claiming' }),
    task('ended', 0, { watermark: Number.MAX_SAFE_INTEGER, state: 'done' }),
    task('young', 0, {}),
  ],
  commitLatency: { 100: 3, 120: 4 },
  endToEndLatency: {},
  memoryBytes: 1_000,
  cpuMs: 2_500,
  time: NO_TIME,
  troubles: [],
  revision: 3,
};
const text = metricsText('shop_orders', report);

test.each([
  'millrace_worker_commits_total{job="shop_orders"} 7',
  'millrace_worker_cpu_seconds_total{job="shop_orders"} 2.5',
  'millrace_worker_revision{job="shop_orders"} 3',
  'millrace_worker_tasks{job="shop_orders",state="claiming"} 1',
  'millrace_worker_tasks{job="shop_orders",state="running"} 2',
  'millrace_stage_events_in{job="shop_orders",stage="hourly"} 20',
  'millrace_stage_dead_letters{job="shop_orders",stage="young"} 1',
  'millrace_stage_watermark_seconds{job="shop_orders",stage="hourly"} 2.5',
])('says %s', (line) => {
  expect(text.split('\n')).toContain(line);
});

test('a watermark that is not known, or that has ended, is not told as a number', () => {
  expect(text).not.toMatch(/watermark_seconds\{[^}]*stage="(ended|young)"/);
});

test('every family has a type and a help before its samples, and the text ends as OpenMetrics wants it', () => {
  expect(text.endsWith('\n# EOF\n')).toBe(true);
  const names = text.split('\n').flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
  expect(new Set(names).size).toBe(names.length);
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#')))
    expect(
      names.some((name) => line.startsWith(`${name}{`) || line.startsWith(`${name}_total{`)),
      line,
    ).toBe(true);
  expect(metricsText('x', null)).toBe('# EOF\n');
});
