// What can go wrong between a task and the journal, as declared data. Rates are per append, 0 … 1, and add up to at most 1.

export type JournalFaults = {
  /** Stored, but the answer is lost: `unknown`. */
  readonly answerLost: number;
  /** Never arrives: `unknown`. */
  readonly requestLost: number;
  /** `unknown` at once; arrives `lateMs` later, and is stored if its expectation still holds then (J4). */
  readonly requestLate: number;
  readonly lateMs: number;
  /** 10164 without reason (J5); nothing stored. */
  readonly inFlight: number;
  /** 503 for a moment; nothing stored. */
  readonly leaderless: number;
  /** A read gives fewer records than there are. */
  readonly shortRead: number;
  /** Way of a request, and of its answer: uniform between these. */
  readonly latencyMs: readonly [min: number, max: number];
};

export const NO_FAULTS: JournalFaults = {
  answerLost: 0,
  requestLost: 0,
  requestLate: 0,
  lateMs: 0,
  inFlight: 0,
  leaderless: 0,
  shortRead: 0,
  latencyMs: [0, 0],
};

/** How often each was injected: a run without faults proves nothing about faults. */
export type FaultCounts = { [K in AppendFault | 'shortRead']: number };

export type AppendFault = 'answerLost' | 'requestLost' | 'requestLate' | 'inFlight' | 'leaderless';

const APPEND_FAULTS: readonly AppendFault[] = ['answerLost', 'requestLost', 'requestLate', 'inFlight', 'leaderless'];

/** The fault of one append for a draw in [0, 1), or null. Pure. */
export function drawFault(faults: JournalFaults, draw: number): AppendFault | null {
  let below = 0;
  for (const fault of APPEND_FAULTS) {
    below += faults[fault];
    if (draw < below) return fault;
  }
  return null;
}
