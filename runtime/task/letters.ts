// The dead letters that a task makes itself; those of transforms come from the chain.

import { MillraceError } from '../base/errors.ts';
import type { Batch, DeadLetter } from '../event/batch.ts';
import { withExact } from '../event/exact-event.ts';
import { withTraces } from '../event/trace-marks.ts';
import type { Redriven } from '../journal/redrive-entry.ts';
import type { StepTrace } from './step-trace.ts';
import { storableLetters } from './storable.ts';

/** Letters as they are stored, and given to the sinks of dead letters. */
export function deadLetterBatch(all: readonly DeadLetter[], ingestMs: number): Batch[] {
  if (all.length === 0) return [];
  const letters = storableLetters(all).map(withExact);
  return [{ values: letters, times: letters.map((letter) => letter.timeMs ?? Math.trunc(ingestMs)), keys: null, ingestMs }];
}

/** The event of a letter that is put in again, in the trace that the letter names. */
export function batchAgain({ event, timeMs, key, attempts, trace }: Redriven, nowMs: number, spans: StepTrace | null): Batch {
  const times = [timeMs ?? Math.trunc(nowMs)];
  const batch: Batch = { values: [event], times, keys: key === null ? null : [key], ingestMs: nowMs };
  if (spans === null || trace === undefined) return batch;
  return withTraces(batch, [{ at: 0, context: spans.enterAgain(trace, attempts) }]);
}

/** MR3004: what a sink cannot write. */
export function sinkLetter(
  at: string,
  failed: { value: unknown; timeMs: number; problem: string },
  attempts: number | undefined,
): DeadLetter {
  const { value: event, timeMs, problem: message } = failed;
  const letter = { code: 'MR3004', at, message, issues: [], event, place: null, timeMs, key: null };
  return attempts === undefined ? letter : { ...letter, attempts };
}

/** MR3001: what was put in again does not decode either. */
export function undecodedAgain({ node, event, attempts }: Redriven, issues: readonly string[]): DeadLetter {
  const { message } = new MillraceError('MR3001', { source: node, place: 'put in again', issues });
  return { code: 'MR3001', at: node, message, issues, event, place: null, timeMs: null, key: null, attempts };
}

/** MR3005: nobody is there who could take it in. */
export function refusedAgain({ node, event, timeMs, key, attempts }: Redriven, problem: string): DeadLetter {
  const { message } = new MillraceError('MR3005', { transform: node, problem });
  return { code: 'MR3005', at: node, message, issues: [], event, place: null, timeMs, key, attempts };
}
