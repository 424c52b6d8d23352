// Savepoints: how a task stands, as data that means something in another plan, and back.
//
//   V1. It is taken while sources are paused and all that was read has flowed to its end (quiescence.ts): nothing is under way
//       between tasks, so places in journals need not be kept.
//   V2. A task that goes on from one has read nothing of its new journals, and knows how far event time had come.
//   V3. A sink goes on behind the last result that the job of the savepoint wrote: its state says which that is.

import { MillraceError } from '../base/errors.ts';
import type { SinkState } from '../connectors/sink.ts';
import { getBytes } from '../journal/blob-bytes.ts';
import type { BlobContent, BlobStore } from '../journal/journal.ts';
import type { CheckpointRef, InputPosition, RecordHeader } from '../journal/record.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { taskName } from '../plan/physical-plan.ts';
import type { Standing } from '../task/step-record.ts';
import type { JobRecord, SavepointHeader, SavepointManifest, SavepointTask, StoredWatermark } from './job-record.ts';

/** Name of the blob that holds the manifest. */
export function manifestBlob(id: string): string {
  return `savepoint.${id}`;
}

/** Name of the blob that holds a task's image. Of an epoch: a worker that was replaced while it stored cannot spoil it. */
export function imageBlob(id: string, task: string, epoch: number): string {
  return `savepoint.${id}.${task.replace('/', '-')}.${epoch}`;
}

/** Key of the directory under which a task's part is told. */
export function partKey(id: string, task: string): string {
  return `savepoint.${id}.${task.replace('/', '.')}`;
}

/** Keys of all parts of a savepoint of `plan`: it is whole when each is there, of `record.revision`. */
export function partKeys(id: string, plan: PhysicalPlan): readonly string[] {
  return plan.stages.flatMap((stage) =>
    Array.from({ length: stage.partitionCount }, (_, partition) => partKey(id, taskName(stage.id, partition))),
  );
}

/** What is stored as JSON in the blob `manifestBlob(id)`. */
export function makeManifest(id: string, job: string, record: JobRecord, tasks: readonly SavepointTask[]): SavepointManifest {
  return { id, job, runId: record.runId, revision: record.revision, plan: record.plan, tasks };
}

/** The manifest of savepoint `id`. Throws MR2106 when it is not there. */
export async function loadManifest(blobs: BlobStore, id: string): Promise<SavepointManifest> {
  const bytes = await getBytes(blobs, manifestBlob(id), null);
  if (bytes === null) throw new MillraceError('MR2106', { task: `savepoint ${id}`, problem: 'its manifest is missing or damaged' });
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as SavepointManifest;
}

/** A task that stands still, as it is to be kept. */
export type StandingTask = {
  readonly task: string;
  readonly standing: Standing;
  readonly plan: PhysicalPlan;
  readonly stage: StagePlan;
  readonly tables: Readonly<Record<string, string>>;
  readonly place: { readonly epoch: number; readonly number: number };
  readonly clockMs: number;
};

/** Stores the image of a task's state and says where it lies. */
export async function storePart(
  blobs: BlobStore,
  { id, revision }: { readonly id: string; readonly revision: number },
  { task, standing, plan, stage, tables, place, clockMs }: StandingTask,
  image: BlobContent,
): Promise<SavepointTask> {
  const header = { ...toHeader(standing, plan, stage, tables), clockMs };
  const blob = imageBlob(id, task, place.epoch);
  const { sha256, bytes } = await blobs.put(blob, image);
  return { task, blob, sha256, bytes, number: place.number, revision, header };
}

/** All blobs of a savepoint but its manifest: what another job's store needs too. */
export function imagesOf({ tasks }: SavepointManifest): readonly { readonly name: string; readonly sha256: string }[] {
  return tasks.map(({ blob, sha256 }) => ({ name: blob, sha256 }));
}

export function toHeader(
  standing: Standing,
  plan: PhysicalPlan,
  stage: StagePlan,
  tables: Readonly<Record<string, string>>,
): SavepointHeader {
  const { edgesIn, edgesOut, ...counters } = standing.counters;
  const idOf = (index: number): string => plan.edges[index]?.id ?? '';
  return {
    inputs: standing.inputs.map(({ edge, watermarks }, place) => ({
      edge: idOf(edge),
      watermarks: watermarks.map(toStored),
      events: edgesIn[place] ?? 0,
    })),
    outputs: stage.outputs.flatMap((edge, place) =>
      plan.edges[edge]?.retired === true
        ? []
        : [{ edge: idOf(edge), watermark: toStored(standing.watermarks[place] ?? null), events: edgesOut[place] ?? 0 }],
    ),
    source: standing.source,
    sink: standing.sink?.after ?? null,
    nodeWatermarks: Object.fromEntries(
      Object.entries(standing.nodeWatermarks).map(([id, [input, output]]) => [id, [toStored(input), toStored(output)] as const]),
    ),
    done: standing.done,
    counters,
    tables,
  };
}

/** How a task of `stage` begins that goes on from `part`, and where its state lies. */
export function fromPart(
  part: SavepointTask,
  { job, runId }: Pick<SavepointManifest, 'job' | 'runId'>,
  plan: PhysicalPlan,
  stage: StagePlan,
): { readonly standing: Standing & Pick<RecordHeader, 'clock'>; readonly checkpoint: CheckpointRef } {
  const { header } = part;
  const idOf = (index: number): string => plan.edges[index]?.id ?? '';
  const inputs = stage.inputs.map((edge) => ({ edge, known: header.inputs.find((input) => input.edge === idOf(edge)) }));
  const outputs = stage.outputs.map((edge) =>
    plan.edges[edge]?.retired === true ? undefined : header.outputs.find((output) => output.edge === idOf(edge)),
  );
  return {
    standing: {
      inputs: inputs.map(({ edge, known }): InputPosition => ({
        edge,
        sequence: 0,
        watermarks: (known?.watermarks ?? []).map(fromStored),
      })),
      source: header.source,
      sink: header.sink === null ? null : sinkBehind(header.sink, { job, runId, record: part.number }),
      watermarks: outputs.map((output) => fromStored(output?.watermark ?? null)),
      nodeWatermarks: Object.fromEntries(
        Object.entries(header.nodeWatermarks).map(([id, [input, output]]) => [id, [orMin(input), orMin(output)] as const]),
      ),
      done: header.done,
      ...(header.clockMs === undefined ? {} : { clock: { ms: header.clockMs } }),
      redriven: 0,
      idle: [], // found again
      counters: {
        ...header.counters,
        made: header.counters.made ?? null, // a savepoint of an older release does not say it
        edgesIn: inputs.map(({ known }) => known?.events ?? 0),
        edgesOut: outputs.map((output) => output?.events ?? 0),
      },
    },
    checkpoint: { name: part.blob, sha256: part.sha256, number: 0, sequence: 0, bytes: part.bytes },
  };
}

/** Fields of a sink's state until its first own result: behind which one it begins (connectors/nats/nats-sink.ts). */
function sinkBehind(
  state: SinkState,
  { job, runId, record }: { readonly job: string; readonly runId: string; readonly record: number },
): Standing['sink'] {
  // Of a job that was itself restored and has written nothing since, the last result is of the job before it.
  const behind = 'behindRecord' in state ? state : { ...state, behindJob: job, behindRun: runId, behindRecord: record };
  return { before: behind, after: behind, appliedNumber: 0 };
}

function toStored(watermark: number | null): StoredWatermark {
  if (watermark === null || watermark === -Infinity) return null;
  return watermark === Infinity ? 'ended' : watermark;
}

function fromStored(watermark: StoredWatermark): number | null {
  return watermark === 'ended' ? Infinity : watermark;
}

function orMin(watermark: StoredWatermark): number {
  return fromStored(watermark) ?? -Infinity;
}
