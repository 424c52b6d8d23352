// Figures of a task, as its worker reports them, for tests of who reads them.

import { NO_COUNTS } from '../task/counters.ts';
import type { TaskFigures } from '../worker/task-figures.ts';
import { NO_TIME } from '../worker/time-ledger.ts';

/** `task`: `stage/partition`. It runs and has done nothing, but for `more`. */
export function taskFigures(task: string, more: Partial<TaskFigures> = {}): TaskFigures {
  const [stage = '', partition] = task.split('/');
  return {
    task,
    stage,
    partition: Number(partition),
    state: 'running',
    epoch: 1,
    number: 1,
    counters: { ...NO_COUNTS, edgesIn: [], edgesOut: [] },
    watermark: null,
    inboxBytes: 0,
    progress: null,
    positions: {},
    sequence: 0,
    busy: false,
    paused: null,
    taken: null,
    time: NO_TIME,
    ...more,
  };
}
