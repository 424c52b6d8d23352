// A worker's report as OpenMetrics text. Pure.
//
//   X1. What counts since this process began is a counter. What counts since a task's first record moves with the task from worker to
//       worker, so it is a gauge here: summed over workers it is the job's.
//   X2. One line a stage, however many partitions: the number of series does not grow with a job's width.

import { countLatencies } from '../telemetry/latency-histogram.ts';
import type { TaskFigures } from '../worker/task-figures.ts';
import type { WorkerReport } from '../worker/worker.ts';

type Family = { readonly name: string; readonly type: 'counter' | 'gauge'; readonly help: string; readonly samples: readonly Sample[] };
type Sample = { readonly labels: Readonly<Record<string, string>>; readonly value: number };

const ENDED = Number.MAX_SAFE_INTEGER;

/** `report`: the latest; null: no worker runs yet. */
export function metricsText(job: string, report: WorkerReport | null): string {
  const families = report === null ? [] : [...ofProcess(job, report), ...ofStages(job, report.tasks)];
  return `${families.map(familyText).join('')}# EOF\n`;
}

function ofProcess(job: string, { commitLatency, memoryBytes, cpuMs, tasks, revision }: WorkerReport): readonly Family[] {
  const one = (value: number): readonly Sample[] => [{ labels: { job }, value }];
  const states = ['claiming', 'running', 'done'] as const;
  return [
    { name: 'millrace_worker_commits', type: 'counter', help: 'Commit records stored.', samples: one(countLatencies(commitLatency)) },
    { name: 'millrace_worker_cpu_seconds', type: 'counter', help: 'Processor time of this process.', samples: one(cpuMs / 1000) },
    { name: 'millrace_worker_memory_bytes', type: 'gauge', help: 'Resident memory of this process.', samples: one(memoryBytes) },
    { name: 'millrace_worker_revision', type: 'gauge', help: 'Revision of the job that runs here.', samples: one(revision) },
    {
      name: 'millrace_worker_tasks',
      type: 'gauge',
      help: 'Tasks of this worker by state.',
      samples: states.map((state) => ({ labels: { job, state }, value: tasks.filter((task) => task.state === state).length })),
    },
  ];
}

function ofStages(job: string, tasks: readonly TaskFigures[]): readonly Family[] {
  const stages = [...Map.groupBy(tasks, ({ stage }) => stage)];
  const family = (name: string, help: string, valueOf: (tasks: readonly TaskFigures[]) => number | null): Family => ({
    name: `millrace_stage_${name}`,
    type: 'gauge',
    help: `${help}, of the partitions that run here.`,
    samples: stages.flatMap(([stage, own]) => {
      const value = valueOf(own);
      return value === null ? [] : [{ labels: { job, stage }, value }];
    }),
  });
  const summed = (name: string, help: string, valueOf: (task: TaskFigures) => number): Family =>
    family(name, help, (own) => own.reduce((sum, task) => sum + valueOf(task), 0));
  return [
    summed('events_in', 'Events taken in since the first record', ({ counters }) => counters.eventsIn),
    summed('events_out', 'Events given out since the first record', ({ counters }) => counters.eventsOut),
    summed('late_events', 'Late events since the first record', ({ counters }) => counters.late),
    summed('dead_letters', 'Dead letters since the first record', ({ counters }) => counters.deadLetters),
    summed('recoveries', 'Claims after the first', ({ counters }) => counters.recoveries),
    summed('inbox_bytes', 'Bytes received and not yet processed', ({ inboxBytes }) => inboxBytes),
    family('watermark_seconds', 'Lowest watermark, since 1970', lowestWatermark),
  ];
}

/** Null: one has none yet, or all have ended. */
function lowestWatermark(tasks: readonly TaskFigures[]): number | null {
  const known = tasks.map(({ watermark }) => watermark);
  const lowest = Math.min(...known.map((watermark) => watermark ?? -Infinity));
  return Number.isFinite(lowest) && lowest < ENDED ? lowest / 1000 : null;
}

function familyText({ name, type, help, samples }: Family): string {
  const suffix = type === 'counter' ? '_total' : '';
  const lines = samples.map(({ labels, value }) => `${name}${suffix}{${labelText(labels)}} ${value}\n`);
  return `# TYPE ${name} ${type}\n# HELP ${name} ${help}\n${lines.join('')}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`)
    .join(',');
}
