// Walks an expression and finds its type and its mistakes. Goes on after a mistake: all of them are wanted.

import { nearest } from '../base/nearest.ts';
import { checkCall } from './check-call.ts';
import {
  BOOL,
  type CheckType,
  describeCheckType,
  DYN,
  type Family,
  familyOf,
  fromCel,
  INT,
  NULL,
  STRING,
  toEventType,
  unify,
} from './check-types.ts';
import { fieldNameOf } from './piece.ts';
import { type EventType, NUMBER, objectType, TIMESTAMP } from './event-type.ts';
import { type ASTNode, constantOf, textOf, UnsignedInt } from './library.ts';

export type ExpressionIssue = { readonly message: string; readonly fix?: string };

const FIELDS_LISTED_MAX = 24;
type Binary<Op extends string> = Extract<ASTNode, { op: Op }>;

export class Checker {
  readonly issues: ExpressionIssue[] = [];
  readonly #variables: Map<string, CheckType>;

  constructor(variables: Readonly<Record<string, EventType>>) {
    this.#variables = new Map(Object.entries(variables));
  }

  issue(message: string, fix?: string): void {
    if (this.issues.some((known) => known.message === message)) return;
    this.issues.push(fix === undefined ? { message } : { message, fix });
  }

  /** Runs `body` with one more variable. */
  withVariable<T>(name: string, type: CheckType, body: () => T): T {
    const before = this.#variables.get(name);
    this.#variables.set(name, type);
    const result = body();
    if (before === undefined) this.#variables.delete(name);
    else this.#variables.set(name, before);
    return result;
  }

  type(node: ASTNode): CheckType {
    switch (node.op) {
      case 'value':
        return literalType(node.args);
      case 'id':
        return this.#variable(node.args);
      case '.':
      case '[]':
        return this.#access(node);
      case 'list':
        return { kind: 'list', of: node.args.length === 0 ? DYN : node.args.map((item) => this.type(item)).reduce(unify) };
      case 'map':
        return this.#map(node);
      case '?:':
        this.expectBool(node.args[0]);
        return unify(this.type(node.args[1]), this.type(node.args[2]));
      case '&&':
      case '||':
        this.expectBool(node.args[0]);
        this.expectBool(node.args[1]);
        return BOOL;
      case '!_':
        this.expectBool(node.args);
        return BOOL;
      case '-_':
        return this.#negate(node);
      case '==':
      case '!=':
        return this.#equality(node);
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.#comparison(node);
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
        return this.#arithmetic(node);
      case 'in':
        return this.#in(node);
      case 'call':
      case 'rcall':
        return checkCall(node, this);
      case '.?':
      case '[?]':
        this.issue(`${textOf(node)}: optional access is not supported`, 'compare with null instead');
        return DYN;
    }
  }

  expectBool(node: ASTNode): void {
    const type = this.type(node);
    if (isOneOf(type, 'bool')) return;
    this.issue(`${textOf(node)} is ${describeCheckType(type)}, where true or false is needed`, compareFix(node, type));
  }

  #variable(name: string): CheckType {
    const found = this.#variables.get(name);
    if (found !== undefined) return found;
    const constant = constantOf(name);
    if (constant !== null) return typeof constant.value === 'object' && name !== 'google' ? fromCel('type') : DYN;
    const names = [...this.#variables.keys()];
    this.issue(`unknown name ${name}`, didYouMean(name, names, `there are ${names.join(', ')}`));
    return DYN;
  }

  #access(node: Binary<'.' | '[]'>): CheckType {
    const owner = this.type(node.args[0]);
    const name = fieldNameOf(node);
    if (name !== null) return this.#field(node, owner, name);
    const index = this.type((node as Binary<'[]'>).args[1]);
    if (owner.kind === 'list') {
      if (!isOneOf(index, 'number')) this.issue(`${textOf(node)}: a list index must be a number, found ${describeCheckType(index)}`);
      return owner.of;
    }
    if (owner.kind === 'object' || owner.kind === 'dyn') return DYN;
    this.issue(`${textOf(node.args[0])} is ${describeCheckType(owner)}, it has no items`);
    return DYN;
  }

  #field(node: Binary<'.' | '[]'>, owner: CheckType, name: string): CheckType {
    if (owner.kind === 'dyn') return DYN;
    if (owner.kind !== 'object') {
      this.issue(`${textOf(node.args[0])} is ${describeCheckType(owner)}, it has no field ${name}`);
      return DYN;
    }
    const found = Object.hasOwn(owner.fields, name) ? owner.fields[name] : undefined;
    if (found !== undefined) return found;
    if (!owner.open) {
      const names = Object.keys(owner.fields);
      const listed = `${names.slice(0, FIELDS_LISTED_MAX).join(', ')}${names.length > FIELDS_LISTED_MAX ? ', …' : ''}`;
      const fields = names.length === 0 ? 'it has no fields' : `fields: ${listed}`;
      this.issue(`${textOf(node.args[0])} has no field ${name}`, didYouMean(name, names, fields));
    }
    return DYN;
  }

  #map(node: Binary<'map'>): CheckType {
    const fields: Record<string, EventType> = Object.create(null) as Record<string, EventType>;
    let isOpen = false;
    for (const [key, value] of node.args) {
      const keyType = this.type(key);
      if (!isOneOf(keyType, 'string', 'number', 'bool'))
        this.issue(`${textOf(node)}: a key must be a string, found ${describeCheckType(keyType)}`);
      const type = toEventType(this.type(value));
      if (key.op === 'value' && typeof key.args === 'string') {
        if (key.args in fields) this.issue(`${textOf(node)}: the key ${key.args} is there twice`);
        if (key.args === '__proto__') this.issue('__proto__ cannot be a field');
        fields[key.args] = type;
      } else isOpen = true;
    }
    return objectType(fields, isOpen);
  }

  #negate(node: Binary<'-_'>): CheckType {
    const type = this.type(node.args);
    if (!isOneOf(type, 'number')) this.issue(`${textOf(node)}: cannot negate ${describeCheckType(type)}`);
    return type.kind === 'scalar' && type.name === 'int' ? INT : type.kind === 'dyn' ? DYN : NUMBER;
  }

  #equality(node: Binary<'==' | '!='>): CheckType {
    const [left, right] = [this.type(node.args[0]), this.type(node.args[1])];
    const [x, y] = [familyOf(left), familyOf(right)];
    if (x !== y && x !== 'dyn' && y !== 'dyn' && x !== 'null' && y !== 'null' && !isTimeAndNumber(x, y)) {
      const answer = node.op === '==' ? 'false' : 'true';
      this.issue(
        `${textOf(node)} is always ${answer}: it compares ${describeCheckType(left)} with ${describeCheckType(right)}`,
        convertFix(node, x, y),
      );
    }
    return BOOL;
  }

  #comparison(node: Binary<'<' | '<=' | '>' | '>='>): CheckType {
    const [left, right] = [this.type(node.args[0]), this.type(node.args[1])];
    const [x, y] = [familyOf(left), familyOf(right)];
    const isOrdered = (family: Family): boolean => family === 'dyn' || ['number', 'string', 'bool', 'time', 'duration'].includes(family);
    const isSame = x === y || x === 'dyn' || y === 'dyn' || isTimeAndNumber(x, y);
    if (!isSame || !isOrdered(x) || !isOrdered(y)) {
      this.issue(`${textOf(node)}: cannot compare ${describeCheckType(left)} with ${describeCheckType(right)}`, convertFix(node, x, y));
    }
    return BOOL;
  }

  #arithmetic(node: Binary<'+' | '-' | '*' | '/' | '%'>): CheckType {
    const [left, right] = [this.type(node.args[0]), this.type(node.args[1])];
    const [x, y] = [familyOf(left), familyOf(right)];
    if (x === 'number' && y === 'number') return numberResult(node.op, left, right);
    const sums = node.op === '+' || node.op === '-';
    if (sums && isTimeAndNumber(x, y))
      return x === 'duration' || y === 'duration' ? numberResult(node.op, left, right) : x === 'time' && y === 'time' ? NUMBER : TIMESTAMP;
    if (sums && timeResult(node.op, x, y) !== null) return fromCel(timeResult(node.op, x, y) as string);
    if (node.op === '+' && x === 'string' && y === 'string') return STRING;
    if (node.op === '+' && left.kind === 'list' && right.kind === 'list') return { kind: 'list', of: unify(left.of, right.of) };
    if (node.op === '+' && x === 'bytes' && y === 'bytes') return left;
    const known = x === 'dyn' ? y : x;
    if ((x === 'dyn' || y === 'dyn') && isOperand(node.op, known)) return dynResult(node.op, known);
    this.issue(
      `${textOf(node)}: cannot use ${node.op} on ${describeCheckType(left)} and ${describeCheckType(right)}`,
      convertFix(node, x, y),
    );
    return DYN;
  }

  #in(node: Binary<'in'>): CheckType {
    const item = this.type(node.args[0]);
    const container = this.type(node.args[1]);
    if (container.kind === 'list') {
      const [x, y] = [familyOf(item), familyOf(container.of)];
      if (x !== y && x !== 'dyn' && y !== 'dyn' && x !== 'null' && y !== 'null' && node.args[1].op !== 'value') {
        this.issue(`${textOf(node)} is always false: ${describeCheckType(item)} in ${describeCheckType(container)}`);
      }
    } else if (container.kind !== 'object' && container.kind !== 'dyn') {
      this.issue(
        `${textOf(node)}: in needs a list or an object, found ${describeCheckType(container)}`,
        container.kind === 'scalar' ? 'for texts use x.contains(y)' : undefined,
      );
    }
    return BOOL;
  }
}

/** True when the type may be one of these. */
export function isOneOf(type: CheckType, ...families: readonly Family[]): boolean {
  return type.kind === 'dyn' || families.includes(familyOf(type));
}

function literalType(value: unknown): CheckType {
  if (value === null) return NULL;
  if (typeof value === 'string') return STRING;
  if (typeof value === 'boolean') return BOOL;
  if (typeof value === 'number') return NUMBER;
  return typeof value === 'bigint' || value instanceof UnsignedInt ? INT : fromCel('bytes');
}

/** ms numbers mix with timestamps and durations (O2). */
function isTimeAndNumber(x: Family, y: Family): boolean {
  return (x === 'number' && (y === 'time' || y === 'duration')) || (y === 'number' && (x === 'time' || x === 'duration'));
}

function numberResult(op: string, left: CheckType, right: CheckType): CheckType {
  const nameOf = (type: CheckType): string => (type.kind === 'scalar' ? type.name : 'double');
  const [x, y] = [nameOf(left), nameOf(right)];
  if (x === 'timestamp' && y === 'timestamp') return NUMBER;
  if ((x === 'timestamp' || y === 'timestamp') && (op === '+' || op === '-')) return TIMESTAMP;
  return x === 'int' && y === 'int' && op !== '/' ? INT : NUMBER;
}

function timeResult(op: string, x: Family, y: Family): string | null {
  if (x === 'duration' && y === 'duration') return 'google.protobuf.Duration';
  if (x === 'time' && y === 'duration') return 'google.protobuf.Timestamp';
  if (op === '+' && x === 'duration' && y === 'time') return 'google.protobuf.Timestamp';
  return op === '-' && x === 'time' && y === 'time' ? 'google.protobuf.Duration' : null;
}

function isOperand(op: string, family: Family): boolean {
  if (family === 'dyn' || family === 'number') return true;
  if (op === '+') return ['string', 'list', 'bytes', 'time', 'duration'].includes(family);
  return op === '-' && (family === 'time' || family === 'duration');
}

function dynResult(op: string, known: Family): CheckType {
  if (known === 'string') return STRING;
  if (known === 'list') return { kind: 'list', of: DYN };
  return known === 'dyn' && op === '+' ? DYN : known === 'time' || known === 'duration' || known === 'dyn' ? DYN : NUMBER;
}

function didYouMean(name: string, names: readonly string[], otherwise: string): string {
  const near = name.length < 2 ? null : nearest(name, names);
  return near === null ? otherwise : `did you mean ${near}? ${otherwise}`;
}

function compareFix(node: ASTNode, type: CheckType): string | undefined {
  return type.kind === 'scalar' || type.kind === 'object' ? `compare it, such as ${textOf(node)} != null` : undefined;
}

function convertFix(node: Binary<string>, x: Family, y: Family): string | undefined {
  const [left, right] = node.args as readonly [ASTNode, ASTNode];
  if (x === 'null' || y === 'null') return 'null has no order and no sum; test for it first';
  if (x === 'string' && y === 'number') return `write string(${textOf(right)}), or double(${textOf(left)})`;
  if (x === 'number' && y === 'string') return `write string(${textOf(left)}), or double(${textOf(right)})`;
  return undefined;
}
