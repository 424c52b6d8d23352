// What a pod answers to Kubernetes, and why. Pure.
//
//   startup    everything that is assigned here was restored once, or it is decided that nothing can be run
//   readiness  connected, restored, and told what to own (perhaps nothing: there may be more workers than partitions)
//   liveness   the event loop turns, and what was sent to be stored does get stored
//   Q1. A pod is never restarted for what a restart can't mend: NATS away, a revision that is refused, no job.

import type { PodPhase } from './pod.ts';

export type TaskHealth = {
  readonly task: string;
  /** It has its state and steps. */
  readonly restored: boolean;
  /** How long its oldest commit waits for an answer, ms; 0: none does. */
  readonly commitWaitsMs: number;
};

export type ProbeInput = {
  readonly phase: PodPhase;
  readonly reason: string;
  readonly connected: boolean;
  /** Null: no worker runs. */
  readonly worker: {
    /** The tasks were given to workers. */
    readonly assigned: boolean;
    readonly tasks: readonly TaskHealth[];
    /** Everything that was assigned here has been restored at least once. */
    readonly restoredOnce: boolean;
  } | null;
  /** The longest that the event loop stood still lately, ms. */
  readonly loopStoodMs: number;
};

export type Probe = 'startupz' | 'readyz' | 'livez';
export type Answer = { readonly ok: boolean; readonly why: string };

/** Longer than any collection of garbage, any compilation, any step. */
const LOOP_STOOD_MAX_MS = 10_000;
/** A connected server answers within milliseconds, an election takes up to 9 s, and unanswered commits are looked up after 5 s:
 *  what still waits after this has lost its way in this process. */
const COMMIT_WAITS_MAX_MS = 60_000;

export const probes: Readonly<Record<Probe, (input: ProbeInput) => Answer>> = { startupz: started, readyz: ready, livez: live };

function started({ phase, reason, worker }: ProbeInput): Answer {
  if (phase === 'refused') return { ok: true, why: `nothing can be run: ${reason}` };
  if (worker === null) return { ok: false, why: `${phase}: ${reason}` };
  if (worker.restoredOnce)
    return { ok: true, why: `everything that was assigned here (${count(worker.tasks.length, 'task')}) was restored` };
  return { ok: false, why: waitsFor(worker) };
}

function ready({ phase, reason, connected, worker }: ProbeInput): Answer {
  if (!connected) return { ok: false, why: 'not connected to NATS' };
  if (worker === null) return { ok: false, why: `${phase}: ${reason}` };
  if (!worker.assigned || worker.tasks.some(({ restored }) => !restored)) return { ok: false, why: waitsFor(worker) };
  return { ok: true, why: `runs ${count(worker.tasks.length, 'task')}` };
}

function live({ connected, worker, loopStoodMs }: ProbeInput): Answer {
  if (loopStoodMs >= LOOP_STOOD_MAX_MS) return { ok: false, why: `the event loop stood still for ${Math.round(loopStoodMs)} ms` };
  const stuck = connected ? (worker?.tasks ?? []).filter(({ commitWaitsMs }) => commitWaitsMs >= COMMIT_WAITS_MAX_MS) : [];
  if (stuck.length > 0) {
    const shown = stuck.map(({ task, commitWaitsMs }) => `${task} (${Math.round(commitWaitsMs / 1000)} s)`);
    return { ok: false, why: `commits wait for an answer although NATS is connected: ${shown.slice(0, SHOWN_MAX).join(', ')}` };
  }
  return { ok: true, why: `the event loop turns (it stood for ${Math.round(loopStoodMs)} ms at most)` };
}

const SHOWN_MAX = 8;

function waitsFor({ assigned, tasks }: NonNullable<ProbeInput['worker']>): string {
  if (!assigned) return 'waits until tasks are assigned';
  const waiting = tasks.filter(({ restored }) => !restored).map(({ task }) => task);
  if (waiting.length === 0) return 'waits for the first tasks';
  const more = waiting.length > SHOWN_MAX ? ` and ${waiting.length - SHOWN_MAX} more` : '';
  return `restores ${waiting.slice(0, SHOWN_MAX).join(', ')}${more}`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
