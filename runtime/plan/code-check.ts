// Holds the codes of one job against the types that flow into them, and notes what is wrong where.

import type { Code } from '../../crds/stream-job/code.ts';
import type { Fields } from '../../crds/stream-job/code.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { checkExpression, type ExpectedResult } from '../expression/check.ts';
import { DYN, type EventType, objectType } from '../expression/event-type.ts';
import { isCode } from './stage-verbs.ts';

export type Variables = Readonly<Record<string, EventType>>;

export class CodeCheck {
  readonly issues: Issue[] = [];

  /** The type of what `code` gives; dyn for functions, which only run time knows. */
  one(code: Code | undefined, path: readonly PathPart[], variables: Variables, expected: ExpectedResult = 'any'): EventType {
    if (typeof code !== 'string') return DYN;
    const { issues, type } = checkExpression(code, variables, expected);
    this.issues.push(...issues.map((issue) => ({ path: formatPath(path), ...issue })));
    return type;
  }

  /** One code that gives `expected`, or named codes that make an object. */
  fields(code: Code | Fields | undefined, path: readonly PathPart[], variables: Variables, expected: ExpectedResult = 'any'): EventType {
    if (code === undefined || isCode(code)) return this.one(code, path, variables, expected);
    return objectType(Object.fromEntries(Object.entries(code).map(([name, part]) => [name, this.one(part, [...path, name], variables)])));
  }
}
