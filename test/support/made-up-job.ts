// A job behind a real console: planned as any other, its workers' reports made up, twice a second.

import { setInterval } from 'node:timers';
import type { ConsoleServer } from '../../console/console-server.ts';
import { startConsoleServer } from '../../console/console-server.ts';
import { bundlePage } from '../../console/bundle-page.ts';
import { declaredOf } from '../../console/declared.ts';
import type { ConsoleSource, JobSource } from '../../console/job-source.ts';
import { LiveBoard } from '../../console/live-board.ts';
import { pageFiles } from '../../console/page-files.ts';
import type { ToldPool } from '../../console/pools.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { poolOf } from '../../runtime/plan/pools.ts';
import { NO_COUNTS } from '../../runtime/task/counters.ts';
import { NO_TIME } from '../../runtime/worker/time-ledger.ts';
import type { TaskFigures } from '../../runtime/worker/task-figures.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';

const REPORT_MS = 500;

export type MadeUpJob = { readonly server: ConsoleServer; readonly plan: PhysicalPlan; close(): Promise<void> };

export type MadeUpParts = {
  readonly plan: PhysicalPlan;
  /** The pool of each; undefined: it runs stages of all pools. */
  readonly workers: readonly (string | undefined)[];
  /** What a cluster would say of pools. */
  readonly told?: readonly ToldPool[];
  /** What tasks tell besides, by name. */
  readonly more?: Readonly<Record<string, Partial<TaskFigures>>>;
};

export async function startMadeUpJob({ plan, workers, told, more = {} }: MadeUpParts): Promise<MadeUpJob> {
  const ref = { namespace: '-', name: plan.job };
  const declared = declaredOf({ ref, plan, description: null, text: '', language: 'yaml', run: 'r', jaegerUrl: null });
  const board = new LiveBoard({ plan, declared, isolation: 'process', startMs: performance.now() });
  let round = 0;
  const report = (): void => {
    round++;
    for (let worker = 0; worker < workers.length; worker++) board.hear(reportOf({ plan, workers, more }, worker, round), performance.now());
  };
  report();
  const reporting = setInterval(report, REPORT_MS);
  const job: JobSource = {
    declared: () => Promise.resolve(declared),
    live: () => board.live({ name: 'Running', tone: 'good', message: null }, Date.now(), performance.now(), told),
    story: () => Promise.resolve({ kind: 'nobody', message: 'nobody' }),
    deadLetters: () => Promise.resolve({ total: 0, open: 0, groups: [], note: null }),
    decide: () => Promise.resolve({ problem: 'nobody' }),
  };
  const source: ConsoleSource = {
    entry: () => Promise.resolve({ kind: 'allowed', who: null }),
    deciding: () => Promise.resolve({ kind: 'allowed', who: null }),
    jobs: () => [ref],
    job: () => job,
  };
  const page = pageFiles(await bundlePage());
  const server = await startConsoleServer({ source, page, host: '127.0.0.1', port: 0, hostNames: ['localhost'], tickMs: REPORT_MS });
  return {
    server,
    plan,
    close: async () => {
      clearInterval(reporting);
      await server.close();
    },
  };
}

function reportOf({ plan, workers, more }: Required<Omit<MadeUpParts, 'told'>>, worker: number, round: number): WorkerReport {
  const pool = workers[worker];
  const peers = [...workers.keys()].filter((one) => workers[one] === pool);
  const tasks = plan.stages.flatMap((stage, at) =>
    pool !== undefined && poolOf(stage) !== pool
      ? []
      : Array.from({ length: stage.partitionCount }, (_, partition): TaskFigures => {
          const events = round * (100 + at) + partition;
          return {
            task: `${stage.id}/${partition}`,
            stage: stage.id,
            partition,
            state: 'running',
            epoch: 1,
            number: round,
            counters: {
              ...NO_COUNTS,
              eventsIn: events,
              edgesIn: stage.inputs.map(() => events),
              edgesOut: stage.outputs.map(() => events),
            },
            watermark: round * 1_000,
            inboxBytes: 0,
            progress: null,
            positions: {},
            sequence: round,
            busy: false,
            paused: null,
            taken: null,
            time: { busyMs: round * 100, blockedMs: round * 20, idleMs: round * 130 },
            ...more[`${stage.id}/${partition}`],
          };
        }).filter((_, partition) => peers[(at + partition) % peers.length] === worker),
  );
  const nothing = {
    commitLatency: {},
    endToEndLatency: {},
    memoryBytes: 1e8,
    cpuMs: round * 100,
    time: NO_TIME,
    troubles: [],
    revision: 1,
  };
  return { worker: `w${worker}`, tasks, ...nothing, ...(pool === undefined ? {} : { pool }) };
}
