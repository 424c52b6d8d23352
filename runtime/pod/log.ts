// Lines for whoever collects a pod's output: one JSON object each, or text for people. A writer of our own: one form, no
// levels to choose from, nothing buffered that a killed process would take along.
//
//   L1. Every line has time, level, msg, job, worker; task and code where they are known.
//   L2. The same line is written once a while: what repeats every second tells nobody more.
//   L3. A line is one line, whatever text of events its message or a field quotes: nothing of that begins another or steers a terminal.

import type { Clock } from '../base/clock.ts';
import { MillraceError } from '../base/errors.ts';
import { inertJson, inertLine } from '../base/inert.ts';
import type { LogForm } from './pod-options.ts';

export type Level = 'info' | 'warn' | 'error';
export type LogFields = { readonly task?: string; readonly code?: string; readonly [field: string]: string | number | boolean | undefined };
export type Log = (level: Level, msg: string, fields?: LogFields) => void;

export type LogParts = {
  readonly form: LogForm;
  readonly job: string;
  readonly worker: string;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly write: (line: string) => void;
};

const REPEAT_MS = 10_000;
/** Different lines that are remembered for L2. */
const REMEMBERED_MAX = 256;

export function makeLog({ form, job, worker, clock, write }: LogParts): Log {
  const seen = new Map<string, number>();
  return (level, msg, fields = {}) => {
    const key = `${level} ${msg}`;
    const nowMs = clock.monotonicMs();
    if (nowMs - (seen.get(key) ?? -Infinity) < REPEAT_MS) return;
    if (seen.size >= REMEMBERED_MAX) seen.clear();
    seen.set(key, nowMs);
    const time = new Date(clock.nowMs()).toISOString();
    write(
      form === 'json'
        ? `${inertJson({ time, level, msg, job, worker, ...fields })}\n`
        : `${time} ${level.padEnd(5)} ${inertLine(msg)}${Object.entries(fields)
            .map(([name, value]) => ` ${name}=${fieldText(value)}`)
            .join('')}\n`,
    );
  };
}

/** In quotes where it could be taken for more than one field. */
function fieldText(value: LogFields[string]): string {
  return typeof value === 'string' && !/^[^\s"=]+$/.test(value) ? inertJson(value) : inertLine(String(value));
}

/** The code that a message of ours begins with; what workers say comes as text. */
export function codeIn(message: string): { readonly code?: string } {
  const [, code] = /\b(MR\d{4})\b/.exec(message) ?? [];
  return code === undefined ? {} : { code };
}

/** An error as a line: what people need, with the stack only where nobody foresaw it. */
export function errorLine(error: unknown): { readonly msg: string; readonly fields: LogFields } {
  if (error instanceof MillraceError) return { msg: error.message, fields: { code: error.code, fix: error.fix } };
  if (!(error instanceof Error)) return { msg: String(error), fields: {} };
  return { msg: error.message, fields: error.stack === undefined ? {} : { stack: error.stack } };
}
