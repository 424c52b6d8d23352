// What a run shows where the output is no terminal (a log, CI): a line when it begins, one now and then, and what went wrong.

import type { RunListener } from './run-job.ts';
import { inertLines } from '../../runtime/base/inert.ts';
import { sinkCount } from '../../runtime/plan/explain-text.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { RunProgress } from '../../runtime/telemetry/progress.ts';
import { counted, readableCount } from '../../runtime/base/quantity.ts';
import { readableDuration, readableRest, readableShare, readableTime } from './readable.ts';

type Opened = Parameters<RunListener['onOpen']>[0];

/** Often while it is young, so that one sees it move; then seldom, so that a log of hours stays short. */
const LINE_EVERY_MS = 5_000;
const LINE_EVERY_LATER_MS = 60_000;
const YOUNG_MS = 60_000;
const TABLE_ISSUES_MAX = 5;

export function plainView(write: (line: string) => void): RunListener {
  let nextMs = LINE_EVERY_MS;
  return {
    onOpen: (opened) => {
      for (const line of openingLines(opened)) write(line);
    },
    onProgress: (progress) => {
      if (progress.elapsedMs < nextMs) return;
      nextMs = progress.elapsedMs + (progress.elapsedMs < YOUNG_MS ? LINE_EVERY_MS : LINE_EVERY_LATER_MS);
      write(progressLine(progress));
    },
    onLog: write,
  };
}

/** What is known at the start: said once. */
export function openingLines({ plan, natsUrl, isContinued, tableIssues }: Opened): string[] {
  const first = `${isContinued ? 'going on with' : 'running'} ${plan.job}: ${readableSize(plan)}, NATS at ${natsUrl}`;
  const issues = tableIssues.slice(0, TABLE_ISSUES_MAX).map((issue) => `table row left out: ${inertLines(issue)}`);
  const more = tableIssues.length - issues.length;
  return [first, ...issues, ...(more > 0 ? [`and ${counted(more, 'more table row')} left out`] : [])];
}

/** `4 stages, 10 sinks`, as `millrace plan` counts them. */
export function readableSize(plan: PhysicalPlan): string {
  return `${counted(plan.stages.filter(({ kind }) => kind !== 'sink').length, 'stage')}, ${counted(sinkCount(plan), 'sink')}`;
}

/** `10.0 s  41 %  11,000 events read (5,500/s), lag 1,200, watermark 2013-01-13 04:59, about 14 s left` */
export function progressLine({ elapsedMs, stages, progress, remainingMs, deadLetters, workers }: RunProgress): string {
  const sources = stages.filter(({ kind }) => kind === 'source');
  const sum = (of: (stage: (typeof stages)[number]) => number, from = stages): number =>
    from.reduce((total, stage) => total + of(stage), 0);
  const watermarks = stages.map(({ watermarkMs }) => watermarkMs).filter((ms) => ms !== null && ms < Number.MAX_SAFE_INTEGER);
  return [
    [
      readableDuration(elapsedMs),
      ...(progress === null ? [] : [readableShare(progress)]),
      `${readableCount(sum(({ eventsIn }) => eventsIn, sources))} events read (${readableCount(sum(({ eventsInPerS }) => eventsInPerS, sources))}/s)`,
    ].join('  '),
    `lag ${readableCount(sum(({ lagEvents }) => lagEvents ?? 0))}`,
    ...(watermarks.length === 0 ? [] : [`watermark ${readableTime(Math.min(...watermarks.map((ms) => ms ?? 0)), 16)}`]),
    ...(deadLetters === 0 ? [] : [counted(deadLetters, 'dead letter')]),
    ...(workers.length === 0 ? ['no worker answers'] : []),
    ...(remainingMs === null ? [] : [`about ${readableRest(remainingMs)} left`]),
  ].join(', ');
}
