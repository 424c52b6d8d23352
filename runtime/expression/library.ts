// The CEL library (@marcbachmann/cel-js): its parser, its functions, and its operators on timestamps, durations and bytes.
// The only file that imports it.
//
//   L1. We never evaluate an event with the library's own evaluator, only single calls: `a0.substring(a1)`. Field access,
//       numbers, logic and comprehensions are compiled to closures (compile-node.ts): several times faster, and under our
//       rules for numbers, null and missing fields.
//   L2. The structural limits of an expression are set here.

import { Environment, EvaluationError, ParseError, serialize } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { ExpressionError } from './expression-error.ts';

export type { ASTNode };
export { Duration, UnsignedInt };

const ARGUMENTS_MAX = 8;
const limits = { maxAstNodes: 4_000, maxDepth: 64, maxListElements: 1_000, maxMapEntries: 1_000, maxCallArguments: ARGUMENTS_MAX };

const environment = new Environment({ limits, homogeneousAggregateLiterals: false });
for (let i = 0; i <= ARGUMENTS_MAX; i++) environment.registerVariable(`a${i}`, 'dyn');
/** Functions that CEL lacks; functions.ts runs them. The library knows their names and types only. */
for (const signature of ['list<dyn>.sum(): double', 'string.extract(string): dyn', 'string.extract(string, int): dyn']) {
  environment.registerFunction(signature, () => {
    throw new EvaluationError(`${signature} is run by functions.ts`);
  });
}

export type ParsedExpression =
  | { readonly kind: 'parsed'; readonly ast: ASTNode }
  /** `message` has a second and third line: the line of the text and a caret under the place. */
  | { readonly kind: 'broken'; readonly message: string };

/** Parses a CEL text. Macros (`has`, `map`, …) stay calls. */
export function parseExpression(text: string): ParsedExpression {
  try {
    return { kind: 'parsed', ast: environment.parse(text).ast };
  } catch (error) {
    if (error instanceof ParseError) return { kind: 'broken', message: syntaxMessage(error, text) };
    if (error instanceof RangeError) return { kind: 'broken', message: 'the expression is nested too deeply' };
    throw error;
  }
}

/** The expression of one node, for messages. */
export function textOf(node: ASTNode): string {
  let text = texts.get(node);
  if (text === undefined) {
    text = shorten(serialize(node), 100);
    texts.set(node, text);
  }
  return text;
}
const texts = new WeakMap<ASTNode, string>();

export type FunctionSignature = {
  readonly name: string;
  /** CEL type of the receiver, or null for a global function. */
  readonly receiver: string | null;
  readonly params: readonly string[];
  readonly returns: string;
};

/** Every function of the library (macros included: their parameters have the type `ast`), but for optional types. */
export const signatures: readonly FunctionSignature[] = environment
  .getDefinitions()
  .functions.map((f) => ({ name: f.name, receiver: f.receiverType, params: f.params.map((p) => p.type), returns: f.returnType }))
  .filter((f) => !/optional/i.test(`${f.receiver} ${f.params.join()} ${f.returns}`));

/** Names that stand for values of the library: the types `int`, `string`, `google` … */
export function constantOf(name: string): { readonly value: unknown } | null {
  if (!constantNames.has(name)) return null;
  return { value: environment.evaluate(name) };
}
const constantNames = new Set(
  environment
    .getDefinitions()
    .variables.map((v) => v.name)
    .filter((name) => !/^(a\d|optional|cel)$/.test(name)),
);

/** True for CEL's types as values: what `type(x)` gives. */
export function isTypeValue(value: unknown): boolean {
  return value instanceof TypeClass;
}
/** The name of a type as a value: `int`. */
export function typeName(type: object): string {
  return (type as { readonly name: string }).name;
}
const TypeClass = (environment.evaluate('int') as object).constructor as new () => object;

/** Runs one call. Throws LibraryError. */
export type LibraryCall = (args: readonly unknown[]) => unknown;

/** `name(a0, …)`, or `a0.name(a1, …)` with a receiver; the library picks the overload by the values. */
export function libraryCall(name: string, hasReceiver: boolean, argumentCount: number): LibraryCall {
  const names = Array.from({ length: argumentCount }, (_, i) => `a${i + (hasReceiver ? 1 : 0)}`).join(', ');
  return compileLibrary(hasReceiver ? `a0.${name}(${names})` : `${name}(${names})`);
}

/** `a0 op a1`. */
export function libraryOperator(op: string): LibraryCall {
  return compileLibrary(`a0 ${op} a1`);
}

function compileLibrary(text: string): LibraryCall {
  const parsed = environment.parse(text);
  return (args) => {
    const scope: Record<string, unknown> = {};
    for (let i = 0; i < args.length; i++) scope[`a${i}`] = args[i];
    try {
      const result: unknown = parsed(scope);
      return result instanceof UnsignedInt ? result.valueOf() : result;
    } catch (error) {
      if (error instanceof EvaluationError) throw new LibraryError(error.summary, isOverload(error.code));
      throw error;
    }
  };
}

/** `isOverload`: the function exists, but not for values of these types. */
export class LibraryError extends ExpressionError {
  readonly isOverload: boolean;
  constructor(message: string, overload: boolean) {
    super(message);
    this.isOverload = overload;
  }
}

function isOverload(code: string): boolean {
  return code === 'no_matching_overload' || code === 'no_such_overload';
}

function syntaxMessage(error: ParseError, text: string): string {
  const at = error.range?.start;
  const summary = error.summary.charAt(0).toLowerCase() + error.summary.slice(1);
  if (at === undefined) return `syntax: ${summary}`;
  const before = text.slice(0, at);
  const lineStart = before.lastIndexOf('\n') + 1;
  const lineEnd = text.indexOf('\n', at);
  const line = text.slice(lineStart, lineEnd === -1 ? undefined : lineEnd);
  const row = before.split('\n').length;
  const column = at - lineStart + 1;
  return `syntax at ${row}:${column}: ${summary}\n    ${line}\n    ${' '.repeat(column - 1)}^`;
}

export function shorten(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax - 1)}…`;
}
