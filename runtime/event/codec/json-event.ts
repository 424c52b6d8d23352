// One event of JSON: decoded, then held against the schema. Shared by file and NATS sources.

import type { EventSchemaSpec } from '../../../crds/stream-job/events.ts';
import type { Value } from '../batch.ts';
import { compileSchema, describeSeen, type RawEvent } from '../schema.ts';
import { decodeJsonText } from './json.ts';
import { encodeJsonLine } from './json-lines.ts';

/** `event`: as far as it was decoded; undefined when it was not. */
export type DecodedEvent = { readonly value: Value } | { readonly issues: readonly string[]; readonly event: Value };
export type EventDecoder = (text: string) => DecodedEvent;

/** Decodes an event that was taken out before: as its text, or as far as it had been decoded. */
export function compileJsonEventAgain(schema: EventSchemaSpec | undefined): (event: Value) => DecodedEvent {
  const decode = compileJsonEvent(schema);
  return (event) => {
    if (typeof event === 'string') return decode(event);
    const encoded = encodeJsonLine(event);
    return 'line' in encoded ? decode(encoded.line) : { issues: [encoded.problem], event };
  };
}

/** With a schema an event must be an object; without one any JSON value is an event. */
export function compileJsonEvent(schema: EventSchemaSpec | undefined): EventDecoder {
  const declared = schema !== undefined && Object.keys(schema).length > 0;
  const check = compileSchema(schema, 'json');
  return (text) => {
    const decoded = decodeJsonText(text);
    if ('issue' in decoded) return { issues: [decoded.issue], event: undefined };
    const { value } = decoded;
    if (!declared) return { value };
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return { issues: [`found ${describeSeen(value)}, expected an object with the declared fields`], event: value };
    }
    const checked = check(value as RawEvent);
    return 'value' in checked ? checked : { issues: checked.issues, event: value };
  };
}
