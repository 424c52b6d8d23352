// CEL's syntax tree → closures. One closure a node; what is known at compile time (constants, field names, slots of
// variables) is captured, so that an evaluation is calls and typeof tests only.
//
//   C1. The first four variables are arguments of every closure; further ones and those of comprehensions lie in `l`.
//   C2. Compiling collects all issues; code with issues is never run.
//   C3. `&&` and `||` forgive an error on one side when the other side decides, as CEL says.
//   C4. Closures keep nothing between evaluations.

import { ExpressionError } from './expression-error.ts';
import { compileArithmetic, compileComparison, compileEquality } from './compile-operator.ts';
import { compileMacro } from './compile-macro.ts';
import { isSafeName, itemAt, missingField, ownField } from './fields.ts';
import { callProblem, functionNamed, patternProblem } from './functions.ts';
import { type ASTNode, constantOf, textOf, UnsignedInt } from './library.ts';
import { isIn, negate } from './operators.ts';
import {
  ARGUMENT_SLOTS,
  type Compile,
  constantPiece,
  type Eval,
  fieldNameOf,
  folded,
  notBool,
  type Piece,
  piece,
  type Scope,
} from './piece.ts';
import { describe, plainInt, toPlain } from './values.ts';
import { nearest } from '../base/nearest.ts';

/** Compiles a node to a closure whose result is a CEL value (ints are bigint). */
export function compileNode(node: ASTNode, scope: Scope): Piece {
  return scope.nested(node, () => compileKind(node, scope), constantPiece(null));
}

/** Compiles a node to a closure whose result is plain data (V2). */
export function compileResult(node: ASTNode, scope: Scope): Piece {
  switch (node.op) {
    case 'value': {
      const { constant, run } = compileNode(node, scope);
      return constant === null ? { constant, run } : constantPiece(toPlain(constant.value));
    }
    case 'map':
      return compileMap(node, scope, compileResult);
    case 'list':
      return compileList(node.args, scope, compileResult);
    case '?:':
      return compileTernary(node, scope, compileResult);
    default:
      return plainPiece(compileNode(node, scope), node, scope);
  }
}

/** Reads a path of fields where null and missing are the same: null (F2). For `== null` and `has()`. */
export function compileSoft(node: ASTNode, scope: Scope): Piece {
  const name = fieldNameOf(node);
  if (name === null) return compileNode(node, scope);
  const owner = compileSoft((node.args as readonly ASTNode[])[0] as ASTNode, scope).run;
  if (isSafeName(name)) {
    return piece((a, b, c, d, l) => {
      const value = owner(a, b, c, d, l);
      if (typeof value !== 'object' || value === null) return null;
      const found = (value as Record<string, unknown>)[name];
      return found === undefined ? (ownField(value, name) ?? null) : found;
    });
  }
  return piece((a, b, c, d, l) => ownField(owner(a, b, c, d, l), name) ?? null);
}

const compilers = { node: compileNode, soft: compileSoft };

function compileKind(node: ASTNode, scope: Scope): Piece {
  switch (node.op) {
    case 'value':
      return constantPiece(node.args instanceof UnsignedInt ? node.args.valueOf() : node.args);
    case 'id':
      return compileVariable(node.args, scope);
    case '.':
    case '[]':
      return compileAccess(node, scope);
    case 'list':
      return compileList(node.args, scope, compileNode);
    case 'map':
      return compileMap(node, scope, compileNode);
    case '?:':
      return compileTernary(node, scope, compileNode);
    case '&&':
    case '||':
      return compileLogic(node, scope);
    case '!_':
      return compileNot(node, scope);
    case '-_':
      return compileNegate(node, scope);
    case '==':
    case '!=':
      return compileEquality(node, scope, compileNode, compileSoft);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compileComparison(node, scope, compileNode);
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return compileArithmetic(node, scope, compileNode);
    case 'in':
      return compileIn(node, scope);
    case 'call':
      return compileMacro(node, scope, compilers) ?? compileCall(node, node.args[0], null, node.args[1], scope);
    case 'rcall':
      return compileMacro(node, scope, compilers) ?? compileCall(node, node.args[0], node.args[1], node.args[2], scope);
    case '.?':
    case '[?]':
      return scope.issue(`${textOf(node)}: optional access is not supported; compare with null`);
  }
}

function compileVariable(name: string, scope: Scope): Piece {
  const slot = scope.local(name);
  if (slot !== null) return piece((_a, _b, _c, _d, l) => l[slot]);
  const index = scope.names.indexOf(name);
  if (index === 0) return piece((a) => a);
  if (index === 1) return piece((_a, b) => b);
  if (index === 2) return piece((_a, _b, c) => c);
  if (index === 3) return piece((_a, _b, _c, d) => d);
  if (index >= ARGUMENT_SLOTS) return piece((_a, _b, _c, _d, l) => l[index - ARGUMENT_SLOTS]);
  const constant = constantOf(name);
  if (constant !== null) return constantPiece(constant.value);
  const near = nearest(name, scope.known());
  return scope.issue(`unknown name ${name}${near === null ? '' : `; did you mean ${near}?`} (there are ${scope.known().join(', ')})`);
}

function compileAccess(node: Extract<ASTNode, { op: '.' | '[]' }>, scope: Scope): Piece {
  const owner = compileNode(node.args[0], scope);
  const name = fieldNameOf(node);
  if (name !== null) return compileField(node, owner, name, scope);
  const index = compileNode((node as Extract<ASTNode, { op: '[]' }>).args[1], scope);
  const [own, at] = [owner.run, index.run];
  return folded((a, b, c, d, l) => itemAt(own(a, b, c, d, l), at(a, b, c, d, l), node), owner, index);
}

function compileField(node: Extract<ASTNode, { op: '.' | '[]' }>, owner: Piece, name: string, scope: Scope): Piece {
  const own = owner.run;
  if (!isSafeName(name)) {
    return folded((a, b, c, d, l) => carefully(own(a, b, c, d, l), name, node), owner);
  }
  // The common case, a field of the first variable, without the call of its closure.
  if (node.args[0].op === 'id' && node.args[0].args === scope.names[0] && scope.local(node.args[0].args) === null) {
    return piece((a) => {
      if (typeof a === 'object' && a !== null) {
        const found = (a as Record<string, unknown>)[name];
        if (found !== undefined) return found;
      }
      return carefully(a, name, node);
    });
  }
  return folded((a, b, c, d, l) => {
    const value = own(a, b, c, d, l);
    if (typeof value === 'object' && value !== null) {
      const found = (value as Record<string, unknown>)[name];
      if (found !== undefined) return found;
    }
    return carefully(value, name, node);
  }, owner);
}

function carefully(value: unknown, name: string, node: ASTNode): unknown {
  const found = ownField(value, name);
  if (found === undefined) throw missingField(value, name, node);
  return found;
}

function compileList(items: readonly ASTNode[], scope: Scope, compileItem: Compile): Piece {
  const pieces = items.map((item) => compileItem(item, scope));
  const runs = pieces.map((p) => p.run);
  // A list of constants is shared by all events: values are never changed (B2).
  return folded(
    (a, b, c, d, l) => {
      const list: unknown[] = [];
      for (const run of runs) list.push(run(a, b, c, d, l));
      return list;
    },
    ...pieces,
  );
}

function compileMap(node: Extract<ASTNode, { op: 'map' }>, scope: Scope, compileItem: Compile): Piece {
  const keys = node.args.map(([key]) => compileNode(key, scope));
  const values = node.args.map(([, value]) => compileItem(value, scope));
  const names = keys.map((key) => fixedName(key.constant?.value));
  if (new Set(names).size === names.length && names.every((name) => name !== null)) return compileRecord(names, values, scope);
  return piece((a, b, c, d, l) => {
    const record: Record<string, unknown> = {};
    for (let i = 0; i < keys.length; i++) {
      const name = keyName((keys[i] as Piece).run(a, b, c, d, l), node);
      if (Object.hasOwn(record, name)) throw new ExpressionError(`${textOf(node)}: the key ${name} is there twice`);
      record[name] = (values[i] as Piece).run(a, b, c, d, l);
    }
    return record;
  });
}

/** The field's name when the key is the same for all events. */
function fixedName(key: unknown): string | null {
  return typeof key === 'string' || typeof key === 'boolean' || typeof key === 'bigint' || typeof key === 'number' ? String(key) : null;
}

function keyName(key: unknown, node: ASTNode): string {
  if (key === '__proto__') throw new ExpressionError(`${textOf(node)}: __proto__ cannot be a field`);
  const name = fixedName(key);
  if (name !== null) return name;
  throw new ExpressionError(`${textOf(node)}: a key must be a string, number or bool, found ${describe(key)}`);
}

/** An object with the fields `names`, in that order. */
export function compileRecord(names: readonly string[], values: readonly Piece[], scope: Scope): Piece {
  if (names.includes('__proto__')) return scope.issue('__proto__ cannot be a field');
  const runs = values.map((value) => value.run);
  const count = names.length;
  // A copy of an object that has all fields keeps one hidden class for all results: three times faster than adding them.
  const template: Readonly<Record<string, unknown>> = Object.fromEntries(names.map((name) => [name, null]));
  return piece((a, b, c, d, l) => {
    const record: Record<string, unknown> = { ...template };
    for (let i = 0; i < count; i++) record[names[i] as string] = (runs[i] as Eval)(a, b, c, d, l);
    return record;
  });
}

function compileTernary(node: Extract<ASTNode, { op: '?:' }>, scope: Scope, compileItem: Compile): Piece {
  const condition = compileNode(node.args[0], scope);
  const [test, yes, no] = [condition.run, compileItem(node.args[1], scope).run, compileItem(node.args[2], scope).run];
  return piece((a, b, c, d, l) => {
    const value = test(a, b, c, d, l);
    if (value === true) return yes(a, b, c, d, l);
    if (value === false) return no(a, b, c, d, l);
    throw notBool(node.args[0], value);
  });
}

function compileLogic(node: Extract<ASTNode, { op: '&&' | '||' }>, scope: Scope): Piece {
  const left = compileNode(node.args[0], scope);
  const right = compileNode(node.args[1], scope);
  return folded(node.op === '&&' ? and(left.run, right.run, node) : or(left.run, right.run, node), left, right);
}

function and(left: Eval, right: Eval, node: Extract<ASTNode, { op: '&&' | '||' }>): Eval {
  return (a, b, c, d, l) => {
    let x: unknown;
    try {
      x = left(a, b, c, d, l);
    } catch (error) {
      if (right(a, b, c, d, l) === false) return false; // C3
      throw error;
    }
    if (x === false) return false;
    const y = right(a, b, c, d, l);
    if (y === false) return false;
    if (x !== true) throw notBool(node.args[0], x);
    if (y !== true) throw notBool(node.args[1], y);
    return true;
  };
}

function or(left: Eval, right: Eval, node: Extract<ASTNode, { op: '&&' | '||' }>): Eval {
  return (a, b, c, d, l) => {
    let x: unknown;
    try {
      x = left(a, b, c, d, l);
    } catch (error) {
      if (right(a, b, c, d, l) === true) return true; // C3
      throw error;
    }
    if (x === true) return true;
    const y = right(a, b, c, d, l);
    if (y === true) return true;
    if (x !== false) throw notBool(node.args[0], x);
    if (y !== false) throw notBool(node.args[1], y);
    return false;
  };
}

function compileNot(node: Extract<ASTNode, { op: '!_' }>, scope: Scope): Piece {
  const operand = compileNode(node.args, scope);
  const { run } = operand;
  return folded((a, b, c, d, l) => {
    const value = run(a, b, c, d, l);
    if (typeof value !== 'boolean') throw notBool(node.args, value);
    return !value;
  }, operand);
}

function compileNegate(node: Extract<ASTNode, { op: '-_' }>, scope: Scope): Piece {
  const operand = compileNode(node.args, scope);
  const { run } = operand;
  return folded((a, b, c, d, l) => negate(run(a, b, c, d, l), node), operand);
}

function compileIn(node: Extract<ASTNode, { op: 'in' }>, scope: Scope): Piece {
  const item = compileNode(node.args[0], scope);
  const container = compileNode(node.args[1], scope);
  const [left, right] = [item.run, container.run];
  const known = container.constant?.value;
  if (Array.isArray(known) && known.length > 4 && known.every((x) => typeof x === 'string')) {
    const texts = new Set<unknown>(known);
    return folded((a, b, c, d, l) => texts.has(left(a, b, c, d, l)), item);
  }
  return folded((a, b, c, d, l) => isIn(left(a, b, c, d, l), right(a, b, c, d, l), node), item, container);
}

function compileCall(node: ASTNode, name: string, receiver: ASTNode | null, args: readonly ASTNode[], scope: Scope): Piece {
  const pieces = (receiver === null ? args : [receiver, ...args]).map((arg) => compileNode(arg, scope));
  const problem = callProblem(name, receiver !== null, args.length);
  if (problem !== null) return scope.issue(`${textOf(node)}: ${problem}`);
  const wrong =
    receiver === null
      ? null
      : patternProblem(
          name,
          pieces.slice(1).map(({ constant }) => constant?.value),
        );
  if (wrong !== null) return scope.issue(`${textOf(node)}: ${wrong}`);
  const call = functionNamed(name, receiver !== null, args.length);
  const runs = pieces.map((p) => p.run);
  const compiled = folded(
    (a, b, c, d, l) => {
      const values: unknown[] = [];
      for (const run of runs) values.push(run(a, b, c, d, l));
      return call(values, node);
    },
    ...pieces,
  );
  return compiled.constant === null && pieces.every((p) => p.constant !== null) ? alwaysFails(compiled, scope) : compiled;
}

/** A call of constants that could not be folded fails for every event: said when it is declared. */
function alwaysFails(compiled: Piece, scope: Scope): Piece {
  try {
    compiled.run(null, null, null, null, []);
    return compiled;
  } catch (error) {
    return scope.issue(error instanceof Error ? error.message : String(error));
  }
}

const boolean = new Set(['==', '!=', '<', '<=', '>', '>=', '&&', '||', '!_', 'in']);

/** Makes the result plain at run time, where it may not be. */
function plainPiece(compiled: Piece, node: ASTNode, scope: Scope): Piece {
  const { run, constant } = compiled;
  if (constant !== null) return constantPiece(toPlain(constant.value));
  if (boolean.has(node.op)) return compiled;
  if (!isPathOfEvent(node, scope)) return piece((a, b, c, d, l) => toPlain(run(a, b, c, d, l)));
  // Parts of events are plain already: only ints become numbers.
  return piece((a, b, c, d, l) => {
    const value = run(a, b, c, d, l);
    if (typeof value === 'bigint') return plainInt(value);
    return value === undefined ? null : value;
  });
}

function isPathOfEvent(node: ASTNode, scope: Scope): boolean {
  if (node.op === 'id') return scope.names.includes(node.args) && scope.local(node.args) === null;
  return fieldNameOf(node) !== null && isPathOfEvent((node.args as readonly ASTNode[])[0] as ASTNode, scope);
}
