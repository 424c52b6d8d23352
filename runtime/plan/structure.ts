// One text for one structure: what is equal here is equal in effect.

import { markOf } from '../job/code-marks.ts';

/** Canonical text of plain data with functions: fields sorted, functions by identity (equal texts may close over different
 *  values). Only for comparison within one process. */
export function structureOf(value: unknown): string {
  return canonical(
    value,
    (code) => `#${identityOf(code)}`,
    () => null,
  );
}

/** Canonical text that is the same in every process: functions by their source text, class instances by their own fields; code
 *  that has a mark by that, whether it is there or only stood in for. */
export function canonicalText(value: unknown): string {
  return canonical(value, (code) => JSON.stringify(markOf(code) ?? `${FUNCTION_MARK}${code.toString()}`), markOf);
}

/** Begins the text that stands for a function. */
const FUNCTION_MARK = 'function ';
/** Machines made in TypeScript may hold anything; what lies deeper than this is not told apart. */
const DEPTH_MAX = 64;

function canonical(
  value: unknown,
  ofFunction: (code: (...args: never[]) => unknown) => string,
  ofMachine: (machine: object) => string | null,
  above: readonly unknown[] = [],
): string {
  if (typeof value === 'function') return ofFunction(value as (...args: never[]) => unknown);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const mark = ofMachine(value);
  if (mark !== null) return JSON.stringify(mark);
  if (above.includes(value) || above.length > DEPTH_MAX) return '"(again)"';
  const inside = [...above, value];
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, ofFunction, ofMachine, inside)).join(',')}]`;
  const fields = Object.entries(declared(value)).filter(([, field]) => field !== undefined);
  const sorted = fields.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field, ofFunction, ofMachine, inside)}`).join(',')}}`;
}

/** Of an XState machine what it was made from; of other objects themselves. */
function declared(value: object): object {
  if ('config' in value && 'implementations' in value) return { config: value.config, implementations: value.implementations };
  return value;
}

const identities = new WeakMap<object, number>();
let identityNext = 0;

function identityOf(code: (...args: never[]) => unknown): number {
  const known = identities.get(code);
  if (known !== undefined) return known;
  identities.set(code, ++identityNext);
  return identityNext;
}
