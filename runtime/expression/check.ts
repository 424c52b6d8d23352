// Checks the types of a CEL expression before anything runs.

import type { EventType } from './event-type.ts';

export type ExpressionIssue = { readonly message: string; readonly fix?: string };
export type ExpectedResult = 'any' | 'bool' | 'number' | 'string' | 'list' | 'object';

/** All mistakes of the expression (empty: none) and the type of its result (dyn when unknown or wrong).
 *  The caller adds the path of the expression in the declaration. */
export function checkExpression(
  text: string,
  variables: Readonly<Record<string, EventType>>,
  expected: ExpectedResult,
): { readonly issues: readonly ExpressionIssue[]; readonly type: EventType } {
  void text; void variables; void expected;
  throw new Error('being written');
}
