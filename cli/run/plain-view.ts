// What a run shows where the output is no terminal: a line when it begins, one now and then, and what went wrong.

import type { RunListener } from './run-job.ts';
import type { RunProgress } from './progress.ts';

const LINE_EVERY_MS = 5_000;

export function plainView(write: (line: string) => void): RunListener {
  let lastMs = 0;
  return {
    onOpen: ({ plan, natsUrl, isContinued, tableIssues }) => {
      write(`${isContinued ? 'continuing' : 'running'} job ${plan.job}: ${plan.stages.length} stages on ${natsUrl}`);
      for (const issue of tableIssues.slice(0, 10)) write(`table row left out: ${issue}`);
    },
    onProgress: (progress) => {
      if (progress.elapsedMs - lastMs < LINE_EVERY_MS) return;
      lastMs = progress.elapsedMs;
      write(progressLine(progress));
    },
    onLog: write,
  };
}

export function progressLine({ elapsedMs, stages, progress, deadLetters }: RunProgress): string {
  const read = stages.filter(({ kind }) => kind === 'source').reduce((sum, { eventsIn }) => sum + eventsIn, 0);
  const lag = stages.reduce((sum, { lagEvents }) => sum + (lagEvents ?? 0), 0);
  const share = progress === null ? '' : `, ${Math.floor(progress * 100)} % of the input`;
  return `${(elapsedMs / 1000).toFixed(1)} s: ${read} events read${share}, lag ${lag}, dead letters ${deadLetters}`;
}
