// A question about one key, and what the worker that owns it answers: read between two steps, changing nothing.
//
//   Q1. Questions come on the topic `ask`, the answer goes to `answer.<id>`. Only who runs the key's partition answers.
//   Q2. An answer is bounded, whatever lies in the cells: what is too long is cut, and says so.

import type { Key, Value } from '../event/batch.ts';
import type { TaskCore } from '../task/step.ts';
import type { TaskFigures } from './task-figures.ts';

export type Ask = {
  /** Chosen by who asks: part of the topic of the answer. */
  readonly id: string;
  readonly stage: string;
  readonly partition: number;
  readonly node: string;
  readonly key: Key;
};

export type Answer = {
  readonly id: string;
  readonly worker: string;
  readonly task: string;
  readonly epoch: number;
  readonly watermarkMs: number | null;
  /** The earliest cells of the key. Of a machine: its actor, in namespace 0. */
  readonly cells: readonly { readonly namespace: number; readonly value: ShownValue }[];
  readonly timers: readonly ({ readonly id: string; readonly atMs: number; readonly value: ShownValue } & Traced)[];
  /** What it got since somebody looks at it, oldest first. */
  readonly recent: readonly ({ readonly kind: 'event' | 'timer'; readonly timeMs: number; readonly value: ShownValue } & Traced)[];
  /** Traced events of which results will be made, as they came. Absent: an older worker. */
  readonly contributors?: readonly ({ readonly timeMs: number } & Traced)[];
};

/** Hexadecimal. Absent: it is not traced, or an older worker tells. */
type Traced = { readonly traceId?: string };

/** A value as JSON text, cut at a limit. */
export type ShownValue = { readonly text: string; readonly isCut: boolean };

const CELL_CHARACTERS_MAX = 16_384;
const VALUE_CHARACTERS_MAX = 2_048;
const TIMERS_MAX = 64;
const TRACE_PATTERN = /^[0-9a-f]{32}$/;
const ID_PATTERN = /^[A-Za-z0-9]{1,32}$/;

export function answerTopic(id: string): string {
  return `answer.${id}`;
}

/** null: no question. */
export function askIn(value: unknown): Ask | null {
  const { id, stage, partition, node, key } = (value ?? {}) as Partial<Ask>;
  const isAsk = typeof id === 'string' && ID_PATTERN.test(id) && typeof stage === 'string' && typeof partition === 'number';
  return isAsk && typeof node === 'string' && typeof key === 'string' ? { id, stage, partition, node, key } : null;
}

/** null: no answer. Who may publish on the job's subjects may say anything. */
export function answerIn(value: unknown): Answer | null {
  const { worker, task, epoch, watermarkMs, cells, timers, recent, contributors = [] } = (value ?? {}) as Partial<Answer>;
  const isTraced = ({ traceId }: Traced): boolean => traceId === undefined || (typeof traceId === 'string' && TRACE_PATTERN.test(traceId));
  const isShown = (one: unknown): boolean => {
    const { text, isCut } = ((one ?? {}) as { readonly value?: Partial<ShownValue> }).value ?? {};
    return typeof text === 'string' && typeof isCut === 'boolean';
  };
  const isAnswer =
    typeof worker === 'string' &&
    typeof task === 'string' &&
    typeof epoch === 'number' &&
    (watermarkMs === null || typeof watermarkMs === 'number') &&
    Array.isArray(cells) &&
    cells.every((one) => isShown(one) && typeof one.namespace === 'number') &&
    Array.isArray(timers) &&
    timers.every((one) => isShown(one) && isTraced(one) && typeof one.id === 'string' && typeof one.atMs === 'number') &&
    Array.isArray(recent) &&
    recent.every((one) => isShown(one) && isTraced(one) && typeof one.timeMs === 'number') &&
    Array.isArray(contributors) &&
    contributors.every((one) => typeof one?.timeMs === 'number' && isTraced(one));
  return isAnswer ? (value as Answer) : null;
}

export type Owner = Pick<TaskFigures, 'task' | 'epoch' | 'watermark'> & { readonly worker: string };

/** null: the task has no such node. */
export function answerTo({ id, node, key }: Ask, core: TaskCore, owner: Owner, nowMs: number): Answer | null {
  const look = core.look(node, key, nowMs);
  if (look === null) return null;
  return {
    id,
    worker: owner.worker,
    task: owner.task,
    epoch: owner.epoch,
    watermarkMs: owner.watermark,
    cells: look.cells.map(([namespace, cell]) => ({ namespace, value: shown(cell, CELL_CHARACTERS_MAX) })),
    timers: look.timers
      .toSorted((a, b) => a.atMs - b.atMs)
      .slice(0, TIMERS_MAX)
      .map(({ id: timer, atMs, data }) => ({
        id: timer,
        atMs,
        value: shown(data, VALUE_CHARACTERS_MAX),
        ...traced(look.timerTraces.get(timer)),
      })),
    recent: look.recent.map(({ kind, timeMs, value, traceId }) => ({
      kind,
      timeMs,
      value: shown(value, VALUE_CHARACTERS_MAX),
      ...traced(traceId),
    })),
    contributors: look.contributors,
  };
}

function traced(traceId: string | null | undefined): Traced {
  return typeof traceId === 'string' ? { traceId } : {};
}

/** Q2. */
function shown(value: Value, charactersMax: number): ShownValue {
  const text = JSON.stringify(value, plain) ?? 'null';
  return text.length <= charactersMax ? { text, isCut: false } : { text: text.slice(0, charactersMax), isCut: true };
}

function plain(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value instanceof Uint8Array ? `${value.length} bytes` : value;
}
