// The declared fields of an event: texts become values, JSON values are checked, and every mistake of an event is named.
//
//   D1. All issues of an event at once, each with field, value seen, and what was expected.
//   D2. An int beyond 2^53 stays exact (bigint); nothing is rounded silently.
//   D3. Names such as `__proto__` or `constructor` are fields like others: own properties only, nothing is inherited.
//   D4. `raw` belongs to the check: it is filled in place (it was made by a codec a moment ago and nobody else has it).

import type { EventSchemaSpec } from '../../crds/stream-job/events.ts';
import { parseIsoTime } from './codec/iso-time.ts';

/** text: every value is a text (CSV). json: values of JSON, held to their types strictly. either: one may stand for the other, nothing is lost. */
export type SchemaForm = 'text' | 'json' | 'either';

export type RawEvent = Record<string, unknown>;
export type SchemaResult = { readonly value: RawEvent } | { readonly issues: readonly string[] };
export type SchemaCheck = (raw: RawEvent) => SchemaResult;

/** What a coercion gives for a value that it does not take. */
export const REFUSED: unique symbol = Symbol('refused');

/** One declared field, compiled. */
export type FieldCheck = {
  readonly name: string;
  readonly nullable: boolean;
  /** An empty text means null: in a nullable column of numbers, times or bools it can't mean anything else. */
  readonly emptyIsNull: boolean;
  /** Object.prototype has something of that name, which is no field of the event. */
  readonly inherited: boolean;
  readonly expected: string;
  /** The value as the schema says it is, or REFUSED. */
  readonly coerce: (value: unknown) => unknown;
};

type FieldType = Extract<EventSchemaSpec[string], string>;

const SEEN_MAX_CHARS = 64;
const TIME_MAX_MS = 8.64e15; // ECMA-262: the largest time value
/** Longest run of digits that is exact in a double whatever the digits are. */
const SAFE_DIGITS = 15;
/** Above that a text of digits is no number that anyone counts with; making it a bigint costs time that grows faster than it. */
const INT_MAX_CHARS = 1024;

/** A check of whole events. Without a schema every event passes as it is. */
export function compileSchema(schema: EventSchemaSpec | undefined, form: SchemaForm = 'json'): SchemaCheck {
  const fields = compileFields(schema, form);
  return (raw) => {
    let issues: string[] | null = null;
    for (const field of fields) {
      const issue = checkField(raw, field);
      if (issue !== null) (issues ??= []).push(issue);
    }
    return issues === null ? { value: raw } : { issues };
  };
}

export function compileFields(schema: EventSchemaSpec | undefined, form: SchemaForm): readonly FieldCheck[] {
  return Object.entries(schema ?? {}).map(([name, spec]) => {
    const type = typeof spec === 'string' ? spec : spec.type;
    const nullable = typeof spec !== 'string' && spec.nullable;
    return {
      name,
      nullable,
      emptyIsNull: nullable && form !== 'json' && type !== 'string' && type !== 'any',
      inherited: name in Object.prototype,
      expected: expectations[type] + (nullable ? ' or null' : ''),
      coerce: FORMS[form][type],
    };
  });
}

/** The sentence for a value that a field refused. */
export function issueOf(field: FieldCheck, seen: unknown): string {
  return `${field.name}: found ${describeSeen(seen)}, expected ${field.expected}`;
}

/** A value for people, cut to a length that does no harm in a log. */
export function describeSeen(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') {
    return value.length <= SEEN_MAX_CHARS
      ? JSON.stringify(value)
      : `${JSON.stringify(value.slice(0, SEEN_MAX_CHARS))}… (${value.length} characters)`;
  }
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return `an object with ${Object.keys(value).length} fields`;
  return Object.is(value, -0) ? '-0' : String(value as number | bigint | boolean | null);
}

/** Sets an own property whatever its name is: plain assignment to `__proto__` would change the prototype instead. */
export function setOwn(target: RawEvent, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  else target[name] = value;
}

function checkField(raw: RawEvent, field: FieldCheck): string | null {
  const { name } = field;
  const seen = field.inherited && !Object.hasOwn(raw, name) ? undefined : raw[name];
  const value = coerceField(field, seen);
  if (value === REFUSED) return issueOf(field, seen);
  if (value !== seen) setOwn(raw, name, value);
  return null;
}

/** One value as its field says it is, or REFUSED. */
export function coerceField(field: FieldCheck, seen: unknown): unknown {
  if (field.nullable && (seen === null || seen === undefined || (field.emptyIsNull && seen === ''))) return null;
  return seen === undefined ? REFUSED : field.coerce(seen);
}

const expectations: Readonly<Record<FieldType, string>> = {
  string: 'a text',
  int: 'a whole number',
  double: 'a number',
  bool: 'true or false',
  timestamp: 'a time (ISO 8601, or whole ms since 1970)',
  any: 'a value',
};

/** From texts. A null (a text that the source declared to mean null) is refused by every type. */
const fromText: Readonly<Record<FieldType, (value: unknown) => unknown>> = {
  string: (value) => (typeof value === 'string' ? value : REFUSED),
  int: (value) => (typeof value === 'string' ? intOf(value) : REFUSED),
  double: (value) => (typeof value === 'string' ? doubleOf(value) : REFUSED),
  bool: (value) =>
    value === 'true' || value === 'TRUE' || value === 'True'
      ? true
      : value === 'false' || value === 'FALSE' || value === 'False'
        ? false
        : REFUSED,
  timestamp: (value) => (typeof value === 'string' ? timeOf(value) : REFUSED),
  any: (value) => value,
};

const fromJson: Readonly<Record<FieldType, (value: unknown) => unknown>> = {
  string: (value) => (typeof value === 'string' ? value : REFUSED),
  // A double beyond 2^53 that the text did not write as a whole number (1e300) is no exact integer (D2).
  int: (value) => (typeof value === 'bigint' || Number.isSafeInteger(value) ? value : REFUSED),
  double: (value) => {
    const double = typeof value === 'bigint' ? Number(value) : value;
    return Number.isFinite(double) ? double : REFUSED;
  },
  bool: (value) => (typeof value === 'boolean' ? value : REFUSED),
  timestamp: (value) => (typeof value === 'string' ? (parseIsoTime(value) ?? REFUSED) : isTime(value) ? value : REFUSED),
  any: (value) => value,
};

const fromEither: Readonly<Record<FieldType, (value: unknown) => unknown>> = {
  ...fromJson,
  string: (value) =>
    typeof value === 'bigint' || typeof value === 'boolean' || Number.isFinite(value) ? String(value) : fromJson.string(value),
  int: (value) => (typeof value === 'string' ? intOf(value) : fromJson.int(value)),
  double: (value) => (typeof value === 'string' ? doubleOf(value) : fromJson.double(value)),
  bool: (value) => (typeof value === 'string' ? fromText.bool(value) : fromJson.bool(value)),
  timestamp: (value) => (typeof value === 'string' ? timeOf(value) : fromJson.timestamp(value)),
};

const FORMS: Readonly<Record<SchemaForm, typeof fromText>> = { text: fromText, json: fromJson, either: fromEither };

function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= TIME_MAX_MS;
}

function timeOf(text: string): unknown {
  const ms = parseIsoTime(text);
  if (ms !== null) return ms;
  const whole = intOf(text);
  return isTime(whole) ? whole : REFUSED;
}

function intOf(text: string): unknown {
  const from = text.charCodeAt(0) === 45 ? 1 : 0;
  if (text.length === from) return REFUSED;
  let value = 0;
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return REFUSED;
    value = value * 10 + digit;
  }
  if (text.length - from > SAFE_DIGITS && !Number.isSafeInteger(value)) return text.length > INT_MAX_CHARS ? REFUSED : BigInt(text);
  return from === 1 && value !== 0 ? -value : value;
}

const DOUBLE = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

function doubleOf(text: string): unknown {
  const whole = text.length <= SAFE_DIGITS ? intOf(text) : REFUSED;
  if (whole !== REFUSED) return whole;
  if (!DOUBLE.test(text)) return REFUSED;
  const value = Number(text);
  return Number.isFinite(value) ? value : REFUSED;
}
