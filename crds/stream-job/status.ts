// What the operator says of a StreamJob: its status, as stored and as `kubectl get` shows it.
//
//   T1. What is not known is `Unknown`, never zero: figures come from workers' reports that are fresh.
//   T2. Bounded: at most STATUS_STAGES_MAX stages, STATUS_DECISIONS_MAX sentences, and STATUS_BYTES_MAX as JSON, which is less than all
//       bounds of fields together: texts give way before figures do (operator/reconcile/status-size.ts).

import { z } from 'zod';
import { POOLS_MAX } from './pools.ts';

export const STATUS_BYTES_MAX = 32 * 1_024;
export const STATUS_STAGES_MAX = 100;
/** The names are for people only: what is started anew is told by the plans. */
export const INTENT_STAGES_MAX = 20;
export const STATUS_DECISIONS_MAX = 16;
/** Those that there may be, and those that are on their way out. */
export const STATUS_POOLS_MAX = 2 * POOLS_MAX;

/** Said where a figure is not known. */
export const UNKNOWN = 'Unknown';

export const phases = [
  'Pending',
  'Starting',
  'Running',
  'Upgrading',
  'RollingBack',
  'Suspending',
  'Suspended',
  'Completed',
  'Failed',
  'Deleting',
] as const;
export type Phase = (typeof phases)[number];

/** Ready: the job is in the state that its spec asks for (reason says which: Running, Completed, Suspended).
 *  Reconciling, Stalled: as kstatus reads them. Degraded: it runs, but not as it should.
 *  ConservationOK: each event is accounted for, by the records of all partitions. */
export const conditionTypes = [
  'Ready',
  'Reconciling',
  'Stalled',
  'Degraded',
  'DurabilityDegraded',
  'ConservationOK',
  'ScalingLimited',
  'HotPartition',
] as const;
export type ConditionType = (typeof conditionTypes)[number];

export const conditionSchema = z.strictObject({
  type: z.string().max(63),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.int(),
  lastTransitionTime: z.string().max(40),
  reason: z.string().max(63),
  message: z.string().max(1_024),
});
export type Condition = z.infer<typeof conditionSchema>;

export const stageStatusSchema = z.strictObject({
  name: z.string().max(63),
  partitions: z.int(),
  running: z.int().optional().describe('Partitions that a worker runs now; absent when unknown.'),
  standbys: z.int().optional().describe('Partitions that a standby could take over at once; absent where none are to have one.'),
  lag: z.string().max(24).optional().describe('Events that wait for it, in the stream of a source too: a count, or Unknown.'),
  rate: z.string().max(24).describe('Events a second over the last seconds, or Unknown.'),
  watermark: z.string().max(40).describe('RFC 3339, `ended`, or Unknown.'),
  deadLetters: z.int().optional(),
});
export type StageStatus = z.infer<typeof stageStatusSchema>;

/** One declaration that was made to run. */
export const revisionSchema = z.strictObject({
  number: z.int(),
  hash: z.string().max(64).describe('First 16 hex digits of the hash of what was declared (spec without replicas and suspend).'),
  generation: z.int().describe('metadata.generation that it was made from.'),
});

/** What the operator is about to do, written before it does it: an operator that starts anew goes on from here. */
export const intentSchema = z.strictObject({
  action: z.enum(['deploy', 'upgrade', 'rollback', 'savepoint', 'suspend', 'delete']),
  revision: revisionSchema,
  since: z.string().max(40),
  stages: z.array(z.string().max(63)).max(INTENT_STAGES_MAX).optional().describe('Stages that are started anew by it; the others go on.'),
  stagesMore: z.int().optional().describe('How many more than those named are started anew.'),
});

/** What scaling remembers, and what it sees. */
export const scalingStatusSchema = z.strictObject({
  replicas: z.int().describe('Workers that scaling asks for (Apply), or would ask for (Recommend).'),
  declared: z.int().describe('`spec.replicas`, as it was seen last.'),
  eventsPerWorker: z.number().optional().describe('Events a second that one worker does, as measured.'),
  lastOut: z.string().max(40).optional().describe('When workers were added last.'),
  lastIn: z.string().max(40).optional().describe('When workers were taken away last.'),
  trial: z
    .strictObject({ from: z.int(), since: z.string().max(40), eventsPerS: z.number(), eventsPerWorker: z.number() })
    .optional()
    .describe('Workers that were added and have to show that they help: how many there were before, and what they could do a second.'),
  hold: z
    .strictObject({ until: z.string().max(40), times: z.int(), why: z.string().max(256) })
    .optional()
    .describe('More workers did not help: none are added until then.'),
  wakeTo: z.int().optional().describe('How many workers there were when events came last: as many wake.'),
  now: z.string().max(512).optional().describe('What is the case, with its numbers.'),
});
export type ScalingStatus = z.infer<typeof scalingStatusSchema>;

/** One pool, as the job is told. */
export const poolStatusSchema = z.strictObject({
  name: z.string().max(32),
  replicas: z.int().describe('Its worker pods that are there.'),
  ready: z.string().max(24).describe('Its pods that are ready, of those that are asked for: `2/2`.'),
  scaling: scalingStatusSchema.optional().describe('What scaling on load sees and remembers of it; absent in mode Off.'),
});
export type PoolStatus = z.infer<typeof poolStatusSchema>;

export const streamJobStatusSchema = z.strictObject({
  observedGeneration: z.int().optional(),
  phase: z.enum(phases).optional(),
  conditions: z.array(conditionSchema).max(16).optional(),
  replicas: z.int().optional().describe('Worker pods that are there; of several pools those of the default pool.'),
  readyReplicas: z.int().optional().describe('Worker pods that are ready; of several pools those of the default pool.'),
  selector: z.string().max(512).optional().describe('Labels of the worker pods (of the default pool), for the scale subresource.'),
  ready: z.string().max(24).optional().describe('Pods that are ready, of those that are asked for, in all pools: `2/2`.'),
  lag: z.string().max(24).optional().describe('Events that wait in the streams of sources or before a stage, all together, or Unknown.'),
  watermark: z.string().max(40).optional().describe('The lowest watermark: RFC 3339, `ended`, or Unknown.'),
  rate: z.string().max(24).optional().describe('Events a second into the job, or Unknown.'),
  stages: z.array(stageStatusSchema).max(STATUS_STAGES_MAX).optional(),
  runId: z.string().max(64).optional().describe('Of this run: the same until its state is dropped.'),
  revision: revisionSchema.optional().describe('The revision that the workers run.'),
  stableRevision: revisionSchema.optional().describe('The last revision that was seen to progress.'),
  rejectedHash: z.string().max(64).optional().describe('Hash of a revision that was rolled back: not tried again until the spec changes.'),
  intent: intentSchema.optional().describe('What the operator is about to do, written before it does it.'),
  lastSavepoint: z
    .strictObject({ name: z.string().max(253), takenAt: z.string().max(40), bytes: z.int() })
    .optional()
    .describe(
      'The newest completed StreamSavepoint of the job. When that object is deleted, the one before it; when none is left, absent.',
    ),
  scaling: scalingStatusSchema.optional().describe('What scaling on load sees and remembers; absent in mode Off.'),
  pools: z
    .array(poolStatusSchema)
    .max(STATUS_POOLS_MAX)
    .optional()
    .describe('Pools beside the default pool, those too that are on their way out.'),
  decisions: z
    .array(z.string().max(320))
    .max(STATUS_DECISIONS_MAX)
    .optional()
    .describe('Last scaling decisions as sentences, newest last.'),
});
export type StreamJobStatus = z.infer<typeof streamJobStatusSchema>;
export type RevisionStatus = z.infer<typeof revisionSchema>;
export type IntentStatus = z.infer<typeof intentSchema>;
