// The functions of expressions: which there are, and what those do that we run ourselves.
//
//   N1. A function that is not here runs in the library (library.ts).
//   N2. Numbers of events are doubles; where the library wants an int, a whole double is taken as one.
//   N3. Time accessors (`getHours` …) and `timestamp()` take ms numbers too, as events hold them. `timestamp(int)` of an int
//       literal or int(…) is seconds, as in CEL.
//   N4. `matches` and `extract` run in linear time (linear-regex.ts): the library's would let a text stop the worker.

import { nearest } from '../base/nearest.ts';
import { ExpressionError } from './expression-error.ts';
import { type ASTNode, constantOf, Duration, LibraryError, libraryCall, signatures, textOf } from './library.ts';
import { compileExtract, compileRegex, type LinearExtract, type LinearRegex } from './linear-regex.ts';
import { arithmetic } from './operators.ts';
import { timeParts, wallClock } from './time-parts.ts';
import { describe, isRecord, millisecondsOf, spend, TEXT_CHARACTERS_MAX } from './values.ts';

/** Runs a function; with a receiver it is the first argument. */
export type Call = (args: readonly unknown[], node: ASTNode) => unknown;

const INT_MAX = 2 ** 63;
const TYPE_OF_OBJECTS: unknown = constantOf('map')?.value;
const TIMESTAMP_MAX_MS = 253_402_300_799_999;
const TIMESTAMP_MIN_MS = -62_135_596_800_000;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** What is wrong with calling `name` with that many arguments (the receiver not counted), or null. */
export function callProblem(name: string, hasReceiver: boolean, argumentCount: number): string | null {
  const sameName = signatures.filter((s) => s.name === name);
  const found = sameName.filter((s) => (s.receiver !== null) === hasReceiver);
  if (found.some((s) => s.params.length === argumentCount)) return null;
  if (found.length > 0) {
    const counts = [...new Set(found.map((s) => s.params.length))].join(' or ');
    return `${name}() takes ${counts} argument${counts === '1' ? '' : 's'}, found ${argumentCount}`;
  }
  if (sameName.length > 0) return hasReceiver ? `${name}() is not a method: write ${name}(x)` : `${name}() is a method: write x.${name}(…)`;
  const near = nearest(name, [...new Set(signatures.map((s) => s.name))]);
  return `unknown function ${name}()${near === null ? '' : `; did you mean ${near}()?`}`;
}

/** The function of that name. The name and count were found good by callProblem. */
export function functionNamed(name: string, hasReceiver: boolean, argumentCount: number): Call {
  const own = Object.hasOwn(natives, name) ? natives[name] : undefined;
  const fallback = fromLibrary(name, hasReceiver, argumentCount);
  if (own !== undefined) return (args, node) => own(args, node, fallback);
  if (hasReceiver && Object.hasOwn(timeParts, name)) return timeAccessor(name, fallback);
  return fallback;
}

type Native = (args: readonly unknown[], node: ASTNode, fallback: Call) => unknown;

const natives: Readonly<Record<string, Native>> = {
  size: ([x], node) => BigInt(sizeOf(x, node)),
  string: ([x], node, fallback) => {
    if (typeof x === 'string') return x;
    if (typeof x === 'bigint' || typeof x === 'boolean' || (typeof x === 'number' && Number.isFinite(x))) return `${x}`;
    if (x instanceof Date) return x.toISOString();
    if (x instanceof Duration) return x.toString();
    return fallback([x], node);
  },
  int: ([x], node, fallback) => {
    if (typeof x === 'bigint') return x;
    if (typeof x !== 'number') return fallback([x], node);
    if (!(x < INT_MAX && x >= -INT_MAX)) throw new ExpressionError(`${textOf(node)}: ${x} does not fit a 64-bit int`);
    return BigInt(Math.trunc(x));
  },
  double: ([x], node, fallback) => {
    if (typeof x === 'number') return x;
    return typeof x === 'bigint' ? Number(x) : fallback([x], node);
  },
  timestamp: ([x], node, fallback) => timestamp(x, node, fallback),
  // The library asks a value for its class; an event may have a field of that name.
  type: ([x], node, fallback) => (isRecord(x) ? TYPE_OF_OBJECTS : fallback([x], node)),
  sum: ([list], node) => sumOf(list, node),
  startsWith: ([x, y], node, fallback) => (typeof x === 'string' && typeof y === 'string' ? x.startsWith(y) : fallback([x, y], node)),
  endsWith: ([x, y], node, fallback) => (typeof x === 'string' && typeof y === 'string' ? x.endsWith(y) : fallback([x, y], node)),
  contains: ([x, y], node, fallback) => (typeof x === 'string' && typeof y === 'string' ? x.includes(y) : fallback([x, y], node)),
  matches: ([x, y], node, fallback) => (typeof x === 'string' && typeof y === 'string' ? regex(y, node).test(x) : fallback([x, y], node)),
  extract: ([text, pattern, group = 0n], node) => {
    const isGroup = typeof group === 'bigint' || typeof group === 'number';
    if (typeof text === 'string' && typeof pattern === 'string' && isGroup) return extract({ text, pattern, group }, node);
    throw wrongArguments('extract', true, [text, pattern, group], node);
  },
};

/** Ints stay exact, and are added to the doubles at last (operators.ts, O1). 0 for an empty list. */
function sumOf(list: unknown, node: ASTNode): unknown {
  if (!Array.isArray(list)) throw new ExpressionError(`${textOf(node)}: sum() is of a list, found ${describe(list)}`);
  spend(list.length);
  let ints = 0n;
  let doubles = 0;
  for (const item of list as readonly unknown[]) {
    if (typeof item === 'bigint') ints += item;
    else if (typeof item === 'number') doubles += item;
    else throw new ExpressionError(`${textOf(node)}: sum() adds numbers, found ${describe(item)} in the list`);
  }
  return (list as readonly unknown[]).some((item) => typeof item === 'number') ? arithmetic('+', ints, doubles, node) : ints;
}

function fromLibrary(name: string, hasReceiver: boolean, argumentCount: number): Call {
  const call = libraryCall(name, hasReceiver, argumentCount);
  return (args, node) => {
    try {
      return bounded(call(args), node);
    } catch (error) {
      if (!(error instanceof LibraryError)) throw error;
      if (!error.isOverload) throw new ExpressionError(`${textOf(node)}: ${error.message}`);
    }
    const whole = args.map((x, i) => (typeof x === 'number' && Number.isSafeInteger(x) && !(hasReceiver && i === 0) ? BigInt(x) : x));
    try {
      return bounded(call(whole), node);
    } catch (error) {
      if (!(error instanceof LibraryError)) throw error;
      throw error.isOverload ? wrongArguments(name, hasReceiver, args, node) : new ExpressionError(`${textOf(node)}: ${error.message}`);
    }
  };
}

function wrongArguments(name: string, hasReceiver: boolean, args: readonly unknown[], node: ASTNode): ExpressionError {
  const on = hasReceiver ? ` of ${describe(args[0])}` : '';
  const given = args
    .slice(hasReceiver ? 1 : 0)
    .map(describe)
    .join(', ');
  const hint = args.includes(null) ? '; test for null first' : '';
  return new ExpressionError(`${textOf(node)}: there is no ${name}(${given})${on}${hint}`);
}

function bounded(result: unknown, node: ASTNode): unknown {
  if (Array.isArray(result)) spend(result.length);
  if (typeof result === 'string' && result.length > TEXT_CHARACTERS_MAX) {
    throw new ExpressionError(`${textOf(node)}: the text would have ${result.length} characters, more than ${TEXT_CHARACTERS_MAX}`);
  }
  return result;
}

/** Number of code points of a text, items of a list, fields of an object, bytes. */
function sizeOf(value: unknown, node: ASTNode): number {
  if (typeof value === 'string') {
    let count = value.length;
    // A surrogate pair is one code point; most texts have none.
    for (let i = 0; i < value.length - 1; i++) {
      if ((value.charCodeAt(i) & 0xfc00) === 0xd800 && (value.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
        count--;
        i++;
      }
    }
    return count;
  }
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (isRecord(value)) return Object.keys(value).length;
  if (value instanceof Map || value instanceof Set) return value.size;
  throw new ExpressionError(`${textOf(node)}: ${describe(value)} has no size${value === null ? '; test for null first' : ''}`);
}

function timestamp(x: unknown, node: ASTNode, fallback: Call): unknown {
  if (x instanceof Date) return x;
  if (typeof x === 'string') {
    const date = new Date(RFC3339.test(x) ? x : NaN);
    if (Number.isNaN(date.getTime()))
      throw new ExpressionError(`${textOf(node)}: ${describe(x)} is no time such as "2013-01-31T12:00:00Z"`);
    return date;
  }
  const ms = typeof x === 'number' ? x : typeof x === 'bigint' ? Number(x) * 1000 : undefined;
  if (ms === undefined) return fallback([x], node);
  if (!(ms >= TIMESTAMP_MIN_MS && ms <= TIMESTAMP_MAX_MS)) {
    throw new ExpressionError(`${textOf(node)}: ${describe(x)} ${typeof x === 'bigint' ? 'seconds' : 'ms'} is outside the years 1 to 9999`);
  }
  return new Date(ms);
}

function timeAccessor(name: string, fallback: Call): Call {
  const part = timeParts[name] as (utc: Date) => number;
  return (args, node) => {
    const [time, zone] = args;
    if (!(time instanceof Date || typeof time === 'number' || typeof time === 'bigint')) return fallback(args, node);
    const ms = millisecondsOf(time) as number;
    if (Number.isNaN(new Date(ms).getTime()))
      throw new ExpressionError(`${textOf(node)}: ${describe(time)} is no time in ms since the epoch`);
    if (args.length === 1) return BigInt(part(new Date(ms)));
    if (typeof zone !== 'string') throw wrongArguments(name, true, args, node);
    return BigInt(part(wallClock(ms, zone)));
  };
}

const REGEXES_MAX = 256;
const regexes = new Map<string, LinearRegex>();
const extracts = new Map<string, LinearExtract>();

/** What is wrong with the pattern of a call of `matches` or `extract`, as far as its arguments are known; or null. */
export function patternProblem(name: string, [pattern, group = 0n]: readonly unknown[]): string | null {
  if (typeof pattern !== 'string' || (name !== 'matches' && name !== 'extract')) return null;
  const compiled = name === 'matches' ? compileRegex(pattern) : compileExtract(pattern);
  if (compiled.kind === 'broken') return `the pattern ${describe(pattern)} is wrong: ${compiled.message}`;
  return 'extract' in compiled ? groupProblem(compiled.extract, group) : null;
}

function groupProblem({ groups }: LinearExtract, group: unknown): string | null {
  const index = Number(group);
  if (Number.isInteger(index) && index >= 0 && index <= groups) return null;
  return `the pattern has the groups 0 (the whole match) to ${groups}, found ${describe(group)}`;
}

function regex(pattern: string, node: ASTNode): LinearRegex {
  return kept(regexes, pattern, () => {
    const compiled = compileRegex(pattern);
    if (compiled.kind === 'compiled') return compiled.regex;
    throw new ExpressionError(`${textOf(node)}: ${patternProblem('matches', [pattern])}`);
  });
}

/** The text of a group of the first match; null when there is no match, or the group took no part in it. */
function extract({ text, pattern, group }: { text: string; pattern: string; group: unknown }, node: ASTNode): string | null {
  const compiled = kept(extracts, pattern, () => {
    const result = compileExtract(pattern);
    if (result.kind === 'compiled') return result.extract;
    throw new ExpressionError(`${textOf(node)}: ${patternProblem('extract', [pattern])}`);
  });
  const problem = groupProblem(compiled, group);
  if (problem !== null) throw new ExpressionError(`${textOf(node)}: ${problem}`);
  return compiled.find(text)?.[Number(group)] ?? null;
}

function kept<T>(held: Map<string, T>, pattern: string, compile: () => T): T {
  let found = held.get(pattern);
  if (found !== undefined) return found;
  found = compile();
  if (held.size >= REGEXES_MAX) held.clear();
  held.set(pattern, found);
  return found;
}
