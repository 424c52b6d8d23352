// Observations for tests: a small job, as it is seen at one moment.

import { scalingSchema } from '../../crds/stream-job/scaling.ts';
import { readStreamJob } from '../../runtime/plan/check.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { taskName, type PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { JobRecord } from '../../runtime/worker/job-record.ts';
import type { JobFigures } from './figures.ts';
import type { Declared, NatsObserved, Observed, ValidDeclared } from './observed.ts';

export const NOW_MS = Date.parse('2026-01-01T00:10:00Z');
const SECOND_MS = 1_000;

/** `2026-01-01T00:10:00Z` less some seconds. */
export function secondsAgo(seconds: number): string {
  return new Date(NOW_MS - seconds * SECOND_MS).toISOString();
}

export const JOB_TEXT = `
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: hourly }
spec:
  sources:
    - name: orders
      nats: { subjects: [orders.in], stream: orders }
      schema: { shop: string, amount: double, at: timestamp }
      eventTime: { at: event.at }
  stages:
    - name: sums
      from: orders
      filter: event.amount > 0.0
      keyBy: event.shop
      window: { tumbling: { size: 1h } }
      aggregate: { total: { sum: event.amount } }
      partitions: 2
  sinks:
    - { name: out, from: sums, nats: { subject: sums.out, stream: sums } }
`;

/** The job, with `change` made to its text. */
export function declaredOf(
  hash: string,
  change: (text: string) => string = (text) => text,
  before: PhysicalPlan | null = null,
): ValidDeclared {
  const job = readStreamJob(change(JOB_TEXT), { file: 'sample', parameters: {} });
  return { kind: 'valid', job, plan: planJob(job, {}, { identity: 'shop_hourly', deadLetterFile: false, before }), hash, code: null };
}

export function recordOf({ plan }: ValidDeclared, revision: number): JobRecord {
  return {
    runId: 'run1',
    revision,
    plan: JSON.parse(JSON.stringify(plan)),
    module: null,
    code: null,
    splitCounts: {},
    baseDir: '/data',
    outDir: '/tmp',
    importsStreams: false,
    isReplay: false,
    speed: null,
    workers: 1,
    reportMs: 1_000,
    restore: null,
    fingerprint: plan.fingerprint,
    startedMs: NOW_MS - 60_000,
  };
}

/** All tasks of the plan run under `revision`; of those named `except`, nothing was heard. */
export function figuresRunning({ plan }: ValidDeclared, revision: number, except: readonly string[] = []): JobFigures {
  const names = plan.stages.flatMap(({ id, partitionCount }) => Array.from({ length: partitionCount }, (_, p) => taskName(id, p)));
  return {
    progress: {
      elapsedMs: 0,
      stages: plan.stages.map((stage) => ({
        id: stage.id,
        kind: stage.kind,
        partitions: Array.from({ length: stage.partitionCount }, (_, partition) => ({
          partition,
          owner: except.includes(taskName(stage.id, partition)) ? null : 'w1',
          state: 'running' as const,
        })),
        eventsIn: 10,
        eventsOut: 10,
        eventsInPerS: 12.345,
        lagEvents: stage.kind === 'source' ? null : 7,
        watermarkMs: NOW_MS - 5_000,
        deadLetters: 0,
        late: 0,
        filtered: 0,
        done: false,
      })),
      workers: [],
      progress: null,
      remainingMs: null,
      deadLetters: 0,
      late: 0,
      recoveries: 0,
      commitMs: { p50: null, p99: null },
      endToEndMs: { p50: null, p99: null },
      peakMemoryBytes: 0,
      cpuMs: 0,
    },
    workers: [{ worker: 'w1', revision }],
    tasks: new Map(names.filter((name) => !except.includes(name)).map((name) => [name, { revision, state: 'running' as const }])),
  };
}

type Present = Extract<NatsObserved, { kind: 'present' }>;

export function natsWith(given: Partial<Present> = {}): Present {
  return {
    kind: 'present',
    record: null,
    revision: null,
    kept: [],
    failure: null,
    completed: false,
    hasLanes: false,
    lost: [],
    drift: [],
    durability: { kind: 'durable' },
    credentialsTrouble: null,
    conservation: null,
    ...given,
  };
}

/** NATS and status of a job whose revision 1 runs and is stable. */
export function running(declared: ValidDeclared, number = 1): { nats: Present; status: Observed['job']['status'] } {
  const revision = { number, hash: declared.hash, generation: 1 };
  return {
    nats: natsWith({ record: recordOf(declared, number), revision, kept: [number] }),
    status: { phase: 'Running', revision, stableRevision: revision, observedGeneration: 1 },
  };
}

export type Given = Partial<Omit<Observed, 'job' | 'cluster'>> & {
  readonly job?: Partial<Observed['job']>;
  readonly cluster?: Partial<Observed['cluster']>;
};

/** A job that was just made, but for what is `given`. */
export function observedWith({ job, cluster, ...given }: Given = {}): Observed {
  const declared: Declared = given.declared ?? declaredOf('h1');
  return {
    nowMs: NOW_MS,
    job: {
      name: 'hourly',
      namespace: 'shop',
      uid: 'u1',
      generation: 1,
      createdMs: NOW_MS - 60_000,
      deletedMs: null,
      hasFinalizer: true,
      annotations: {},
      spec: {},
      status: {},
      ...job,
    },
    cluster: {
      replicas: 1,
      scaling: scalingSchema.parse({}),
      pools: [],
      suspend: false,
      upgrade: { strategy: 'last-state', progressDeadline: '2m', rollback: true },
      deletionPolicy: 'Retain',
      restoreFrom: undefined,
      ...cluster,
    },
    nats: natsWith(),
    pods: { total: 1, ready: 1, terminating: 0, problems: [] },
    deployedReplicas: 1,
    rollout: 'done',
    pools: [],
    poolsLeft: [],
    figures: null,
    backlogs: new Map([['orders', 5]]),
    load: { kind: 'absent', reason: 'it is not scaled' },
    scaling: null,
    upgradeSavepoint: null,
    restoreSavepoint: null,
    savepointRunning: false,
    lastSavepoint: null,
    ...given,
    defaultPods: given.defaultPods ?? given.pods ?? { total: 1, ready: 1, terminating: 0, problems: [] },
    declared,
  };
}
