// CEL expressions, and functions in their place, compiled once and called per event.

import type { Code, Fields } from '../../crds/stream-job/spec.ts';

/** Code of a job, ready to run: called with the variables in the order of `names` that it was compiled over. */
export type Compiled<T = unknown> = (...args: unknown[]) => T;

/**
 * Compiles a CEL text over the variables `names` (positional), or takes a builder's function, which is called with the
 * same positional arguments. Results are plain data: ints become numbers when safe (else bigint), timestamps and
 * durations ms. Throws BadDeclaration when the text does not parse or names an unknown variable or function.
 * The compiled function throws ExpressionError with a message for people; it never returns undefined from CEL.
 */
export function compileCode(code: Code, names: readonly string[]): Compiled {
  void code; void names;
  throw new Error('being written');
}

/** One code that must give an object, or named fields that make one (in their order). */
export function compileFields(code: Code | Fields, names: readonly string[]): Compiled<Record<string, unknown>> {
  void code; void names;
  throw new Error('being written');
}

/** A code that must give a bool; any other result throws ExpressionError with the value seen. */
export function compilePredicate(code: Code, names: readonly string[]): Compiled<boolean> {
  void code; void names;
  throw new Error('being written');
}
