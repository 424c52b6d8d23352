// What the console's server and its page say to each other: the same for `millrace run` and for the operator on a cluster.
//
//   GET /api/jobs                                  JobRef[]
//   GET /api/jobs/<namespace>/<name>               Declared
//   GET /api/jobs/<namespace>/<name>/live          Live
//   GET /api/jobs/<namespace>/<name>/stream        Live, again and again, as server-sent events (`data:`), `:` while nothing changes
//   GET /api/jobs/<namespace>/<name>/story?node=&key=    Story; with &subject=&sequence= no older than that message of its source
//   GET /api/jobs/<namespace>/<name>/dead-letters  ShownDeadLetters
//   POST …/dead-letters   DecideRequest → Decided  puts letters in again, or drops them, where that is allowed
//
//   A1. All else is read, nothing is changed by it. What comes from events is text, bounded, and shown as text.
//   A2. Times are ms since the epoch; null means unknown, never nought.

import type { StageKind } from '../runtime/plan/physical-plan.ts';
import type { Answer } from '../runtime/worker/ask.ts';

/** Stands for the namespace of a job that runs on no cluster. */
export const LOCAL_NAMESPACE = '-';
/** The server says at least this often that it is there. */
export const BEAT_MS = 1_000;

export type JobRef = { readonly namespace: string; readonly name: string };

/** What a job is declared to be: the same until `id` changes (Live.declaredId). */
export type Declared = {
  readonly id: string;
  readonly ref: JobRef;
  readonly description: string | null;
  /** The declaration as its author wrote it, or as the cluster has it. */
  readonly text: string;
  readonly language: 'yaml' | 'typescript';
  /** Base of Jaeger's pages, without a slash at its end: a trace is at `…/trace/<id>`. null: nobody said where. */
  readonly jaegerUrl: string | null;
  /** `millrace plan`. */
  readonly planText: string;
  readonly stages: readonly DeclaredStage[];
  readonly edges: readonly DeclaredEdge[];
  readonly charts: readonly Chart[];
};

export type DeclaredStage = {
  readonly id: string;
  readonly kind: StageKind;
  readonly partitionCount: number;
  readonly nodes: readonly { readonly id: string; readonly kind: string }[];
  /** Sinks and sources: what they read or write. */
  readonly about: string | null;
  readonly isDeadLetters: boolean;
  /** The pool of workers that runs it, `default` where none names it; null: the job has no pools. */
  readonly pool: string | null;
};

export type DeclaredEdge = {
  readonly index: number;
  readonly from: string;
  /** The same as `from`: what the stage sends to itself, by `feedback` or by `sendTo`, which is then its label. */
  readonly to: string;
  /** What goes over it: `late`, a machine's output, a transform. */
  readonly label: string;
  readonly partitioning: 'key' | 'single' | 'all' | 'forward';
};

/** A machine as it is drawn. States by their paths, `a.b` for b inside a. */
export type Chart = {
  readonly stage: string;
  readonly node: string;
  /** What stands in its states: a pattern's chart is that of one of its partial matches. */
  readonly of: 'actors' | 'partialMatches';
  readonly states: readonly ChartState[];
  readonly transitions: readonly ChartTransition[];
};
export type ChartState = {
  readonly path: string;
  readonly name: string;
  readonly parent: string | null;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly isInitial: boolean;
};
export type ChartTransition = {
  /** Its place in `transitions`. */
  readonly id: number;
  readonly from: string;
  readonly to: string;
  /** Type of the event, `after 48h`, `always`, `done`. */
  readonly event: string;
  /** As the engine names the event of a delay or an end. */
  readonly eventType: string;
  readonly guards: readonly string[];
};

export type Live = {
  readonly atMs: number;
  readonly declaredId: string;
  readonly phase: Phase;
  /** Share of bounded sources that was read, 0 … 1. */
  readonly progress: number | null;
  readonly elapsedMs: number;
  readonly eventsPerS: number;
  readonly stages: readonly LiveStage[];
  readonly edges: readonly LiveEdge[];
  readonly workers: readonly LiveWorker[];
  /** None: the job has one pool, and nobody scales it here. */
  readonly pools: readonly LivePool[];
  readonly machines: readonly LiveMachine[];
  readonly windows: readonly LiveWindow[];
  readonly deadLetters: number;
  readonly late: number;
  readonly recoveries: number;
  readonly commitP99Ms: number | null;
  readonly endToEndP99Ms: number | null;
  /** Newest first. */
  readonly timeline: readonly TimelineEntry[];
};

export type Phase = { readonly name: string; readonly tone: 'good' | 'busy' | 'bad'; readonly message: string | null };

export type LiveStage = {
  readonly id: string;
  readonly eventsIn: number;
  readonly eventsOut: number;
  /** Of a source that lets out what it has read at a pace: that pace. */
  readonly eventsInPerS: number;
  /** What waits for it; of a source what waits in its stream, as the cluster said last. null: nobody knows it. */
  readonly lagEvents: number | null;
  readonly watermarkMs: number | null;
  /** Its input has ended: no watermark any more. */
  readonly isEnded: boolean;
  readonly deadLetters: number;
  readonly late: number;
  readonly filtered: number;
  readonly isDone: boolean;
  /** Where the time of its partitions went lately, shares of 1; null while nothing is known. */
  readonly load: { readonly busy: number; readonly blocked: number; readonly idle: number } | null;
  readonly partitions: readonly LivePartition[];
};

export type LivePartition = {
  readonly partition: number;
  readonly owner: string | null;
  readonly state: string;
  readonly epoch: number;
  readonly eventsIn: number;
  readonly watermarkMs: number | null;
  readonly inboxBytes: number;
  /** A source's split that has nothing for now and holds no other back. */
  readonly isIdle?: true;
  /** A source's split that is held by `alignment`: it is ahead of its group, and not read on until the others have come. */
  readonly isHeld?: true;
  /** How long that was so, since its owner runs it; absent: its source has no alignment. */
  readonly heldMs?: number;
  /** As much waits in it for a table as may (`maxWaiting`): it puts back-pressure on all that it reads but what that waits for. */
  readonly isBackPressure?: true;
  /** How long that was so, since its owner runs it; absent: it never was. */
  readonly backPressureMs?: number;
  /** Why its split cannot be read now; absent: it can. */
  readonly stalled?: string;
  /** The worker that could go on with it at once; null: none can. Absent: the job has no standbys, or the stage no state. */
  readonly standby?: string | null;
};

export type LiveWorker = {
  readonly id: string;
  readonly memoryBytes: number;
  readonly cpuMs: number;
  readonly tasks: number;
  /** Whose stages it runs; null: those of all pools. */
  readonly pool: string | null;
};

/** Workers that run some of the stages, as they are told to and as they do. */
export type LivePool = {
  readonly name: string;
  readonly stages: readonly string[];
  /** Heard of lately. */
  readonly workers: number;
  /** As the cluster says; null: it does not, or there is none. */
  readonly ready: number | null;
  readonly wanted: number | null;
  /** Of all its stages of which it is known; null: of none. */
  readonly lagEvents: number | null;
  readonly eventsInPerS: number;
  /** What scaling sees now, with its numbers; null: it does not scale. */
  readonly now: string | null;
  /** The last one that is remembered. */
  readonly decision: { readonly atMs: number; readonly text: string } | null;
};

export type LiveEdge = { readonly index: number; readonly events: number; readonly eventsPerS: number };

export type LiveMachine = {
  readonly node: string;
  /** State by path, those that hold others too → actors in it. */
  readonly actors: Readonly<Record<string, number>>;
  readonly actorsTotal: number;
  /** By ChartTransition.id. */
  readonly taken: readonly { readonly id: number; readonly count: number; readonly perS: number }[];
  /** Taken, and no single transition of the chart says so: several in a row. */
  readonly others: readonly { readonly from: string; readonly event: string; readonly to: string; readonly count: number }[];
};

export type LiveWindow = {
  readonly stage: string;
  readonly node: string;
  readonly kind: 'tumbling' | 'sliding' | 'session' | 'count' | 'global';
  readonly open: number;
  readonly results: number;
  readonly resultsPerS: number;
  readonly spans: readonly { readonly startMs: number; readonly endMs: number; readonly keys: number }[];
};

export type TimelineKind = 'start' | 'worker' | 'moved' | 'scaling' | 'upgrade' | 'failure' | 'note' | 'end';
export type TimelineEntry = { readonly atMs: number; readonly kind: TimelineKind; readonly text: string };

/** One key of one transform, as its owner tells. */
export type Story =
  | {
      readonly kind: 'told';
      readonly partition: number;
      readonly state: readonly string[] | null;
      /** Of a pattern: state of its statechart → partial matches of the key in it, as far as their cells were told. */
      readonly partialMatches?: Readonly<Record<string, number>>;
      readonly answer: Answer;
    }
  | { readonly kind: 'nobody'; readonly message: string };

export type DeadLetters = {
  readonly total: number;
  /** Of those in `groups` nothing was decided about so many. */
  readonly open: number;
  /** Most of them open first; letters of more causes than are told count in `total` only. */
  readonly groups: readonly DeadLetterGroup[];
  /** Why there is less than one would expect; null: this is all. */
  readonly note: string | null;
};
export type ShownDeadLetters = DeadLetters & {
  /** Why whoever asks may not decide about them here; null: they may. */
  readonly readOnly: string | null;
};
export type DeadLetterGroup = {
  /** The same for all letters of the cause: `millrace dlq … --cause`. */
  readonly id: string;
  readonly code: string;
  readonly at: string;
  readonly message: string;
  readonly count: number;
  readonly open: number;
  readonly redriven: number;
  readonly dropped: number;
  readonly lastMs: number | null;
  /** The newest ones. */
  readonly samples: readonly {
    /** null: it has none, nothing can be decided about it. */
    readonly id: string | null;
    readonly state: 'open' | 'redriven' | 'dropped';
    readonly place: string | null;
    readonly key: string | null;
    readonly issues: readonly string[];
    readonly event: string;
    /** Hexadecimal; null: it is not traced. */
    readonly traceId: string | null;
  }[];
};

export type DecideRequest = {
  readonly what: 'redrive' | 'drop';
  /** All open letters of a cause, or one letter. */
  readonly which: { readonly cause: string } | { readonly id: string };
  /** Why letters are dropped; for whoever looks later. */
  readonly reason: string;
  /** Only tells how many, and to where. */
  readonly dryRun: boolean;
  /** `through` of the dry run that a person agreed to: letters that came after it are left alone. null: all that there are. */
  readonly through: number | null;
};
export type Decided = {
  /** Put in again or dropped by this request; of a dry run: would be. */
  readonly count: number;
  /** Of those put in again the job has taken in so many by now. */
  readonly taken: number;
  /** Decided by somebody else, and left as they are. */
  readonly before: number;
  readonly refused: readonly { readonly reason: string; readonly count: number; readonly example: string }[];
  readonly tasks: readonly { readonly task: string; readonly count: number }[];
  /** There are more than one request may decide about: these are the oldest. */
  readonly isMore: boolean;
  readonly through: number;
};
