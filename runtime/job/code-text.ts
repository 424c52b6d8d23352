// The text of code: of a function its source, of an XState machine its configuration and implementations with all their code.
//
//   T1. Equal texts in every process: fields sorted, cycles and depth cut.
//   T2. Functions that XState makes (assign, raise, emit, and, not …) say nothing by their source, which is another in each build
//       of XState (and in a worker's own bundle): what they were made from is in their own fields, and counts, with their name.

import { isSelfContained } from './self-contained.ts';

/** `isWhole`: the text says all that the code does (self-contained.ts). */
export type CodeText = { readonly text: string; readonly isWhole: boolean };

/** Machines may hold anything; what lies deeper than this is not told apart. */
const DEPTH_MAX = 64;
/** What XState's own functions do, in the fields of each. */
const LIBRARY_FIELDS: readonly string[] = ['resolve', 'retryResolve', 'execute', 'check'];

export function codeText(code: unknown): CodeText {
  let isWhole = true;
  const write = (value: unknown, above: readonly unknown[]): string => {
    if (typeof value === 'function') {
      const isLibrary = isOfXState(value);
      const text = isLibrary ? `xstate ${value.name}` : value.toString();
      const own = Object.entries(value).filter(([name, field]) => field !== undefined && !(isLibrary && LIBRARY_FIELDS.includes(name)));
      if (!isLibrary && !isSelfContained(text)) isWhole = false;
      if (own.length === 0 || above.includes(value)) return JSON.stringify(`function ${text}`);
      return `${JSON.stringify(`function ${text}`)}${object(own, [...above, value])}`;
    }
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
    if (above.includes(value) || above.length > DEPTH_MAX) return '"(again)"';
    const inside = [...above, value];
    if (Array.isArray(value)) return `[${value.map((item) => write(item, inside)).join(',')}]`;
    return object(Object.entries(declared(value)), inside);
  };
  const object = (entries: readonly (readonly [string, unknown])[], inside: readonly unknown[]): string => {
    const sorted = entries.filter(([, field]) => field !== undefined).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `{${sorted.map(([name, field]) => `${JSON.stringify(name)}:${write(field, inside)}`).join(',')}}`;
  };
  return { text: write(code, []), isWhole };
}

/** Actions have a type of XState's, guards that are made of others a check of its. */
function isOfXState(value: object): boolean {
  const { type, check } = value as { readonly type?: unknown; readonly check?: unknown };
  return String(type).startsWith('xstate.') || typeof check === 'function';
}

/** Of an XState machine what it was made from; of other objects themselves. */
function declared(value: object): object {
  if ('config' in value && 'implementations' in value) return { config: value.config, implementations: value.implementations };
  return value;
}

/** The states of an XState machine, by their way from the top: `idle`, `busy.waiting`. */
export function machineStates(machine: unknown): readonly string[] {
  const found: string[] = [];
  const visit = (config: unknown, way: readonly string[]): void => {
    const states = (config as { states?: unknown } | null | undefined)?.states;
    if (typeof states !== 'object' || states === null || way.length > DEPTH_MAX) return;
    for (const [name, state] of Object.entries(states)) {
      found.push([...way, name].join('.'));
      visit(state, [...way, name]);
    }
  };
  visit((machine as { config?: unknown } | null)?.config, []);
  return found;
}
