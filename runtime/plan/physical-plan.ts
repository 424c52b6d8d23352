// What will run: the job's graph cut into stages, with every transform's id, key exchange and journal stream.
// Made by plan.ts from a StreamJob; plain data, but for functions that a builder put into code slots.
//
//   P1. Node ids are the user's names (with a suffix for implied nodes: `hourly/key`), so state survives edits that keep names.
//   P2. A stage ends only where the key changes, and before a sink.
//   P3. Stages and nodes are in topological order: inputs before those that read them.

import type { AggregateSpec } from '../../crds/stream-job/aggregates.ts';
import type { Code } from '../../crds/stream-job/code.ts';
import type { Fields } from '../../crds/stream-job/code.ts';
import type { CompressSpec, DecompressSpec, ValidateSpec } from '../../crds/stream-job/contents.ts';
import type { EventTimeSpec } from '../../crds/stream-job/events.ts';
import type { ChangelogSpec, EnrichSpec, JoinSpec, RowsSpec, TableJoinSpec, TemporalSpec } from '../../crds/stream-job/joins.ts';
import type { LookupSpec } from '../../crds/stream-job/lookup.ts';
import type { MachineSpec } from '../../crds/stream-job/machine.ts';
import type { ProcessingTimeSpec } from '../../crds/stream-job/processing-time.ts';
import type { PatternSpec } from '../../crds/stream-job/pattern.ts';
import type { BranchSpec } from '../../crds/stream-job/routing.ts';
import type { FileTableSpec, SourceSpec } from '../../crds/stream-job/sources.ts';
import type { MigrationSpec, ReduceCellSpec } from '../../crds/stream-job/state.ts';
import type { SinkSpec, StageSpec } from '../../crds/stream-job/spec.ts';
import type { WindowSpec } from '../../crds/stream-job/window.ts';

export type PhysicalPlan = {
  readonly job: string;
  readonly stages: readonly StagePlan[];
  /** Every exchange between two stages, retired ones too. `edge.index` is its place here. */
  readonly edges: readonly EdgePlan[];
  /** Those that are files. */
  readonly tables: readonly FileTableSpec[];
  /** Journal streams with what lies in them. */
  readonly streams: readonly string[];
  /** Hash of all that must be equal for state to be continued (ids, kinds, keys, partitions, windows, code texts). */
  readonly fingerprint: string;
  /** Workers beside the owner that follow the state of each partition; absent: none. */
  readonly standbyReplicas?: number;
  /** What a worker keeps of the values of state in memory and on its disk, in bytes; absent: all in memory. */
  readonly state?: { readonly memoryBytes: number; readonly diskBytes: number };
};

export type StageKind = 'source' | 'keyed' | 'sink';

export type StagePlan = {
  readonly id: string;
  readonly index: number;
  readonly kind: StageKind;
  readonly partitionCount: number;
  /** Fused transforms in topological order. */
  readonly nodes: readonly NodePlan[];
  /** Indices of the edges that this stage reads and writes, ascending; among those it writes are retired ones. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** JetStream stream of its journal; sink stages share one. */
  readonly stream: string;
  /** Subject of partition p is `${subjectPrefix}.${p}`. */
  readonly subjectPrefix: string;
  /** It had gone and came back with an older revision (a rollback): it goes on with the state that it has, without what was given
   *  out meanwhile. A stage that comes back by a declaration begins empty. */
  readonly resumed?: true;
  /** The pool whose workers run it; absent: the default pool. Its state does not depend on it. */
  readonly pool?: string;
  /** Why it begins here and what was fused, a sentence each, for `millrace plan`. */
  readonly reasons: readonly string[];
};

export type EdgePlan = {
  readonly index: number;
  /** `flights/key:origin→hourly`: stable, for people and metrics. */
  readonly id: string;
  readonly fromStage: string;
  /** Node and output whose events go out; the output is null for the main one, SENT for what actors send each other. */
  readonly from: NodeOutput;
  /** For a sink `journal: {}` this is `sink:<name>`: no stage reads it, the results stay in the journal of `fromStage`. */
  readonly toStage: string;
  /** How events find their partition: by key hash, all to partition 0, each to every partition, or from partition p to p modulo their
   *  number. */
  readonly partitioning: 'key' | 'single' | 'all' | 'forward';
  /** It was in the plan that this one replaced and is gone: it keeps its number, and its place in `outputs` of its stage, because
   *  records refer to both. Nothing is given out on it, and nobody reads it. */
  readonly retired?: true;
};

/** A node's output: null is the main one, others are named (`late`, a machine's outputs).
 *  `{ node: '*', output: 'dead' }` stands for the dead letters of a whole stage (every stage has that edge to the
 *  implied sinks `dead-letters` (file) and `dead-letters-subject` (NATS), whose events are DeadLetter values). */
export type NodeOutput = { readonly node: string; readonly output: string | null };

/** A node reads outputs of nodes of its own stage, or edges from stages before it; a machine whose actors send each other events
 *  reads an edge from its own stage besides, as its right side; a stage with `feedback` another one, as its left side. */
export type NodeInput =
  | { readonly kind: 'node'; readonly from: NodeOutput; /** join: which side. */ readonly side: 'left' | 'right' }
  | {
      readonly kind: 'edge';
      readonly edge: number;
      readonly side: 'left' | 'right';
      /** Its watermark counts for nothing: nobody waits for it. */ readonly untimed?: true;
      /** turn: first is taken in to its end before anything of what waits. */ readonly turn?: 'first' | 'waits';
    };

export type NodePlan = {
  readonly id: string;
  readonly inputs: readonly NodeInput[];
  readonly op: OpPlan;
  /** What becomes of an event for which its code throws; absent: a dead letter at once. */ readonly onError?: OnErrorPlan;
  /** The node before it that holds the rows of tables that are streams: its code sees them (transforms/side-input.ts). */
  readonly side?: string;
};

/** `backoffMs` before the first retry, twice as long before each further one. */
export type OnErrorPlan = {
  readonly retries: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  readonly then: 'deadLetter' | 'stopPartition' | 'stopJob';
};

/** When a split is idle, and when event time goes on without it; null: never. */
export type SourceIdle = { readonly afterMs: number; readonly closeAfterMs: number | null };

/** How far splits of a group may be ahead of the one that is furthest behind. */
export type SourceAlignment = { readonly group: string; readonly maxDriftMs: number };

/** By the clock: what becomes of a timer that is late by so much. Absent: its timers are of event time. */
export type MissedTimers = { readonly policy: ProcessingTimeSpec['missed']; readonly afterMs: number };

/** One transform with durations in ms and code as it was declared. */
export type OpPlan =
  | { readonly kind: 'source'; readonly spec: SourceSpec; readonly idle?: SourceIdle; readonly alignment?: SourceAlignment }
  | { readonly kind: 'filter'; readonly code: Code }
  | { readonly kind: 'map'; readonly map: Code | Fields }
  | { readonly kind: 'flatMap'; readonly flatMap: NonNullable<StageSpec['flatMap']> }
  | { readonly kind: 'eventTime'; readonly spec: EventTimeSpec; readonly maxOutOfOrderMs: number; readonly maxAheadMs?: number }
  | { readonly kind: 'enrich'; readonly lookups: readonly EnrichSpec[] }
  /** Implied where a table that is a stream comes from: rows with their keys, for every partition of those that read it. */
  | {
      readonly kind: 'tableRows';
      readonly table: string;
      readonly key: Code;
      readonly deleted: Code | null;
      /** Of the version of a row; absent: a key has one row. */ readonly at?: Code;
    }
  /** Implied before what reads tables that are streams. */
  | {
      readonly kind: 'sideInput';
      readonly tables: readonly SideTablePlan[];
      /** How much waits before it is crowded (transforms/transform.ts); absent: WAITING_EVENTS_MAX. */ readonly waitingMax?: number;
    }
  | { readonly kind: 'sample'; readonly ratio: number; readonly by: Code | null }
  /** `other`: what becomes of events that no output takes. */
  | {
      readonly kind: 'branch';
      readonly outputs: BranchSpec['outputs'];
      readonly match: BranchSpec['match'];
      readonly other: 'output' | 'filtered';
    }
  /** Of each partition. */
  | { readonly kind: 'rateLimit'; readonly perSecond: number; readonly burst: number }
  /** `invalid`: what becomes of events that are not as declared, as `late` of windows. */
  | { readonly kind: 'validate'; readonly spec: ValidateSpec; readonly invalid: 'output' | 'deadLetter' }
  | { readonly kind: 'compress'; readonly spec: CompressSpec }
  | { readonly kind: 'decompress'; readonly spec: DecompressSpec }
  /** Sets the key. `names`: fields of results that hold the key's parts. */
  | {
      readonly kind: 'keyBy';
      readonly code: Code | Fields;
      readonly names: readonly string[];
      /** nothing: all that reads this exchange only counts, so an event that can't be late crosses it as its key and time. */
      readonly carry?: 'event' | 'nothing';
      /** What it keys goes back to its own stage (task/feedback.ts), this often at most. */ readonly maxRounds?: number;
    }
  | {
      readonly kind: 'window';
      readonly window: CompiledWindow;
      readonly spec: WindowSpec;
      readonly aggregates: Readonly<Record<string, AggregateSpec>>;
      readonly keyNames: readonly string[];
      /** How long after its end a window is kept to be corrected; 0 when absent. */ readonly latenessMs?: number;
      /** Whether what a correction replaces comes once more before it. */ readonly retracts?: boolean;
      /** Of windows by count and the global one: how long a key without events is kept. */ readonly state?: StatePlan;
      /** Its windows have results before their end, or each has only what came since the last. */ readonly panes?: CompiledPanes;
      /** Each key has its own watermark. */ readonly keyWatermark?: CompiledKeyWatermark;
      /** What becomes of late events: the output `late` when something reads it, else dead letters. Both count as late. */ readonly late:
        'output' | 'deadLetter';
    }
  /** `failed`: what becomes of events without an answer, as `late` of windows. */
  | {
      readonly kind: 'lookup';
      readonly spec: LookupSpec;
      readonly timeoutMs: number;
      readonly backoffMs: number;
      readonly backoffMaxMs: number;
      readonly cache: { readonly size: number; readonly ttlMs: number } | null;
      readonly breaker: { readonly failures: number; readonly openMs: number } | null;
      readonly failed: 'output' | 'deadLetter';
    }
  | {
      readonly kind: 'aggregate';
      readonly aggregates: Readonly<Record<string, AggregateSpec>>;
      readonly keyNames: readonly string[];
      /** Events are changes of rows. */ readonly rows?: RowsSpec;
      readonly state?: StatePlan;
    }
  | { readonly kind: 'changelog'; readonly spec: ChangelogSpec }
  | { readonly kind: 'dedupe'; readonly ttlMs: number; readonly late?: 'output' | 'deadLetter' }
  | { readonly kind: 'join'; readonly spec: JoinSpec; readonly withinMs: number; readonly late?: 'output' | 'deadLetter' }
  | {
      readonly kind: 'temporalJoin';
      readonly spec: JoinSpec;
      readonly temporal: TemporalSpec;
      readonly graceMs: number;
      readonly validForMs: number | null;
      readonly late: 'output' | 'deadLetter';
    }
  | {
      readonly kind: 'tableJoin';
      readonly spec: JoinSpec;
      readonly table: Required<Pick<TableJoinSpec, 'emit'>> & {
        readonly left: NonNullable<TableJoinSpec['left']>;
        readonly right: NonNullable<TableJoinSpec['right']>;
      };
    }
  | { readonly kind: 'windowJoin'; readonly spec: JoinSpec; readonly window: CompiledWindow; readonly late: 'output' | 'deadLetter' }
  /** Implied before a pattern and a machine with `order: eventTime`: holds events until the watermark, then gives them in (time, arrival) order. */
  | {
      readonly kind: 'order';
      /** What becomes of late events, as for windows; deadLetter when absent. */ readonly late?: 'output' | 'deadLetter';
    }
  /** `withinMs`: of the whole pattern. */
  | { readonly kind: 'pattern'; readonly spec: PatternSpec; readonly withinMs: number | null; readonly keyNames: readonly string[] }
  /** Implied before what works by the clock: gives events the time of now, and a watermark that follows the clock. */
  | { readonly kind: 'clock' }
  /** `sends`: its actors send each other events. */
  | {
      readonly kind: 'machine';
      readonly spec: MachineSpec;
      readonly sends?: boolean;
      /** That are streams, which its code reads. */ readonly tables?: readonly string[];
      readonly state?: StatePlan;
      readonly migrate?: readonly MigrationSpec[];
      readonly missed?: MissedTimers;
    }
  /** Builder only: an XState machine made with xstate's own setup()/createMachine(). */
  | {
      readonly kind: 'xstate';
      readonly machine: unknown;
      readonly order: 'eventTime' | 'arrival';
      readonly unhandled: 'deadLetter' | 'ignore';
      readonly stateBytesMax?: number | undefined;
      readonly missed?: MissedTimers;
      /** Where the machine is only a mark: the states that it has. */ readonly states?: readonly string[] | undefined;
      /** Its actors send each other events. */ readonly sends?: boolean | undefined;
      readonly state?: StatePlan;
      readonly migrate?: readonly MigrationSpec[];
    }
  | {
      readonly kind: 'reduce';
      readonly init: Code;
      readonly step: Code;
      readonly expire?: Code | undefined;
      readonly cells?: Readonly<Record<string, ReduceCellSpec>> | undefined;
      readonly tables?: readonly string[];
      readonly stateBytesMax?: number | undefined;
      readonly state?: StatePlan;
      readonly migrate?: readonly MigrationSpec[];
      readonly missed?: MissedTimers;
    }
  | { readonly kind: 'sink'; readonly spec: SinkSpec };

/** waits: events are taken in when the watermark of the table has passed them, and see it as of their time. */
export type SideTablePlan = {
  readonly name: string;
  readonly waits: boolean;
  /** Absent: a key has one row. */ readonly versions?: VersionsPlan;
};
/** Versions of rows by time (transforms/table-versions.ts). validForMs null: each is valid until the next one. */
export type VersionsPlan = { readonly keepForMs: number; readonly validForMs: number | null };

/** Its output with changes of tables, for the node that reads them (as in transforms/transform.ts). */
export const ROWS = '*rows';

/** How long the state of one key is kept. */
export type StatePlan = { readonly ttlMs: number; readonly emits: boolean };

export type CompiledWindow =
  | { readonly kind: 'tumbling'; readonly sizeMs: number; readonly offsetMs: number }
  | { readonly kind: 'sliding'; readonly sizeMs: number; readonly everyMs: number; readonly offsetMs: number }
  | { readonly kind: 'session'; readonly gapMs: number }
  | { readonly kind: 'global' }
  /** Events a window, and from one result to the next. */
  | { readonly kind: 'count'; readonly size: number; readonly every: number; readonly orAfterMs: number | null };

/** Null: the trigger does not ask for it. */
export type CompiledTrigger = {
  readonly everyMs: number | null;
  /** By the clock; absent: not asked for. */ readonly afterMs?: number;
  readonly count: number | null;
  readonly when: Code | null;
  readonly once: boolean;
};
/** closeAfterMs: so long without an event, by the clock, and a key's windows close. */
export type CompiledKeyWatermark = { readonly maxOutOfOrderMs: number; readonly closeAfterMs: number };

export type CompiledPanes = {
  readonly early: readonly CompiledTrigger[];
  readonly accumulation: 'accumulating' | 'discarding' | 'retracting';
};

/** The output of a machine's node that leads back to its own stage: what its actors send each other (as in transforms/transform.ts).
 *  No stage can read it. */
export const SENT = '*sent';

/** Whether it leads from a stage to itself. */
export function isFeedback({ fromStage, toStage }: Pick<EdgePlan, 'fromStage' | 'toStage'>): boolean {
  return fromStage === toStage;
}

/** Subjects of one of the plan's lanes. */
export function laneSubjects({ stages }: Pick<PhysicalPlan, 'stages'>, stream: string): string[] {
  return stages.filter((stage) => stage.stream === stream).map(({ subjectPrefix }) => `${subjectPrefix}.*`);
}

/** Of a source's stage; null: its splits wait for nobody. */
export function alignmentOf({ nodes }: Pick<StagePlan, 'nodes'>): SourceAlignment | null {
  return nodes.flatMap(({ op }) => (op.kind === 'source' ? (op.alignment ?? []) : [])).at(0) ?? null;
}

/** Whether it is a `feedback` that was declared: its events come once more to where they came from. */
export function isLoop(edge: Pick<EdgePlan, 'fromStage' | 'toStage' | 'from'>): boolean {
  return isFeedback(edge) && edge.from.output !== SENT;
}

/** What a stage sends to itself, as it was declared; null: it goes to another one. */
export function loopName(edge: Pick<EdgePlan, 'fromStage' | 'toStage' | 'from'>): 'feedback' | 'sendTo' | null {
  if (isLoop(edge)) return 'feedback';
  return edge.from.output === SENT ? 'sendTo' : null;
}

/** A task's name: `hourly/3`. */
export function taskName(stageId: string, partition: number): string {
  return `${stageId}/${partition}`;
}

/** Each partition with state is followed by a worker beside its owner. */
export function hasStandbys({ standbyReplicas = 0 }: Pick<PhysicalPlan, 'standbyReplicas'>): boolean {
  return standbyReplicas > 0;
}

/** The exchanges on which `stage` gives events out: without those that are retired. */
export function liveOutputs(plan: Pick<PhysicalPlan, 'edges'>, stage: StagePlan): readonly EdgePlan[] {
  return stage.outputs.flatMap((index) => {
    const edge = plan.edges[index];
    return edge === undefined || edge.retired === true ? [] : [edge];
  });
}

/** True when a stage of this name was there before, went and came back: what it knew in its earlier life is over. */
export function isReturned(plan: Pick<PhysicalPlan, 'edges'>, stageId: string): boolean {
  return plan.edges.some(({ fromStage, from, retired }) => retired === true && fromStage === stageId && from.node === '*');
}
