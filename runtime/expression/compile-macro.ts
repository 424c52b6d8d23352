// CEL's macros as closures: has, all, exists, exists_one, map, filter, cel.bind.
//
//   M1. Every turn of a comprehension is counted (values.ts, spend): nested ones over large lists end with an error.
//   M2. `all` and `exists` forgive errors of single items when another item decides, as CEL says.

import { ExpressionError } from './expression-error.ts';
import { type ASTNode, textOf } from './library.ts';
import { type Compile, type Eval, fieldNameOf, notBool, piece, type Piece, type Scope } from './piece.ts';
import { describe, isRecord, spend } from './values.ts';

/** How the macro's arguments are compiled: as values, or as paths that may lead nowhere. */
export type Compilers = { readonly node: Compile; readonly soft: Compile };

/** The macro that the call stands for, or null when it is a plain call. */
export function compileMacro(node: Extract<ASTNode, { op: 'call' | 'rcall' }>, scope: Scope, compile: Compilers): Piece | null {
  if (node.op === 'call')
    return node.args[0] === 'has' && node.args[1].length === 1 ? compileHas(node.args[1][0] as ASTNode, scope, compile.soft) : null;
  const [name, receiver, args] = node.args;
  if (name === 'bind' && receiver.op === 'id' && receiver.args === 'cel' && args.length === 3)
    return compileBind(args, scope, compile.node);
  const macro = macros[`${name}/${args.length}`];
  return macro === undefined ? null : macro(receiver, args, scope, compile.node);
}

type Arguments = readonly ASTNode[];

/** Runs `body` for each item: `l[slot]` holds it. Gives true to go on. */
type Loop = (items: readonly unknown[], slot: number, a: unknown, b: unknown, c: unknown, d: unknown, l: unknown[]) => unknown;

const macros: Readonly<Record<string, (receiver: ASTNode, args: Arguments, scope: Scope, compileNode: Compile) => Piece>> = {
  'all/2': (receiver, args, scope, compileNode) =>
    comprehension(receiver, args, scope, compileNode, (body) => quantifier(args[1] as ASTNode, body, false)),
  'exists/2': (receiver, args, scope, compileNode) =>
    comprehension(receiver, args, scope, compileNode, (body) => quantifier(args[1] as ASTNode, body, true)),
  'exists_one/2': (receiver, args, scope, compileNode) =>
    comprehension(receiver, args, scope, compileNode, (body) => exactlyOne(args[1] as ASTNode, body)),
  'filter/2': (receiver, args, scope, compileNode) =>
    comprehension(receiver, args, scope, compileNode, (body) => selected(args[1] as ASTNode, body, null)),
  'map/2': (receiver, args, scope, compileNode) => comprehension(receiver, args, scope, compileNode, mapped),
  'map/3': (receiver, args, scope, compileNode) =>
    comprehension(receiver, args, scope, compileNode, (body, last) => selected(args[1] as ASTNode, body, last)),
};

function compileHas(argument: ASTNode, scope: Scope, compileSoft: Compile): Piece {
  if (fieldNameOf(argument) === null) return scope.issue(`has(${textOf(argument)}): has() takes a field such as has(event.x)`);
  const { run } = compileSoft(argument, scope);
  return piece((a, b, c, d, l) => run(a, b, c, d, l) !== null);
}

function compileBind(args: Arguments, scope: Scope, compileNode: Compile): Piece {
  const [variable, value, body] = args as readonly [ASTNode, ASTNode, ASTNode];
  if (variable.op !== 'id') return scope.issue('cel.bind(name, value, body): the first argument must be a name');
  const bound = compileNode(value, scope).run;
  return scope.withLocal(variable.args, (slot) => {
    const { run } = compileNode(body, scope);
    return piece((a, b, c, d, l) => {
      l[slot] = bound(a, b, c, d, l);
      return run(a, b, c, d, l);
    });
  });
}

function comprehension(
  receiver: ASTNode,
  args: Arguments,
  scope: Scope,
  compileNode: Compile,
  make: (body: Eval, last: Eval) => Loop,
): Piece {
  const variable = args[0] as ASTNode;
  if (variable.op !== 'id') return scope.issue(`${textOf(receiver)}: the first argument of a comprehension must be a name`);
  const range = compileNode(receiver, scope).run;
  return scope.withLocal(variable.args, (slot) => {
    const bodies = args.slice(1).map((arg) => compileNode(arg, scope).run);
    const loop = make(bodies[0] as Eval, bodies.at(-1) as Eval);
    return piece((a, b, c, d, l) => {
      const items = itemsOf(range(a, b, c, d, l), receiver);
      spend(items.length);
      return loop(items, slot, a, b, c, d, l);
    });
  });
}

/** Items of a list, or the names of an object's fields. */
function itemsOf(value: unknown, node: ASTNode): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (isRecord(value)) return Object.keys(value);
  if (value instanceof Set) return [...(value as Set<unknown>)];
  if (value instanceof Map) return [...value.keys()];
  throw new ExpressionError(
    `${textOf(node)}: must be a list or an object, found ${describe(value)}${value === null ? '; test for null first' : ''}`,
  );
}

function quantifier(node: ASTNode, body: Eval, decides: boolean): Loop {
  return (items, slot, a, b, c, d, l) => {
    let failure: unknown = null;
    for (const item of items) {
      l[slot] = item;
      try {
        const value = body(a, b, c, d, l);
        if (value === decides) return decides;
        if (value !== !decides) failure ??= notBool(node, value);
      } catch (error) {
        failure ??= error; // M2
      }
    }
    if (failure !== null) throw failure;
    return !decides;
  };
}

function exactlyOne(node: ASTNode, body: Eval): Loop {
  return (items, slot, a, b, c, d, l) => {
    let count = 0;
    for (const item of items) {
      l[slot] = item;
      const value = body(a, b, c, d, l);
      if (typeof value !== 'boolean') throw notBool(node, value);
      if (value) count++;
    }
    return count === 1;
  };
}

function selected(node: ASTNode, test: Eval, transform: Eval | null): Loop {
  return (items, slot, a, b, c, d, l) => {
    const results: unknown[] = [];
    for (const item of items) {
      l[slot] = item;
      const value = test(a, b, c, d, l);
      if (typeof value !== 'boolean') throw notBool(node, value);
      if (value) results.push(transform === null ? item : transform(a, b, c, d, l));
    }
    return results;
  };
}

function mapped(body: Eval): Loop {
  return (items, slot, a, b, c, d, l) => {
    const results: unknown[] = [];
    for (const item of items) {
      l[slot] = item;
      results.push(body(a, b, c, d, l));
    }
    return results;
  };
}
