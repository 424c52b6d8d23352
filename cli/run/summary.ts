// What a person reads when a run has ended: how it went, where the results are, what to try next.

import { relative } from 'node:path';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { FinalReport } from './final-report.ts';
import type { RunOutcome } from './run-job.ts';

export function summaryText(outcome: RunOutcome, file: string, terminal: { readonly isTTY: boolean; readonly columns: number }): string {
  const { report, plan } = outcome;
  const bold = (text: string): string => (terminal.isTTY ? `\u001b[1m${text}\u001b[0m` : text);
  const parts = [bold(headline(report)), figures(report)];
  if (outcome.ending === 'completed') parts.push(`${bold('Results')}\n${results(plan, report)}`, `${bold('Try next')}\n${nextSteps(file, report)}`);
  if (outcome.failure !== null) parts.push(`${outcome.failure.message}\n  ${outcome.failure.fix}`);
  if (outcome.ending === 'interrupted') parts.push('All that was read is committed. The same command goes on where this run stopped; --fresh starts over.');
  return `\n${parts.join('\n\n')}`;
}

function headline({ job, ending, elapsedMs, eventsIn }: FinalReport): string {
  const word = { completed: 'Completed', failed: 'Failed', interrupted: 'Interrupted' }[ending];
  return `${word}: job ${job}, ${count(eventsIn)} events in ${(elapsedMs / 1000).toFixed(1)} s`;
}

function figures(report: FinalReport): string {
  const rows: [string, string][] = [
    ['read', `${count(report.eventsIn)} events (${count(report.eventsInPerS)}/s), ${count(report.eventsOut)} results written`],
    ['not processed', `${count(report.deadLetters)} dead letters, ${count(report.late)} late`],
    ['commit', latency(report.commitMs)],
    ['end to end', latency(report.endToEndMs)],
    ['recoveries', count(report.recoveries)],
    ['memory', `${Math.round(report.peakMemoryBytes / 1024 / 1024)} MiB at most`],
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(14)}${value}`).join('\n');
}

function results(plan: PhysicalPlan, report: FinalReport): string {
  const written = new Map(report.stages.map(({ stage, eventsOut }) => [stage, eventsOut]));
  const rows = plan.stages.flatMap((stage) =>
    stage.nodes.flatMap(({ op }) => {
      const events = written.get(stage.id) ?? 0;
      if (op.kind !== 'sink' || (events === 0 && stage.id.startsWith('dead-letters'))) return [];
      if (op.spec.file !== undefined) return [[`${here(report.outDir)}/${op.spec.file.path}`, events] as const];
      return op.spec.nats === undefined ? [] : [[`subject ${op.spec.nats.subject}`, events] as const];
    }),
  );
  const width = Math.max(...rows.map(([place]) => place.length), 0);
  return rows.map(([place, events]) => `  ${place.padEnd(width + 2)}${count(events).padStart(9)} lines`.replace(/lines$/, place.startsWith('subject') ? 'messages' : 'lines')).join('\n');
}

function nextSteps(file: string, report: FinalReport): string {
  const from = here(file);
  return [
    `  npx millrace run ${from} --speed 3600x     watch it: an hour of flights a second`.replace('flights', report.job === 'flights' ? 'flights' : 'events'),
    `  npx millrace plan ${from}                  how it is cut into stages, and why`,
    `  npx millrace run ${from} --workers 2       the same results from two workers`,
  ].join('\n');
}

function latency({ p50, p99 }: FinalReport['commitMs']): string {
  return p50 === null || p99 === null ? 'none' : `${milliseconds(p50)} (p50), ${milliseconds(p99)} (p99)`;
}

function milliseconds(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : value < 10_000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function here(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short === '' ? '.' : short;
}
