// A job of five hundred stages behind a real console: planned as any other, its workers' reports made up, twice a second.

import { setInterval } from 'node:timers';
import type { ConsoleServer } from '../../console/console-server.ts';
import { startConsoleServer } from '../../console/console-server.ts';
import { bundlePage } from '../../console/bundle-page.ts';
import { declaredOf } from '../../console/declared.ts';
import type { ConsoleSource, JobSource } from '../../console/job-source.ts';
import { LiveBoard } from '../../console/live-board.ts';
import { pageFiles } from '../../console/page-files.ts';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { NO_COUNTS } from '../../runtime/task/counters.ts';
import { NO_TIME } from '../../runtime/worker/time-ledger.ts';
import type { TaskFigures } from '../../runtime/worker/task-figures.ts';
import type { WorkerReport } from '../../runtime/worker/worker.ts';

const [LAYERS, WIDTH, SINKS, WORKERS] = [5, 99, 5, 4];
const REPORT_MS = 500;

export function largePlan(): PhysicalPlan {
  const name = (layer: number, at: number): string => `stage-${layer}-${at}`;
  // Each layer keys anew, so that nothing is fused.
  const stages = Array.from({ length: LAYERS * WIDTH }, (_, i) => {
    const [layer, at] = [Math.floor(i / WIDTH), i % WIDTH];
    const from = layer === 0 ? 'events' : name(layer - 1, (at * 7 + layer) % WIDTH);
    return {
      name: name(layer, at),
      from,
      keyBy: layer === 0 ? `event.a + '${at}'` : layer % 2 === 0 ? 'event.a' : 'event.b',
      dedupe: { ttl: '1h' },
    };
  });
  const job = streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'large' },
    spec: {
      partitions: 2,
      sources: [
        {
          name: 'events',
          nats: { subjects: ['large'] },
          schema: { a: 'string', b: 'string', at: 'timestamp' },
          eventTime: { at: 'event.at' },
        },
      ],
      stages,
      sinks: Array.from({ length: SINKS }, (_, sink) => ({
        name: `out-${sink}`,
        from: Array.from({ length: WIDTH }, (_all, at) => name(LAYERS - 1, at)).filter((_name, at) => at % SINKS === sink),
        nats: { subject: `large.out-${sink}` },
      })),
    },
  });
  return planJob(job, {}, { deadLetterFile: false });
}

export type LargeJob = { readonly server: ConsoleServer; readonly plan: PhysicalPlan; close(): Promise<void> };

export async function startLargeJob(): Promise<LargeJob> {
  const plan = largePlan();
  const ref = { namespace: '-', name: 'large' };
  const declared = declaredOf({ ref, plan, description: null, text: '', language: 'yaml', run: 'r', jaegerUrl: null });
  const board = new LiveBoard({ plan, declared, isolation: 'process', startMs: performance.now() });
  let round = 0;
  const report = (): void => {
    round++;
    for (let worker = 0; worker < WORKERS; worker++) board.hear(reportOf(plan, worker, round), performance.now());
  };
  report();
  const reporting = setInterval(report, REPORT_MS);
  const job: JobSource = {
    declared: () => Promise.resolve(declared),
    live: () => board.live({ name: 'Running', tone: 'good', message: null }, Date.now(), performance.now()),
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

function reportOf(plan: PhysicalPlan, worker: number, round: number): WorkerReport {
  const tasks = plan.stages.flatMap((stage, at) =>
    Array.from({ length: stage.partitionCount }, (_, partition): TaskFigures => {
      const events = round * (100 + at) + partition;
      return {
        task: `${stage.id}/${partition}`,
        stage: stage.id,
        partition,
        state: 'running',
        epoch: 1,
        number: round,
        counters: { ...NO_COUNTS, eventsIn: events, edgesIn: stage.inputs.map(() => events), edgesOut: stage.outputs.map(() => events) },
        watermark: round * 1_000,
        inboxBytes: 0,
        progress: null,
        positions: {},
        sequence: round,
        busy: false,
        paused: null,
        taken: null,
        time: { busyMs: round * 100, blockedMs: round * 20, idleMs: round * 130 },
      };
    }).filter((_, partition) => (at + partition) % WORKERS === worker),
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
  return { worker: `w${worker}`, tasks, ...nothing };
}
