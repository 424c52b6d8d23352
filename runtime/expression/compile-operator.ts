// Arithmetic, comparison and equality as closures: numbers inline, the rest in operators.ts.

import type { ASTNode } from './library.ts';
import { arithmetic, type ArithmeticOperator, comparison, type ComparisonOperator, equal } from './operators.ts';
import { type Compile, type Eval, folded, type Piece, type Scope } from './piece.ts';

type Binary<Op extends string> = Extract<ASTNode, { op: Op }>;

export function compileArithmetic(node: Binary<ArithmeticOperator>, scope: Scope, compileNode: Compile): Piece {
  const left = compileNode(node.args[0], scope);
  const right = compileNode(node.args[1], scope);
  const number = doubleOf(right);
  const run =
    number === null ? anyArithmetic(node, left.run, right.run) : constantArithmetic(node, left.run, number, right.constant?.value);
  return folded(run, left, right);
}

export function compileComparison(node: Binary<ComparisonOperator>, scope: Scope, compileNode: Compile): Piece {
  const left = compileNode(node.args[0], scope);
  const right = compileNode(node.args[1], scope);
  const number = doubleOf(right);
  const run =
    number === null ? anyComparison(node, left.run, right.run) : constantComparison(node, left.run, number, right.constant?.value);
  return folded(run, left, right);
}

export function compileEquality(node: Binary<'==' | '!='>, scope: Scope, compileNode: Compile, compileSoft: Compile): Piece {
  const wanted = node.op === '==';
  const [leftNode, rightNode] = node.args;
  if (isNull(rightNode)) return nullTest(compileSoft(leftNode, scope), wanted);
  if (isNull(leftNode)) return nullTest(compileSoft(rightNode, scope), wanted);
  const left = compileNode(leftNode, scope);
  const right = compileNode(rightNode, scope);
  const [x, y] = [left.run, right.run];
  const constant = right.constant?.value;
  if (typeof constant === 'string' || typeof constant === 'boolean') {
    return folded((a, b, c, d, l) => (x(a, b, c, d, l) === constant) === wanted, left);
  }
  return folded((a, b, c, d, l) => equal(x(a, b, c, d, l), y(a, b, c, d, l)) === wanted, left, right);
}

function isNull(node: ASTNode): boolean {
  return node.op === 'value' && node.args === null;
}

function nullTest(operand: Piece, wanted: boolean): Piece {
  const { run } = operand;
  return folded((a, b, c, d, l) => ((run(a, b, c, d, l) ?? null) === null) === wanted, operand);
}

/** The constant as a double, when it is a number that one holds exactly. */
function doubleOf(operand: Piece): number | null {
  const value = operand.constant?.value;
  if (typeof value === 'number') return value;
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : null;
}

// In the functions below `r - r === 0` is true for finite numbers only: what is not goes the long way and fails there.

function constantArithmetic(node: Binary<ArithmeticOperator>, left: Eval, y: number, constant: unknown): Eval {
  const { op } = node;
  switch (op) {
    case '+':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        const r = typeof x === 'number' ? x + y : NaN;
        return r - r === 0 ? r : arithmetic(op, x, constant, node);
      };
    case '-':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        const r = typeof x === 'number' ? x - y : NaN;
        return r - r === 0 ? r : arithmetic(op, x, constant, node);
      };
    case '*':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        const r = typeof x === 'number' ? x * y : NaN;
        return r - r === 0 ? r : arithmetic(op, x, constant, node);
      };
    case '/':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        const r = typeof x === 'number' ? x / y : NaN;
        return r - r === 0 ? r : arithmetic(op, x, constant, node);
      };
    case '%':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        const r = typeof x === 'number' ? x % y : NaN;
        return r - r === 0 ? r : arithmetic(op, x, constant, node);
      };
  }
}

function anyArithmetic(node: Binary<ArithmeticOperator>, left: Eval, right: Eval): Eval {
  const { op } = node;
  switch (op) {
    case '+':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        const y = right(a, b, c, d, l);
        const r = typeof x === 'number' && typeof y === 'number' ? x + y : NaN;
        return r - r === 0 ? r : arithmetic(op, x, y, node);
      };
    case '-':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        const y = right(a, b, c, d, l);
        const r = typeof x === 'number' && typeof y === 'number' ? x - y : NaN;
        return r - r === 0 ? r : arithmetic(op, x, y, node);
      };
    default:
      return (a, b, c, d, l) => arithmetic(op, left(a, b, c, d, l), right(a, b, c, d, l), node);
  }
}

function constantComparison(node: Binary<ComparisonOperator>, left: Eval, y: number, constant: unknown): Eval {
  const { op } = node;
  switch (op) {
    case '<':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        return typeof x === 'number' ? x < y : comparison(op, x, constant, node);
      };
    case '<=':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        return typeof x === 'number' ? x <= y : comparison(op, x, constant, node);
      };
    case '>':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        return typeof x === 'number' ? x > y : comparison(op, x, constant, node);
      };
    case '>=':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        return typeof x === 'number' ? x >= y : comparison(op, x, constant, node);
      };
  }
}

function anyComparison(node: Binary<ComparisonOperator>, left: Eval, right: Eval): Eval {
  const { op } = node;
  switch (op) {
    case '<':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        const y = right(a, b, c, d, l);
        return typeof x === 'number' && typeof y === 'number' ? x < y : comparison(op, x, y, node);
      };
    case '<=':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        const y = right(a, b, c, d, l);
        return typeof x === 'number' && typeof y === 'number' ? x <= y : comparison(op, x, y, node);
      };
    case '>':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        const y = right(a, b, c, d, l);
        return typeof x === 'number' && typeof y === 'number' ? x > y : comparison(op, x, y, node);
      };
    case '>=':
      return (a, b, c, d, l) => {
        const x = left(a, b, c, d, l);
        const y = right(a, b, c, d, l);
        return typeof x === 'number' && typeof y === 'number' ? x >= y : comparison(op, x, y, node);
      };
  }
}
