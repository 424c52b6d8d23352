// The aggregates of a stage, compiled once: what one event does to one cell.

import type { AggregateSpec, HeavyHittersSpec, QuantilesSpec, ReservoirSpec, TopSpec } from '../../../crds/stream-job/aggregates.ts';
import { BadDeclaration } from '../../base/issues.ts';
import type { Key, Value } from '../../event/batch.ts';
import { compileCode, compilePredicate } from '../../expression/expression.ts';
import type { Compiled } from '../../expression/expression.ts';
import { EVENT_NAMES } from '../event-names.ts';
import { EventRefused } from '../failure.ts';
import { ACCUMULATORS } from './accumulators.ts';
import type { Accumulator, AggregateFunction, Cell } from './accumulators.ts';
import { makeHeavyHitters } from './heavy-hitters.ts';
import { makeQuantiles } from './quantiles.ts';
import { makeReservoir } from './reservoir.ts';
import { makeTop } from './top.ts';
import type { Ranked } from './top.ts';

export type { Cell } from './accumulators.ts';

export interface Aggregates {
  init(): Cell;
  /** Adds an event to `cell`, in place; the owner puts the cell. Throws (ExpressionError, EventRefused), and then the cell is as before. */
  add(cell: Cell, event: Value, key: Key | null, timeMs: number, nowMs: number): void;
  /** The same for several cells: to all of them or to none; the code runs once. */
  addToAll(cells: readonly Cell[], event: Value, key: Key | null, timeMs: number, nowMs: number): void;
  /** Adds all that `from` has seen to `into`. `from` is not changed and shares no part that will be. */
  merge(into: Cell, from: Cell): void;
  /** Aggregate name → value. Of no event: 0 for count, sum, distinct and approxDistinct, [] for collect, top, heavyHitters and reservoir, nulls for quantiles,
   *  null for the others. */
  result(cell: Cell): Record<string, unknown>;
}

export type Field = {
  readonly name: string;
  readonly at: number;
  readonly accumulator: Accumulator;
  /** Null: the function takes no value (count). */
  readonly value: Compiled | null;
  readonly where: Compiled<boolean> | null;
};

const FUNCTIONS = [
  ...(Object.keys(ACCUMULATORS) as readonly AggregateFunction[]),
  'quantiles',
  'top',
  'heavyHitters',
  'reservoir',
] as const;
/** Stands for: this event does not count here. */
export const SKIP = Symbol('skip');

/** Throws BadDeclaration with all mistakes. `names`: the variables, in the order of `add`'s arguments. */
export function compileAggregates(aggregates: Readonly<Record<string, AggregateSpec>>, names: readonly string[] = EVENT_NAMES): Aggregates {
  const fields = compileFields(aggregates, names);
  const slots = fields.reduce((sum, { accumulator }) => sum + accumulator.slots, 0);
  const isPlainCount = fields.every(({ value, where }) => value === null && where === null);
  return {
    init: () => initCell(fields),
    add: isPlainCount ? (cell) => addCounts(cell, slots) : makeAdd(fields),
    addToAll: makeAddToAll(fields),
    merge: (into, from) => {
      for (const { accumulator, at } of fields) accumulator.merge(into, from, at);
    },
    result: (cell) => {
      const result: Record<string, unknown> = {};
      for (const { name, accumulator, at } of fields) result[name] = accumulator.result(cell, at);
      return result;
    },
  };
}

export function compileFields(
  aggregates: Readonly<Record<string, AggregateSpec>>,
  names: readonly string[] = EVENT_NAMES,
): readonly Field[] {
  const fields: Field[] = [];
  let slots = 0;
  for (const [name, spec] of Object.entries(aggregates)) {
    const field = compileField(name, spec, slots, names);
    fields.push(field);
    slots += field.accumulator.slots;
  }
  return fields;
}

function compileField(name: string, spec: AggregateSpec, at: number, names: readonly string[]): Field {
  const given = FUNCTIONS.filter((each) => spec[each] !== undefined);
  const [chosen] = given;
  if (chosen === undefined || given.length > 1) {
    const message = given.length > 1 ? `has ${given.join(' and ')}` : 'has no function';
    throw new BadDeclaration(`aggregate ${name}`, [{ path: name, message, fix: `exactly one of ${FUNCTIONS.join(', ')}` }]);
  }
  const where = spec.where === undefined ? null : compilePredicate(spec.where, names);
  if (chosen === 'top') {
    const top = spec.top as TopSpec;
    return { name, at, accumulator: makeTop(top), value: compileRanked(top, names), where };
  }
  if (chosen === 'quantiles') {
    const quantiles = spec.quantiles as QuantilesSpec;
    return { name, at, accumulator: makeQuantiles(quantiles), value: compileCode(quantiles.of, names), where };
  }
  if (chosen === 'heavyHitters') {
    const { of, share } = spec.heavyHitters as HeavyHittersSpec;
    return { name, at, accumulator: makeHeavyHitters({ share }), value: compileCode(of, names), where };
  }
  if (chosen === 'reservoir') {
    const { of, size } = spec.reservoir as ReservoirSpec;
    return { name, at, accumulator: makeReservoir({ size }), value: compileCode(of, names), where };
  }
  const code = chosen === 'count' ? undefined : spec[chosen];
  return { name, at, accumulator: ACCUMULATORS[chosen], value: code === undefined ? null : compileCode(code, names), where };
}

/** Rank and value of an event; null when it has no rank. */
function compileRanked({ by, value }: TopSpec, names: readonly string[]): Compiled<Ranked | null> {
  const rankOf = compileCode(by, names);
  const valueOf = compileCode(value, names);
  return (...args) => {
    const rank = rankOf(...args) ?? null;
    return rank === null ? null : [rank, valueOf(...args) ?? null];
  };
}

function initCell(fields: readonly Field[]): Cell {
  const cell: Cell = [];
  for (const { accumulator } of fields) accumulator.init(cell);
  return cell;
}

function addCounts(cell: Cell, slots: number): void {
  for (let at = 0; at < slots; at++) cell[at] = (cell[at] as number) + 1;
}

/** All is evaluated and checked before anything is added: an event counts wholly or not at all. */
function makeAdd(fields: readonly Field[]): Aggregates['add'] {
  const values = new Array<unknown>(fields.length).fill(SKIP);
  return (cell, event, key, timeMs, nowMs) => {
    for (let i = 0; i < fields.length; i++) values[i] = evaluate(fields[i]!, cell, event, key, timeMs, nowMs);
    for (let i = 0; i < fields.length; i++) {
      const value = values[i];
      if (value === SKIP) continue;
      const { accumulator, at } = fields[i]!;
      accumulator.add(cell, at, value, timeMs);
      values[i] = SKIP;
    }
  };
}

function makeAddToAll(fields: readonly Field[]): Aggregates['addToAll'] {
  return (cells, event, key, timeMs, nowMs) => {
    const values = fields.map((field) => valueOf(field, event, key, timeMs, nowMs));
    for (const cell of cells) fields.forEach((field, i) => check(field, cell, values[i]));
    for (const cell of cells)
      fields.forEach(({ accumulator, at }, i) => {
        if (values[i] !== SKIP) accumulator.add(cell, at, values[i], timeMs);
      });
  };
}

/** What an event adds to a field, SKIP when nothing. Throws (ExpressionError, EventRefused). */
export function evaluate(field: Field, cell: Cell, event: Value, key: Key | null, timeMs: number, nowMs: number): unknown {
  const found = valueOf(field, event, key, timeMs, nowMs);
  check(field, cell, found);
  return found;
}

function valueOf({ accumulator, value, where }: Field, event: Value, key: Key | null, timeMs: number, nowMs: number): unknown {
  if (where !== null && !where(event, key, timeMs, nowMs)) return SKIP;
  if (value === null) return null;
  const found = value(event, key, timeMs, nowMs) ?? null;
  return found === null && accumulator.skipsNull ? SKIP : found;
}

function check({ name, accumulator, value, at }: Field, cell: Cell, found: unknown): void {
  if (found === SKIP || value === null) return;
  try {
    accumulator.check(found, cell, at);
  } catch (error) {
    throw new EventRefused(`${name}: ${(error as Error).message}`, { cause: error });
  }
}
