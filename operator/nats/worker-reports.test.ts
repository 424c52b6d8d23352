import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import type { TaskFigures } from '../../runtime/worker/task-figures.ts';
import { NO_TIME } from '../../runtime/worker/time-ledger.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';
import { declaredOf } from '../lifecycle/observed-sample.ts';
import { WorkerReports } from './worker-reports.ts';

const { plan } = declaredOf('hash');
const JOB = 'shop_hourly';

let clock: VirtualClock;
let reports: WorkerReports;
beforeEach(() => {
  clock = new VirtualClock();
  reports = new WorkerReports(clock);
});

function report(worker: string, eventsIn: number, known: Partial<TaskFigures> = {}): WorkerReport {
  const counters = { eventsIn, eventsOut: 0, filtered: 0, late: 0, deadLetters: 0, recoveries: 0, edgesIn: [], edgesOut: [] };
  const task = { task: 'orders/0', stage: 'orders', partition: 0, state: 'running', epoch: 1, number: eventsIn, counters } as const;
  const figures = {
    ...task,
    watermark: null,
    inboxBytes: 0,
    progress: null,
    positions: {},
    taken: null,
    time: NO_TIME,
    ...known,
  } as TaskFigures;
  return {
    worker,
    revision: 1,
    tasks: [figures],
    commitLatency: {},
    endToEndLatency: {},
    memoryBytes: 1,
    cpuMs: 1,
    time: NO_TIME,
    troubles: [],
  };
}

function rate(): number | undefined {
  return reports.figures(JOB, plan)?.progress.stages.find(({ id }) => id === 'orders')?.eventsInPerS;
}

describe('figures', () => {
  test('are unknown while nobody reports', () => expect(reports.figures(JOB, plan)).toBeNull());

  test('are unknown again when reports are old', async () => {
    reports.hear(JOB, report('w0', 10));
    await clock.run(clock.sleep(3_000));
    expect(reports.figures(JOB, plan)?.workers).toEqual([{ worker: 'w0', revision: 1 }]);
    await clock.run(clock.sleep(1_000));
    expect(reports.figures(JOB, plan)).toBeNull();
  });

  test('have rates from the first look on, when two reports came before it', async () => {
    reports.hear(JOB, report('w0', 1_000));
    await clock.run(clock.sleep(1_000));
    reports.hear(JOB, report('w0', 1_500));
    expect(rate()).toBe(500);
  });

  test('have rates for who looks every four seconds', async () => {
    for (let second = 0; second <= 12; second++) {
      reports.hear(JOB, report('w0', 100 * second));
      if (second % 4 === 0 && second > 0) expect(rate()).toBeCloseTo(100);
      await clock.run(clock.sleep(1_000));
    }
  });

  test('of a run that was forgotten do not stand against those of the next one', () => {
    reports.hear(JOB, report('w0', 1_000, { epoch: 9 }));
    expect(reports.figures(JOB, plan)?.progress.stages[0]).toMatchObject({ eventsIn: 1_000 });
    reports.forget(JOB);
    reports.hear(JOB, report('w0', 3, { epoch: 1 }));
    expect(reports.figures(JOB, plan)?.progress.stages[0]).toMatchObject({ eventsIn: 3 });
  });
});

test('of a task the newest counts, whoever tells it last', () => {
  reports.hear(JOB, report('w1', 7, { epoch: 2, number: 1 }));
  reports.hear(JOB, report('w0', 9, { epoch: 1, number: 9 }));
  expect(reports.tasks(JOB).get('orders/0')).toMatchObject({ epoch: 2 });
});

test('who does not stop making up workers is not heard any more', () => {
  for (let worker = 0; worker < 5_000; worker++) reports.hear(JOB, report(`w${worker}`, 1));
  expect(reports.figures(JOB, plan)?.workers).toHaveLength(2_048);
});
