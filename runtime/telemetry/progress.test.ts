import { describe, expect, test } from 'vitest';
import { planOfText } from '../../test/support/run-progress.ts';
import { NO_COUNTS } from '../task/counters.ts';
import type { TaskFigures } from '../worker/task-figures.ts';
import { NO_TIME } from '../worker/time-ledger.ts';
import type { WorkerReport } from '../worker/worker-report.ts';
import { ProgressBoard } from './progress.ts';

const plan = planOfText(`
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: small }
spec:
  partitions: 2
  sources: [{ name: rows, file: { path: rows.ndjson }, schema: { k: string } }]
  stages: [{ name: counts, from: rows, keyBy: event.k, aggregate: { n: { count: {} } } }]
  sinks: [{ name: out, from: counts, file: { path: out.ndjson } }]
`);
const MEBIBYTE = 1024 * 1024;

describe('what workers use together', () => {
  test('threads each report their one process', () => {
    const board = heard('thread', [
      worker('w0', { memoryBytes: 300 * MEBIBYTE, cpuMs: 900 }),
      worker('w1', { memoryBytes: 310 * MEBIBYTE, cpuMs: 950 }),
    ]);
    expect(board.progress(0)).toMatchObject({ peakMemoryBytes: 310 * MEBIBYTE, cpuMs: 950 });
  });
  test('processes report themselves', () => {
    const board = heard('process', [
      worker('w0', { memoryBytes: 300 * MEBIBYTE, cpuMs: 900 }),
      worker('w1', { memoryBytes: 310 * MEBIBYTE, cpuMs: 950 }),
    ]);
    expect(board.progress(0)).toMatchObject({ peakMemoryBytes: 610 * MEBIBYTE, cpuMs: 1850 });
  });
  test('a process that is gone has used its time, and uses no memory', () => {
    const board = heard('process', [worker('w0', { memoryBytes: 300 * MEBIBYTE, cpuMs: 900 })]);
    board.hear(worker('w1', { memoryBytes: 200 * MEBIBYTE, cpuMs: 100 }), 10_000);
    expect(board.progress(10_000)).toMatchObject({ peakMemoryBytes: 300 * MEBIBYTE, cpuMs: 1000, workers: [{ id: 'w1' }] });
  });
});

describe('what is left', () => {
  test('is what the pace since the first share says', () => {
    const board = heard('thread', [worker('w0', {}, [source({ progress: 0.5 })])]);
    expect(board.progress(1000).remainingMs).toBeNull();
    board.hear(worker('w0', {}, [source({ progress: 0.6, number: 2 })]), 2000);
    expect(board.progress(2000).remainingMs).toBeCloseTo(4000);
  });
  test('is not known of a source without an end', () =>
    expect(heard('thread', [worker('w0', {}, [source({ progress: null })])]).progress(1000).remainingMs).toBeNull());
  test('is nothing to tell when all is read', () => {
    const board = heard('thread', [worker('w0', {}, [source({ progress: 0.5 })])]);
    board.progress(0);
    board.hear(worker('w0', {}, [source({ progress: 1, number: 2 })]), 1000);
    expect(board.progress(1000)).toMatchObject({ progress: 1, remainingMs: null });
  });
});

test('a source that is done has read all, though what it held back to be replayed was counted last before', () =>
  expect(heard('thread', [worker('w0', {}, [source({ progress: 0.98, state: 'done' })])]).progress(0).progress).toBe(1));

describe('stages', () => {
  const given = [
    source({ counters: counted({ eventsIn: 90, edgesOut: [90, 0, 0] }) }),
    figures('counts', 0, { counters: counted({ eventsIn: 40, edgesIn: [40] }) }),
    figures('counts', 1, { counters: counted({ eventsIn: 30, edgesIn: [30] }), watermark: 5 }),
  ];
  test('the lag is what was given out before and not yet taken in', () =>
    expect(stage(heard('thread', [worker('w0', {}, given)]), 'counts', 0)).toMatchObject({ eventsIn: 70, lagEvents: 20 }));
  test('the watermark is the lowest of all partitions, none while one has none', () =>
    expect(stage(heard('thread', [worker('w0', {}, given)]), 'counts', 0).watermarkMs).toBeNull());
  test('a later epoch replaces an earlier one, however late the earlier one talks', () => {
    const board = heard('thread', [
      worker('w1', {}, [figures('counts', 0, { epoch: 2, number: 1 })]),
      worker('w0', {}, [figures('counts', 0, { epoch: 1, number: 9 })]),
    ]);
    expect(stage(board, 'counts', 0).partitions[0]).toMatchObject({ owner: 'w1' });
  });
  test('a worker that says nothing owns nothing', () =>
    expect(stage(heard('thread', [worker('w0', {}, given)]), 'counts', 10_000).partitions[0]).toMatchObject({ owner: null }));
  test('a standby is one that could go on at once, and nothing is said of it where there are none to be', () => {
    const standbys = [0, 1].map((at) => ({ task: `counts/${at}`, stage: 'counts', lagRecords: 0, bytes: 1, isWarm: at === 0 }));
    const board = new ProgressBoard({ ...plan, standbyReplicas: 1 }, 0, 'process');
    board.hear({ ...worker('w1', {}, given), standbys }, 0);
    expect(stage(board, 'counts', 0).partitions).toMatchObject([{ standby: 'w1' }, { standby: null }]);
    expect(stage(board, 'rows', 0).partitions[0]).not.toHaveProperty('standby');
    expect(stage(heard('thread', [worker('w0', {}, given)]), 'counts', 0).partitions[0]).not.toHaveProperty('standby');
  });
  test('the rate looks back a few seconds', () => {
    const board = heard('thread', [worker('w0', {}, [source({ counters: counted({ eventsIn: 1000 }) })])]);
    board.progress(0);
    board.hear(worker('w0', {}, [source({ number: 2, counters: counted({ eventsIn: 3000 }) })]), 2000);
    expect(stage(board, 'rows', 2000).eventsInPerS).toBe(1000);
    board.progress(4000);
    expect(stage(board, 'rows', 6000).eventsInPerS).toBe(0);
  });
  test('of workers that are long gone only what they used is kept', () => {
    const board = heard('process', [worker('w0', { cpuMs: 500 })]);
    board.hear(worker('w1', { cpuMs: 70 }), 20 * 60_000);
    expect(board.progress(20 * 60_000)).toMatchObject({ cpuMs: 570, workers: [{ id: 'w1' }] });
  });
  test('who looks seldom sees the rate since the last look', () => {
    const board = heard('process', [worker('w0', {}, [source({ counters: counted({ eventsIn: 1000 }) })])]);
    board.progress(0);
    board.hear(worker('w0', {}, [source({ number: 2, counters: counted({ eventsIn: 5000 }) })]), 8_000);
    expect(stage(board, 'rows', 8_000).eventsInPerS).toBe(500);
  });
  test('what a task had taken in before it was heard of is no pace', () => {
    const board = heard('process', [worker('w0', {}, [figures('counts', 0, { counters: counted({ eventsIn: 10 }) })])]);
    board.progress(0);
    board.hear(worker('w1', {}, [figures('counts', 1, { counters: counted({ eventsIn: 1_000_000 }) })]), 1_000);
    expect(stage(board, 'counts', 1_000).eventsInPerS).toBe(0);
    board.hear(worker('w1', {}, [figures('counts', 1, { number: 2, counters: counted({ eventsIn: 1_000_300 }) })]), 2_000);
    expect(stage(board, 'counts', 2_000).eventsInPerS).toBe(300);
  });
  test('a stage is done when each of its partitions is', () => {
    const board = heard('thread', [worker('w0', {}, [figures('counts', 0, { state: 'done' })])]);
    expect(stage(board, 'counts', 0).done).toBe(false);
    board.hear(worker('w0', {}, [figures('counts', 1, { state: 'done' })]), 0);
    expect(stage(board, 'counts', 0).done).toBe(true);
  });
});

function heard(isolation: 'thread' | 'process', reports: readonly WorkerReport[]): ProgressBoard {
  const board = new ProgressBoard(plan, 0, isolation);
  for (const report of reports) board.hear(report, 0);
  return board;
}

function stage(board: ProgressBoard, id: string, nowMs: number): ReturnType<ProgressBoard['progress']>['stages'][number] {
  const found = board.progress(nowMs).stages.find((known) => known.id === id);
  if (found === undefined) throw new Error(`no stage ${id}`);
  return found;
}

function worker(id: string, known: Partial<WorkerReport>, tasks: readonly TaskFigures[] = []): WorkerReport {
  const nothing = { commitLatency: {}, endToEndLatency: {}, memoryBytes: 0, cpuMs: 0, time: NO_TIME, troubles: [], revision: 1 };
  return { worker: id, tasks, ...nothing, ...known };
}

function source(known: Partial<TaskFigures>): TaskFigures {
  return figures('rows', 0, known);
}

function figures(id: string, partition: number, known: Partial<TaskFigures>): TaskFigures {
  const nothing = {
    state: 'running',
    epoch: 1,
    number: 1,
    counters: counted({}),
    watermark: null,
    inboxBytes: 0,
    progress: null,
    positions: {},
    sequence: 1,
    busy: false,
    paused: null,
    taken: null,
    time: NO_TIME,
  } as const;
  return { task: `${id}/${partition}`, stage: id, partition, ...nothing, ...known };
}

function counted(known: Partial<TaskFigures['counters']>): TaskFigures['counters'] {
  return { ...NO_COUNTS, edgesIn: [], edgesOut: [], ...known };
}
