// What compiling is about: pieces (closures that may be constants), and the scope in which nodes are compiled.

import { ExpressionError } from './expression-error.ts';
import { type ASTNode, textOf } from './library.ts';
import { describe } from './values.ts';

/** Evaluates a node: the first four variables, then the others and the locals of comprehensions. */
export type Eval = (a: unknown, b: unknown, c: unknown, d: unknown, l: unknown[]) => unknown;

export type Piece = {
  readonly run: Eval;
  /** The value when it is the same for all events. */
  readonly constant: { readonly value: unknown } | null;
};

export const ARGUMENT_SLOTS = 4;
const DEPTH_MAX = 400;

/** Compiles a node. Files that compile special nodes are given it, so that they need not import who calls them. */
export type Compile = (node: ASTNode, scope: Scope) => Piece;

/** What a node is compiled in: its variables, and the issues found so far. */
export class Scope {
  readonly issues: string[] = [];
  readonly names: readonly string[];
  /** Slots in `l` that are needed. */
  slotCount: number;
  readonly #locals: { name: string; slot: number }[] = [];
  #depth = 0;

  constructor(names: readonly string[]) {
    this.names = names;
    this.slotCount = Math.max(0, names.length - ARGUMENT_SLOTS);
  }

  /** Compiles `body` with one more variable, which lies in the slot given to it. */
  withLocal<T>(name: string, body: (slot: number) => T): T {
    const slot = this.slotCount++;
    this.#locals.push({ name, slot });
    const result = body(slot);
    this.#locals.pop();
    return result;
  }

  local(name: string): number | null {
    return this.#locals.findLast((local) => local.name === name)?.slot ?? null;
  }

  known(): string[] {
    return [...this.names, ...this.#locals.map((local) => local.name)];
  }

  /** A piece in the place of one that cannot be compiled. */
  issue(message: string): Piece {
    this.issues.push(message);
    return constantPiece(null);
  }

  nested<T>(node: ASTNode, body: () => T, otherwise: T): T {
    if (this.#depth >= DEPTH_MAX) {
      this.issues.push(`the expression is nested more than ${DEPTH_MAX} deep at ${textOf(node)}`);
      return otherwise;
    }
    this.#depth++;
    const result = body();
    this.#depth--;
    return result;
  }
}

export function constantPiece(value: unknown): Piece {
  return { run: () => value, constant: { value } };
}

export function piece(run: Eval): Piece {
  return { run, constant: null };
}

/** Folds a node of constants; a failing one stays, so that it fails when (and if) it is run. */
export function folded(run: Eval, ...parts: readonly Piece[]): Piece {
  if (parts.some((part) => part.constant === null)) return piece(run);
  try {
    return constantPiece(run(null, null, null, null, []));
  } catch {
    return piece(run);
  }
}

/** The name when the node reads a field by a fixed name: `x.name` or `x["name"]`. */
export function fieldNameOf(node: ASTNode): string | null {
  if (node.op === '.') return node.args[1];
  if (node.op === '[]' && node.args[1].op === 'value' && typeof node.args[1].args === 'string') return node.args[1].args;
  return null;
}

/** The error for a condition that is no bool. */
export function notBool(node: ASTNode, value: unknown): ExpressionError {
  const hint = value === null ? '; test for null first' : '';
  return new ExpressionError(`${textOf(node)}: must be true or false, found ${describe(value)}${hint}`);
}
