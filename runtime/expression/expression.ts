// CEL expressions, and functions in their place, compiled once and called per event.
//
// Owns: the public face of compiling. The language itself: compile-node.ts (evaluation), check.ts (types), functions.ts.
//
//   X1. No code is generated: workers run with --disallow-code-generation-from-strings.
//   X2. A compiled code is pure: same arguments, same result; it keeps nothing and changes nothing.
//   X3. Bounded: RESULT_NODES_MAX values and TEXT_CHARACTERS_MAX characters an evaluation, linear-time `matches`.
//
// The rules for users (docs/guide): every number of an event is a double, so `event.x / 2` is exact, while ints written in
// the expression are CEL ints (`7 / 2` is 3); they mix freely. Times are ms numbers; timestamp() and duration() mix with them:
// `event.at + duration("1h")`. `== null`, `!= null` and has() take a missing field for null; other uses of it fail.

import type { Code } from '../../crds/stream-job/code.ts';
import type { Fields } from '../../crds/stream-job/code.ts';
import { BadDeclaration } from '../base/issues.ts';
import { compileRecord, compileResult } from './compile-node.ts';
import { ARGUMENT_SLOTS, type Eval, type Piece, Scope } from './piece.ts';
import { ExpressionError } from './expression-error.ts';
import { parseExpression, shorten } from './library.ts';
import { describe, isRecord, resetBudget, toPlain } from './values.ts';

export { ExpressionError };

/** Code of a job, ready to run: called with the variables in the order of `names` that it was compiled over. */
export type Compiled<T = unknown> = (...args: unknown[]) => T;

/**
 * Compiles a CEL text over the variables `names` (positional), or takes a builder's function, which is called with the
 * same positional arguments. Results are plain data: ints become numbers when safe (else bigint), timestamps and
 * durations ms. Throws BadDeclaration when the text does not parse or names an unknown variable or function.
 * The compiled function throws ExpressionError with a message for people; it never gives undefined.
 */
export function compileCode(code: Code, names: readonly string[]): Compiled {
  if (typeof code === 'function') return fromFunction(code, names.length);
  const scope = new Scope(names);
  const compiled = compileText(code, scope, null);
  refuseIssues(code, scope);
  return entryOf(compiled, scope);
}

/** One code that must give an object, or named fields that make one (in their order). */
export function compileFields(code: Code | Fields, names: readonly string[]): Compiled<Record<string, unknown>> {
  if (typeof code === 'string' || typeof code === 'function') return demandRecord(compileCode(code, names), names.length, textFor(code));
  const scope = new Scope(names);
  const pieces = Object.entries(code).map(([name, value]) =>
    typeof value === 'function' ? functionPiece(value, names.length) : compileText(value, scope, name),
  );
  const record = compileRecord(Object.keys(code), pieces, scope);
  refuseIssues(Object.keys(code).join(', '), scope);
  return entryOf(record, scope) as Compiled<Record<string, unknown>>;
}

/** A code that must give a bool; any other result throws ExpressionError with the value seen. */
export function compilePredicate(code: Code, names: readonly string[]): Compiled<boolean> {
  const run = compileCode(code, names);
  const demandBool = (value: unknown): boolean => {
    if (typeof value !== 'boolean') throw new ExpressionError(`${textFor(code)}: must be true or false, found ${describe(value)}`);
    return value;
  };
  if (names.length > ARGUMENT_SLOTS) return (...args) => demandBool(run(...args));
  return (a, b, c, d) => demandBool(run(a, b, c, d));
}

function compileText(text: string, scope: Scope, field: string | null): Piece {
  const parsed = parseExpression(text);
  const before = scope.issues.length;
  const compiled = parsed.kind === 'broken' ? scope.issue(parsed.message) : compileResult(parsed.ast, scope);
  if (field !== null) for (let i = before; i < scope.issues.length; i++) scope.issues[i] = `${field}: ${scope.issues[i]}`;
  return compiled;
}

function refuseIssues(text: string, scope: Scope): void {
  if (scope.issues.length === 0) return;
  throw new BadDeclaration(
    `expression ${shorten(text, 100)}`,
    scope.issues.map((message) => ({ path: 'expression', message })),
  );
}

/** The positional entry: sets up the budget and the slots beyond the fourth variable. */
function entryOf(compiled: Piece, scope: Scope): Compiled {
  const { run } = compiled;
  const { slotCount, names } = scope;
  if (slotCount === 0) {
    return (a, b, c, d) => {
      resetBudget();
      return run(a, b, c, d, NO_SLOTS);
    };
  }
  if (names.length <= ARGUMENT_SLOTS) {
    return (a, b, c, d) => {
      resetBudget();
      return run(a, b, c, d, new Array<unknown>(slotCount));
    };
  }
  return (a, b, c, d, ...more) => {
    resetBudget();
    const slots = more.slice(0, names.length - ARGUMENT_SLOTS);
    while (slots.length < slotCount) slots.push(undefined);
    return run(a, b, c, d, slots);
  };
}
const NO_SLOTS: unknown[] = [];

function fromFunction(code: Exclude<Code, string>, argumentCount: number): Compiled {
  const { run } = functionPiece(code, argumentCount);
  return (a, b, c, d, ...more) => {
    resetBudget();
    return run(a, b, c, d, more);
  };
}

function functionPiece(code: Exclude<Code, string>, argumentCount: number): Piece {
  const call = code as (...args: unknown[]) => unknown;
  const run: Eval =
    argumentCount <= ARGUMENT_SLOTS
      ? (a, b, c, d) => toPlain(call(a, b, c, d))
      : (a, b, c, d, l) => toPlain(call(a, b, c, d, ...l.slice(0, argumentCount - ARGUMENT_SLOTS)));
  return { run, constant: null };
}

function demandRecord(run: Compiled, argumentCount: number, text: string): Compiled<Record<string, unknown>> {
  const demand = (value: unknown): Record<string, unknown> => {
    if (!isRecord(value)) throw new ExpressionError(`${text}: must be an object, found ${describe(value)}`);
    return value;
  };
  if (argumentCount > ARGUMENT_SLOTS) return (...args) => demand(run(...args));
  return (a, b, c, d) => demand(run(a, b, c, d));
}

function textFor(code: Code): string {
  return typeof code === 'string' ? shorten(code, 100) : `function ${code.name || '(without a name)'}`;
}
