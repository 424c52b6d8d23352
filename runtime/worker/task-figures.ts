// What others may know of a task that runs: what workers report, views show and purging relies on.

import type { SourcePosition } from '../connectors/source.ts';
import type { TaskCounters } from '../journal/record.ts';
import type { TimeSpent } from './time-ledger.ts';

/** What others may know of a running task. */
export type TaskFigures = {
  readonly task: string;
  readonly stage: string;
  readonly partition: number;
  readonly state: 'claiming' | 'running' | 'done';
  readonly epoch: number;
  readonly number: number;
  readonly counters: TaskCounters;
  /** Lowest input watermark, ms; null: none yet; Number.MAX_SAFE_INTEGER: ended (JSON has no infinities). */
  readonly watermark: number | null;
  /** Lowest watermark that it gives out, told as `watermark` is. Absent: it gives out nothing, is a source, whose `watermark` it is, or
   *  does not say it (older workers). */
  readonly given?: number | null;
  readonly inboxBytes: number;
  readonly progress: number | null;
  /** Positions that are stored, by number of the edge: what purging may rely on. */
  readonly positions: Readonly<Record<string, number>>;
  /** Sequence of its last record; 0: none yet. */
  readonly sequence: number;
  /** Up to where it has seen the lane of its own stage, where its actors send each other events. */
  readonly ownSequence?: number | undefined;
  /** Something is under way in it: claiming, taken in and not stored, stored and not written. */
  readonly busy: boolean;
  /** Why it stands still (onError: stopPartition); absent: it does not. */
  readonly standsStill?: string;
  /** Id of the pause that it keeps; null: a source reads, and everybody takes in what is put in again. */
  readonly paused: string | null;
  /** Sources: up to where it has taken in what it reads; null: nothing yet. */
  readonly taken: SourcePosition | null;
  /** Since it runs on this worker. */
  readonly time: TimeSpent;
  /** A source's split that has nothing for now and holds no other back. Absent: it has, or it is no source that says when it is idle. */
  readonly idle?: true;
  /** How long its split had something and was held by `alignment`, since it runs on this worker. Absent: its source has none. */
  readonly heldMs?: number;
  /** It is now. */
  readonly held?: true;
  /** How long it has put back-pressure on lanes that it reads, as much waits for a table as may (`maxWaiting`), since it runs on this worker.
   *  Absent: it never did. */
  readonly backPressureMs?: number;
  /** It does now. */
  readonly backPressure?: true;
  /** While the job is paused: so many events wait in it, as many as may then, so what lies before it stays there (N8 of task-runner.ts).
   *  Absent: it takes in all there is. */
  readonly cannotRest?: number;
  /** Why its split cannot be read now, though it goes on by itself once that is mended; absent: it can. */
  readonly stalled?: string;
  /** The key that most of its events have lately; absent: none stands out. */
  readonly heavyKey?: KeyShare | undefined;
};

/** Of the reason why a task stands still. */
export const STANDS_STILL_CHARACTERS_MAX = 512;
export const KEY_CHARACTERS_MAX = 64;

/** A key as text for people, of at most KEY_CHARACTERS_MAX characters, and its share of a task's events, 0 … 1. */
export type KeyShare = { readonly key: string; readonly share: number };
