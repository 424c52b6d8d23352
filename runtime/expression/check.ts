// Checks the types of a CEL expression before anything runs.
//
//   K1. All mistakes are found at once, each with what is allowed or the nearest name.
//   K2. Nothing that may work is refused: what is not known is dyn, and nullable fields may be used as values
//       (a test for null usually stands somewhere before).

import { Checker, type ExpressionIssue, isOneOf } from './check-node.ts';
import { type CheckType, describeCheckType, type Family, toEventType } from './check-types.ts';
import { compileResult } from './compile-node.ts';
import { Scope } from './piece.ts';
import { DYN, type EventType } from './event-type.ts';
import { parseExpression, shorten } from './library.ts';

export type { ExpressionIssue };
export type ExpectedResult = 'any' | 'bool' | 'number' | 'string' | 'list' | 'object';

/** All mistakes of the expression (empty: none) and the type of its result (dyn when unknown or wrong).
 *  The caller adds the path of the expression in the declaration. */
export function checkExpression(
  text: string,
  variables: Readonly<Record<string, EventType>>,
  expected: ExpectedResult,
): { readonly issues: readonly ExpressionIssue[]; readonly type: EventType } {
  const parsed = parseExpression(text);
  if (parsed.kind === 'broken') return { issues: [{ message: parsed.message }], type: DYN };
  const checker = new Checker(variables);
  const type = checker.type(parsed.ast);
  expectResult(text, type, expected, checker);
  if (checker.issues.length === 0) compileIssues(parsed.ast, variables, checker);
  return { issues: checker.issues, type: checker.issues.length === 0 ? toEventType(type) : DYN };
}

function expectResult(text: string, type: CheckType, expected: ExpectedResult, checker: Checker): void {
  const families: Readonly<Record<ExpectedResult, readonly Family[]>> = {
    any: [],
    bool: ['bool'],
    number: ['number', 'time', 'duration'],
    string: ['string'],
    list: ['list'],
    object: ['object'],
  };
  if (expected === 'any' || isOneOf(type, ...families[expected])) return;
  const wanted = expected === 'bool' ? 'true or false' : expected === 'object' ? 'an object' : `a ${expected}`;
  checker.issue(`${shorten(text, 100)} gives ${describeCheckType(type)}, where ${wanted} is needed`);
}

/** What only compiling finds (limits). */
function compileIssues(ast: Parameters<typeof compileResult>[0], variables: Readonly<Record<string, EventType>>, checker: Checker): void {
  const scope = new Scope(Object.keys(variables));
  compileResult(ast, scope);
  for (const message of scope.issues) checker.issue(message);
}
