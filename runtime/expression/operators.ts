// Arithmetic, comparison and equality of expressions.
//
//   O1. int (bigint) and double (number) mix: the result is a double as soon as one side is. `7 / 2` of two literals is 3 as
//       in CEL, `event.x / 2` is exact: numbers of events are doubles. Beside an int that no double holds a whole double counts
//       as an int, but where it divides: 64-bit ids and amounts of events keep every digit.
//   O2. A timestamp or duration and a number: the number is ms (since the epoch), and the result is ms.
//   O3. Dividing by zero and leaving the range of 64-bit ints or doubles are errors: the results are no JSON.
//   O4. Equality never fails: values of different kinds differ. null equals null only.

import { ExpressionError } from './expression-error.ts';
import { type ASTNode, Duration, LibraryError, type LibraryCall, libraryOperator, textOf } from './library.ts';
import { describe, isOpaque, isRecord, millisecondsOf, type PlainRecord, spend, TEXT_CHARACTERS_MAX } from './values.ts';

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export type ComparisonOperator = '<' | '<=' | '>' | '>=';

const INT_MAX = 2n ** 63n - 1n;
const INT_MIN = -(2n ** 63n);

/** Two doubles. The closures of compile-node.ts have this inline; here is the whole rule (O3). */
export function doubles(op: ArithmeticOperator, x: number, y: number, node: ASTNode): number {
  if (y === 0 && (op === '/' || op === '%')) throw failure(node, op === '/' ? 'division by zero' : 'modulo by zero', x, y);
  const result = op === '+' ? x + y : op === '-' ? x - y : op === '*' ? x * y : op === '/' ? x / y : x % y;
  if (!Number.isFinite(result) && Number.isFinite(x) && Number.isFinite(y))
    throw failure(node, 'the result is too large for a number', x, y);
  return result;
}

/** `x op y` of any values. */
export function arithmetic(op: ArithmeticOperator, x: unknown, y: unknown, node: ASTNode): unknown {
  const xIsNumber = typeof x === 'number' || typeof x === 'bigint';
  const yIsNumber = typeof y === 'number' || typeof y === 'bigint';
  if (xIsNumber && yIsNumber) {
    const areInts = typeof x === 'bigint' ? typeof y === 'bigint' || mixExactly(op, x, y) : typeof y === 'bigint' && mixExactly(op, y, x);
    return areInts ? ints(op, BigInt(x), BigInt(y), node) : doubles(op, Number(x), Number(y), node);
  }
  if (op === '+' && typeof x === 'string' && typeof y === 'string') return concatenate(x, y, node);
  if (op === '+' && Array.isArray(x) && Array.isArray(y)) {
    spend(x.length + y.length);
    return [...(x as unknown[]), ...(y as unknown[])];
  }
  if ((op === '+' || op === '-') && ((xIsNumber && isTime(y)) || (yIsNumber && isTime(x)))) {
    return doubles(op, millisecondsOf(x) as number, millisecondsOf(y) as number, node);
  }
  if (isOpaque(x) && isOpaque(y)) return byLibrary(op, x, y, node);
  throw mismatch(op, x, y, node);
}

/** `x op y` of any values. */
export function comparison(op: ComparisonOperator, x: unknown, y: unknown, node: ASTNode): boolean {
  if (comparable(x, y)) return order(op, x as number, y as number);
  const xMs = isTime(x) || isTime(y) ? millisecondsOf(x) : undefined;
  const yMs = xMs === undefined ? undefined : millisecondsOf(y);
  if (
    xMs === undefined ||
    yMs === undefined ||
    (x instanceof Date && y instanceof Duration) ||
    (x instanceof Duration && y instanceof Date)
  ) {
    throw mismatch(op, x, y, node);
  }
  return order(op, xMs, yMs);
}

/** Equality of any values (O4). */
export function equal(x: unknown, y: unknown): boolean {
  if (x === y) return true;
  if (typeof x !== 'object' || typeof y !== 'object' || x === null || y === null) {
    // oxlint-disable-next-line eqeqeq -- between int and double == compares the exact values, === the kinds
    if ((typeof x === 'bigint' && typeof y === 'number') || (typeof x === 'number' && typeof y === 'bigint')) return x == y;
    if ((x ?? null) === (y ?? null)) return true;
    return isTime(x) || isTime(y) ? millisecondsOf(x) !== undefined && millisecondsOf(x) === millisecondsOf(y) : false;
  }
  return equalObjects(x, y);
}

/** `item in container`: an item of a list, or a key of an object. */
export function isIn(item: unknown, container: unknown, node: ASTNode): boolean {
  if (Array.isArray(container)) {
    spend(container.length);
    for (const other of container) if (equal(item, other)) return true;
    return false;
  }
  if (isRecord(container)) return Object.hasOwn(container, String(item)) && container[String(item)] !== undefined;
  if (container instanceof Map) return container.has(item);
  if (container instanceof Set) return container.has(item);
  throw new ExpressionError(`${textOf(node)}: \`in\` needs a list or an object on its right, found ${describe(container)}`);
}

export function negate(x: unknown, node: ASTNode): number | bigint {
  if (typeof x === 'number' || typeof x === 'bigint') return -x;
  throw new ExpressionError(`${textOf(node)}: cannot negate ${describe(x)}`);
}

/** The error for an operator that has no meaning for these values. */
export function mismatch(op: string, x: unknown, y: unknown, node: ASTNode): ExpressionError {
  const verb = op in VERBS ? VERBS[op as keyof typeof VERBS] : 'compare';
  const hint = x === null || y === null ? '; test for null first' : '';
  return new ExpressionError(`${textOf(node)}: cannot ${verb} ${describe(x)} and ${describe(y)}${hint}`);
}
const VERBS = { '+': 'add', '-': 'subtract', '*': 'multiply', '/': 'divide', '%': 'take the remainder of' } as const;

function concatenate(x: string, y: string, node: ASTNode): string {
  if (x.length + y.length > TEXT_CHARACTERS_MAX) {
    throw new ExpressionError(`${textOf(node)}: the text would have ${x.length + y.length} characters, more than ${TEXT_CHARACTERS_MAX}`);
  }
  return x + y;
}

/** O1. */
function mixExactly(op: ArithmeticOperator, int: bigint, double: number): boolean {
  return op !== '/' && Number.isSafeInteger(double) && !Number.isSafeInteger(Number(int));
}

function ints(op: ArithmeticOperator, x: bigint, y: bigint, node: ASTNode): bigint {
  if (y === 0n && (op === '/' || op === '%')) throw failure(node, op === '/' ? 'division by zero' : 'modulo by zero', x, y);
  const result = op === '+' ? x + y : op === '-' ? x - y : op === '*' ? x * y : op === '/' ? x / y : x % y;
  if (result > INT_MAX || result < INT_MIN) throw failure(node, 'the result is too large for a 64-bit int', x, y);
  return result;
}

function failure(node: ASTNode, problem: string, x: unknown, y: unknown): ExpressionError {
  return new ExpressionError(`${textOf(node)}: ${problem} (${describe(x)} and ${describe(y)})`);
}

function isTime(value: unknown): boolean {
  return value instanceof Date || value instanceof Duration;
}

function comparable(x: unknown, y: unknown): boolean {
  switch (typeof x) {
    case 'number':
    case 'bigint':
      return typeof y === 'number' || typeof y === 'bigint';
    case 'string':
    case 'boolean':
      return typeof y === typeof x;
    default:
      return false;
  }
}

function order(op: ComparisonOperator, x: number, y: number): boolean {
  return op === '<' ? x < y : op === '<=' ? x <= y : op === '>' ? x > y : x >= y;
}

function equalObjects(x: object, y: object): boolean {
  if (Array.isArray(x)) return Array.isArray(y) && equalLists(x, y);
  if (isTime(x) && isTime(y)) return x.constructor === y.constructor && millisecondsOf(x) === millisecondsOf(y);
  if (isOpaque(x) && isOpaque(y)) return x.constructor === y.constructor && byLibrary('==', x, y, null) === true;
  return isRecord(x) && isRecord(y) && equalRecords(x, y);
}

function equalLists(x: readonly unknown[], y: readonly unknown[]): boolean {
  if (x.length !== y.length) return false;
  spend(x.length);
  for (let i = 0; i < x.length; i++) if (!equal(x[i], y[i])) return false;
  return true;
}

function equalRecords(x: PlainRecord, y: PlainRecord): boolean {
  const names = Object.keys(x);
  if (names.length !== Object.keys(y).length) return false;
  spend(names.length);
  for (const name of names) if (!(Object.hasOwn(y, name) && equal(x[name], y[name]))) return false;
  return true;
}

function byLibrary(op: string, x: unknown, y: unknown, node: ASTNode | null): unknown {
  let call = libraryOperators.get(op);
  if (call === undefined) libraryOperators.set(op, (call = libraryOperator(op)));
  try {
    return call([x, y]);
  } catch (error) {
    if (node !== null && error instanceof LibraryError) throw mismatch(op, x, y, node);
    throw error;
  }
}
const libraryOperators = new Map<string, LibraryCall>();
