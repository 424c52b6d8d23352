// What was decided about one dead letter: the message of its subject in the job's stream `redrive`. There is one at most, ever.
//
// Bytes: msgpack list [version, kind, …], in the order below; append only, and only together with VERSION, but for what a reader may pass over
// that does not know it.

import { Packr } from 'msgpackr/pack';
import { formatTraceparent, parseTraceparent, type TraceContext } from '../base/trace-context.ts';
import type { Key, Value } from '../event/batch.ts';
import { decodeEvent, encodeEvent } from '../event/exact-event.ts';

/** To be taken in once more, by that task. */
export type Redriven = {
  readonly kind: 'redrive';
  readonly stage: string;
  readonly partition: number;
  /** Transform or source that takes it in; of a sink the stage itself. */
  readonly node: string;
  readonly input: number;
  readonly event: Value;
  readonly timeMs: number | null;
  readonly key: Key | null;
  /** Which attempt this is: 2 for a letter that is put in again for the first time. */
  readonly attempts: number;
  readonly atMs: number;
  /** The span that says what failed before: it goes on below that. Absent: it had none. */
  readonly trace?: TraceContext;
};

/** Done with, without being put in again. */
export type Dropped = { readonly kind: 'drop'; readonly reason: string; readonly atMs: number };

export type RedriveEntry = Redriven | Dropped;

const VERSION = 1;
const packr = new Packr({ useRecords: false, moreTypes: false });

export function encodeRedriveEntry(entry: RedriveEntry): Uint8Array {
  if (entry.kind === 'drop') return packr.pack([VERSION, 'drop', entry.atMs, entry.reason]);
  const { atMs, stage, partition, node, input, event, timeMs, key, attempts, trace } = entry;
  const more = trace === undefined ? [] : [formatTraceparent(trace)];
  return packr.pack([VERSION, 'redrive', atMs, stage, partition, node, input, attempts, timeMs, key, encodeEvent(event), ...more]);
}

/** null: not what encodeRedriveEntry makes; somebody else wrote it, or a newer version. */
export function decodeRedriveEntry(bytes: Uint8Array): RedriveEntry | null {
  try {
    const list = packr.unpack(bytes) as unknown;
    if (!Array.isArray(list) || list[0] !== VERSION) return null;
    if (list[1] === 'drop') return { kind: 'drop', atMs: Number(list[2]), reason: String(list[3]) };
    if (list[1] !== 'redrive') return null;
    const [, , atMs, stage, partition, node, input, attempts, timeMs, key, event, traceparent] = list as RedriveList;
    const trace = typeof traceparent === 'string' ? parseTraceparent(traceparent) : null;
    const entry = { kind: 'redrive', atMs, stage, partition, node, input, attempts, timeMs, key, event: decodeEvent(event) } as const;
    return trace === null ? entry : { ...entry, trace };
  } catch {
    return null;
  }
}

type RedriveList = [number, string, number, string, number, string, number, number, number | null, Key | null, Uint8Array, unknown?];
