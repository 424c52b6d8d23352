// What a pod answers to Kubernetes, and why. Pure.
//
//   startup    everything that was given to this worker ran once, or it is decided that nothing can be run
//   readiness  connected, and everything that is given to it now runs (with nothing to do it is ready too)
//   liveness   the event loop turns, and no commit hangs while the servers answer
//   Q1. A pod is never started anew for what that can't mend: NATS away, a revision that is refused, a job that failed, no job.

import type { Health } from '../worker/health.ts';
import type { PodPhase } from './pod.ts';

export type ProbeInput = {
  readonly phase: PodPhase;
  readonly reason: string;
  readonly connected: boolean;
  /** Why the server does not let it in any more. */
  readonly refusal?: string | null;
  /** Null: no worker runs. */
  readonly worker: Health | null;
  /** The longest that the event loop stood still lately, ms. */
  readonly loopStoodMs: number;
};

export type Probe = 'startupz' | 'readyz' | 'livez';
export type Answer = { readonly ok: boolean; readonly why: string };

/** Longer than any collection of garbage, any compilation, any step. */
export const LOOP_STOOD_MAX_MS = 10_000;

export const probes: Readonly<Record<Probe, (input: ProbeInput) => Answer>> = { startupz: started, readyz: ready, livez: live };

function started({ phase, reason, worker }: ProbeInput): Answer {
  if (phase === 'refused') return { ok: true, why: `nothing can be run: ${reason}` };
  return worker === null ? waiting(phase, reason) : { ok: worker.started, why: worker.reason };
}

function ready({ phase, reason, connected, refusal = null, worker }: ProbeInput): Answer {
  if (phase === 'connecting' || phase === 'draining' || phase === 'ended') return waiting(phase, reason);
  if (!connected) return { ok: false, why: refusal === null ? 'not connected to NATS' : `NATS refuses the credentials (${refusal})` };
  return worker === null ? waiting(phase, reason) : { ok: worker.ready, why: worker.reason };
}

function live({ worker, loopStoodMs }: ProbeInput): Answer {
  const stood = `${Math.round(loopStoodMs)} ms`;
  if (loopStoodMs >= LOOP_STOOD_MAX_MS) return { ok: false, why: `the event loop stood still for ${stood}` };
  if (worker !== null && !worker.progressing) return { ok: false, why: worker.reason };
  return { ok: true, why: `the event loop turns; it stood still for ${stood} at most` };
}

function waiting(phase: PodPhase, reason: string): Answer {
  return { ok: false, why: reason === '' ? phase : `${phase}: ${reason}` };
}
