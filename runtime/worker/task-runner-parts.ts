// What one task needs of its worker.

import type { Clock } from '../base/clock.ts';
import type { SinkConnector } from '../connectors/sink.ts';
import type { SourceConnector } from '../connectors/source.ts';
import type { Key } from '../event/batch.ts';
import type { BlobStore, Journal } from '../journal/journal.ts';
import type { NodePlan, PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import type { ValueMemory } from '../state/value-memory.ts';
import type { StageMeter } from '../telemetry/stage-meter.ts';
import type { Table, Transform } from '../transforms/transform.ts';
import type { Alignment } from './alignment.ts';
import type { LaneFeed } from './lane-feed.ts';
import type { SavedPart } from './recovery.ts';
import type { RedriveFeed } from './redrive-feed.ts';
import type { Tracing } from './task-spans.ts';
import type { Turns } from './turns.ts';
import type { Outside } from './waiting-side.ts';
import type { WarmCopy } from './warm-copy.ts';

export type TaskRunnerParts = {
  /** What this worker has followed of the partition; null: nothing. */
  readonly warm: WarmCopy | null;
  readonly plan: PhysicalPlan;
  readonly revision: number;
  readonly savedPart: (task: string) => Promise<SavedPart | null>;
  readonly stage: StagePlan;
  readonly partition: number;
  readonly journal: Journal;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly turns: Turns;
  /** For values of state; null: all of them stay there. */
  readonly memory: ValueMemory | null;
  /** What steps measure stretches by; absent: `clock`. */
  readonly stepClock?: Pick<Clock, 'monotonicMs'> | undefined;
  readonly worker: string;
  readonly feed: (stream: string) => LaneFeed;
  /** Dead letters that are put in again; null: none are. */
  readonly redrives: RedriveFeed | null;
  readonly makeTransform: (node: NodePlan) => Transform;
  readonly table: (name: string) => Table;
  readonly tableVersions: Readonly<Record<string, string>>;
  readonly source: SourceConnector | null;
  readonly sink: SinkConnector | null;
  /** Absent: no transform of the stage asks anything outside. */
  readonly outside?: Outside;
  /** Of the splits of this worker among those of the job; absent: they wait for nobody. */
  readonly alignment?: Alignment;
  /** N8 of the runner; absent: HELD_WHILE_PAUSED_MAX. */
  readonly heldWhilePausedMax?: number | undefined;
  readonly recordBytesMax: number;
  readonly checkpointBytes: number;
  /** Replay speed of bounded sources (3600: an hour of event time a second); null: as fast as possible. */
  readonly speed: number | null;
  readonly failpoint: (name: string) => void;
  readonly onTrouble: (error: unknown) => void;
  readonly log: (message: string) => void;
  readonly meter: StageMeter;
  /** null: nothing is traced. */
  readonly tracing?: Tracing | null | undefined;
  /** Keys that somebody follows now. */
  readonly followed: () => ReadonlySet<Key>;
};
