// What all workers of the job have told of its tasks, the newest of each.

import type { TaskFigures } from './task-figures.ts';

export class HeardTasks {
  readonly figures = new Map<string, TaskFigures>();

  hear({ tasks }: { readonly tasks: readonly TaskFigures[] }): void {
    for (const task of tasks) {
      const known = this.figures.get(task.task);
      if (known === undefined || task.epoch > known.epoch || (task.epoch === known.epoch && task.number >= known.number))
        this.figures.set(task.task, task);
    }
  }
}
