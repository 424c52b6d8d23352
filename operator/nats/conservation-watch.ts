// Looks at the journals of all jobs again and again, and remembers what is wrong with them.
//
//   W1. Nobody waits for a look: what is asked for is what the last one found, and begins the next when it is time.
//   W2. One look of a job at a time, and no more than a tenth of the time is spent on it.
//   W3. What was found wrong is told for KEPT_MS more: what is purged afterwards must not take the message with it.
//   W4. What could not be looked at for UNKNOWN_MS is unknown, not well: while somebody asks. Who asks again after a while begins anew.
//   W5. What nobody has asked for in KEPT_MS is forgotten: jobs go without a word.

import type { Link } from '../../runtime/adapters/nats/link.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import { isError } from '../../runtime/base/errors.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { conservationProblems, type Remembered } from '../../runtime/telemetry/conservation.ts';
import type { Conservation } from '../lifecycle/observed.ts';
import type { JobRecord } from '../../runtime/worker/job-record.ts';
import { JournalLook } from './journal-look.ts';

const LOOK_MS = 3_000;
const SHARE_MAX = 10;
const KEPT_MS = 10 * 60_000;
const UNKNOWN_MS = 60_000;

type Watched = {
  readonly runId: string;
  readonly look: JournalLook;
  readonly remembered: Remembered;
  isLooking: boolean;
  nextMs: number;
  askedMs: number;
  /** When the last look that came to its end did so; when it began to be watched. */
  seenMs: number;
  found: Conservation | null;
  broken: { readonly problems: readonly string[]; readonly atMs: number } | null;
};

export class ConservationWatch {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #onChange: (identity: string) => void;
  readonly #jobs = new Map<string, Watched>();

  /** `onChange`: a look found something else than the one before. */
  constructor({ link, clock, onChange }: { readonly link: Link; readonly clock: Clock; readonly onChange: (identity: string) => void }) {
    this.#link = link;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** What is known now; null: nothing yet (W1). */
  verdict(identity: string, run: Pick<JobRecord, 'runId' | 'plan' | 'restore'>): Conservation | null {
    const nowMs = this.#clock.monotonicMs();
    const job = this.#jobOf(identity, run.runId, nowMs);
    if (nowMs - job.askedMs > UNKNOWN_MS) job.seenMs = nowMs;
    job.askedMs = nowMs;
    if (!job.isLooking && nowMs >= job.nextMs) void this.#look(identity, job, run);
    if (nowMs - job.seenMs > UNKNOWN_MS) return { kind: 'unknown', reason: 'the journals could not be read for a minute' };
    return job.found;
  }

  forget(identity: string): void {
    this.#jobs.delete(identity);
  }

  #jobOf(identity: string, runId: string, nowMs: number): Watched {
    const known = this.#jobs.get(identity);
    if (known?.runId === runId) return known;
    for (const [other, { askedMs }] of this.#jobs) if (nowMs - askedMs > KEPT_MS) this.#jobs.delete(other); // W5
    const look = new JournalLook(this.#link, this.#clock);
    const times = { nextMs: nowMs, askedMs: nowMs, seenMs: nowMs };
    const made = { runId, look, remembered: new Map(), isLooking: false, ...times, found: null, broken: null };
    this.#jobs.set(identity, made);
    return made;
  }

  async #look(identity: string, job: Watched, run: Pick<JobRecord, 'plan' | 'restore'>): Promise<void> {
    const plan = run.plan as PhysicalPlan;
    const isRestored = run.restore !== null;
    const beganMs = this.#clock.monotonicMs();
    job.isLooking = true;
    try {
      const tasks = await job.look.look(plan);
      const problems = conservationProblems(plan, tasks, { isRestored, remembered: job.remembered }).map(({ message }) => message);
      this.#note(identity, job, problems);
    } catch (error) {
      // A record that is damaged; all else says nothing of the journals (W4).
      if (isError(error, 'MR2105')) this.#note(identity, job, [error.message]);
    } finally {
      const nowMs = this.#clock.monotonicMs();
      job.isLooking = false;
      job.nextMs = Math.max(beganMs + LOOK_MS, nowMs + (nowMs - beganMs) * SHARE_MAX);
    }
  }

  /** W3. */
  #note(identity: string, job: Watched, problems: readonly string[]): void {
    const nowMs = this.#clock.monotonicMs();
    job.seenMs = nowMs;
    if (problems.length > 0) job.broken = { problems, atMs: nowMs };
    else if (job.broken !== null && nowMs - job.broken.atMs > KEPT_MS) job.broken = null;
    const before = JSON.stringify(job.found);
    job.found = job.broken === null ? { kind: 'conserved' } : { kind: 'broken', problems: job.broken.problems };
    if (JSON.stringify(job.found) !== before && this.#jobs.get(identity) === job) this.#onChange(identity);
  }
}
