// What a worker can say of itself to who watches its pod. Pure.
//
//   H1. started: it has seen an assignment, and everything that was given to it ran at least once (restored).
//   H2. ready: everything that is given to it now runs. With nothing to do it is ready too.
//   H3. progressing: no commit hangs without any answer while the servers do answer, and the loop has its turns. A server that is
//       away, or says "not now", is no reason to start this worker anew: that would mend nothing.

/** A task that is given to this worker: whether it runs or has ended, and how long nothing has come back of its commit, ms. */
export type TaskHealth = { readonly name: string; readonly isRunning: boolean; readonly silentMs: number };

export type Health = {
  readonly started: boolean;
  readonly ready: boolean;
  readonly progressing: boolean;
  /** Why not, or what it does: for people. */
  readonly reason: string;
  /** An assignment was seen. */
  readonly isAssigned: boolean;
  readonly tasks: readonly TaskHealth[];
};

/** A commit that hangs for this long does not come back: each attempt is given up after seconds. */
export const COMMIT_STALL_MS = 30_000;
/** A beat is stored twice a second: one within this says that the server answers. */
const BEAT_FRESH_MS = 5_000;
/** A loop that has not turned for this long is stuck. */
const TURN_LATE_MS = 30_000;

export type HealthFacts = {
  readonly nowMs: number;
  /** It was once so (H1). */
  readonly hasStarted: boolean;
  readonly isAssigned: boolean;
  readonly isDraining: boolean;
  readonly failure: string | null;
  readonly completed: boolean;
  readonly tasks: readonly TaskHealth[];
  readonly beatenMs: number | null;
  readonly turnedMs: number;
};

export function judgeHealth(facts: HealthFacts): Health {
  const { hasStarted, isAssigned, isDraining, failure, completed, tasks } = facts;
  const waiting = tasks.filter(({ isRunning }) => !isRunning).map(({ name }) => name);
  const started = hasStarted || (isAssigned && waiting.length === 0);
  const problem = hangs(facts);
  const ready = started && !isDraining && failure === null && (completed || waiting.length === 0);
  return { started, ready, progressing: problem === null, reason: problem ?? describe(facts, waiting), isAssigned, tasks };
}

function describe({ isAssigned, isDraining, failure, completed, tasks }: HealthFacts, waiting: readonly string[]): string {
  if (isDraining) return 'draining: what is in flight is stored, then it ends';
  if (failure !== null) return `the job failed: ${failure}`;
  if (completed) return 'the job is completed';
  if (!isAssigned) return 'no assignment was seen yet';
  if (waiting.length > 0) return `${waiting.length} of ${tasks.length} tasks do not run yet: ${waiting.slice(0, 3).join(', ')}`;
  return tasks.length === 0 ? 'no task is assigned here' : `all ${tasks.length} tasks run`;
}

function hangs({ nowMs, tasks, beatenMs, turnedMs }: HealthFacts): string | null {
  if (nowMs - turnedMs > TURN_LATE_MS) return `the loop has not turned for ${Math.round((nowMs - turnedMs) / 1000)} s`;
  if (beatenMs === null || nowMs - beatenMs > BEAT_FRESH_MS) return null;
  const stuck = tasks.find(({ silentMs }) => silentMs > COMMIT_STALL_MS);
  return stuck === undefined ? null : `nothing has come back of a commit of ${stuck.name} for ${Math.round(stuck.silentMs / 1000)} s`;
}
