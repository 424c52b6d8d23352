import { expect, test } from 'vitest';
import { checkExpression, type ExpectedResult } from './check.ts';
import { describeType, NUMBER, STRING, typeOfSchema } from './event-type.ts';

const event = typeOfSchema({
  origin: 'string',
  carrier: 'string',
  flight: 'int',
  cancelled: 'bool',
  time_hour: 'timestamp',
  dep_delay: { type: 'double', nullable: true },
  tailnum: { type: 'string', nullable: true },
  tags: 'any',
});

function check(text: string, expected: ExpectedResult = 'any'): string {
  const { issues, type } = checkExpression(text, { event, key: STRING, timeMs: NUMBER, nowMs: NUMBER }, expected);
  return issues.length === 0
    ? describeType(type)
    : issues.map(({ message, fix }) => (fix === undefined ? message : `${message} (${fix})`)).join('; ');
}

test.each<{ text: string; expected?: ExpectedResult; type: string }>([
  { text: 'event.origin', type: 'string' },
  { text: 'event.flight * 2', type: 'int' },
  { text: 'event.flight / 2', type: 'double' },
  { text: 'event.time_hour + event.flight * 60000', expected: 'number', type: 'timestamp' },
  { text: 'event.time_hour + duration("1h")', expected: 'number', type: 'timestamp' },
  { text: 'event.time_hour - timestamp("2013-01-01T00:00:00Z")', expected: 'number', type: 'timestamp' },
  { text: 'timestamp(event.time_hour)', expected: 'number', type: 'timestamp' },
  { text: 'event.time_hour > timestamp("2013-01-01T00:00:00Z")', expected: 'bool', type: 'bool' },
  { text: 'event.time_hour.getHours("America/New_York")', type: 'int' },
  { text: 'event.dep_delay', type: 'double or null' },
  { text: 'event.dep_delay * 60000', expected: 'number', type: 'double' },
  { text: 'event.dep_delay == null && event.origin != null', expected: 'bool', type: 'bool' },
  { text: 'event.dep_delay == null ? null : event.origin', type: 'string or null' },
  { text: 'event.carrier + string(event.flight)', expected: 'string', type: 'string' },
  { text: 'event.origin in ["JFK", "LGA"]', expected: 'bool', type: 'bool' },
  { text: 'event.tags.x.y > 1 && event.tags[0]', expected: 'bool', type: 'bool' },
  { text: 'event.tags.filter(t, t.x > 1).map(t, t.y)', expected: 'list', type: 'list' },
  { text: '[1, 2].map(x, string(x))', expected: 'list', type: 'list of string' },
  { text: '{"a": event.origin, "b": [event.flight]}', expected: 'object', type: 'object with a, b' },
  { text: '{"a": {"b": 1}}.a.b', expected: 'number', type: 'int' },
  { text: 'cel.bind(x, event.flight, x + 1)', expected: 'number', type: 'int' },
  { text: 'has(event.tailnum) && !event.cancelled', expected: 'bool', type: 'bool' },
  { text: 'type(event.flight) == double', expected: 'bool', type: 'bool' },
  { text: 'size(event.origin) > 2', expected: 'bool', type: 'bool' },
  { text: '[event.flight, 2].sum()', expected: 'number', type: 'double' },
])('$text is $type', ({ text, expected, type }) => {
  expect(check(text, expected)).toBe(type);
});

const FIELDS = 'fields: origin, carrier, flight, cancelled, time_hour, dep_delay, tailnum, tags';

test.each<{ text: string; expected?: ExpectedResult; says: string }>([
  { text: 'event.carier', says: `event has no field carier (did you mean carrier? ${FIELDS})` },
  { text: 'has(event.zzz)', says: `event has no field zzz (${FIELDS})` },
  { text: 'evnt.origin', says: 'unknown name evnt (did you mean event? there are event, key, timeMs, nowMs)' },
  { text: 'event.origin.name', says: 'event.origin is string, it has no field name' },
  {
    text: 'event.carrier + event.flight',
    says: 'event.carrier + event.flight: cannot use + on string and int (write string(event.flight), or double(event.carrier))',
  },
  {
    text: 'event.flight - null',
    says: 'event.flight - null: cannot use - on int and null (null has no order and no sum; test for it first)',
  },
  {
    text: 'event.origin == 5',
    says: 'event.origin == 5 is always false: it compares string with int (write string(5), or double(event.origin))',
  },
  { text: 'event.origin > 5', says: 'event.origin > 5: cannot compare string with int (write string(5), or double(event.origin))' },
  { text: 'event.flight in ["a"]', says: 'event.flight in ["a"] is always false: int in list of string' },
  { text: '"J" in event.origin', says: '"J" in event.origin: in needs a list or an object, found string (for texts use x.contains(y))' },
  { text: 'event.flight && true', says: 'event.flight is int, where true or false is needed (compare it, such as event.flight != null)' },
  { text: 'event.flight', expected: 'bool', says: 'event.flight gives int, where true or false is needed' },
  { text: 'event.origin', expected: 'number', says: 'event.origin gives string, where a number is needed' },
  { text: 'event.origin', expected: 'object', says: 'event.origin gives string, where an object is needed' },
  { text: 'event.origin.substr(1)', says: 'event.origin.substr(1): unknown function substr()' },
  {
    text: 'event.origin.substring("a")',
    says: 'event.origin.substring("a"): there is no substring(string) of string (there is string.substring(int))',
  },
  {
    text: 'size(event.flight)',
    says: 'size(event.flight): there is no size(int) (there is size(string); size(bytes); size(list); size(object))',
  },
  { text: 'event.origin.map(x, x)', says: 'event.origin is string, not a list' },
  { text: 'event.origin.matches("[")', says: 'event.origin.matches("["): the pattern "[" is wrong: a [ without its ]' },
  { text: '{"a": 1, "a": 2}', says: '{"a": 1, "a": 2}: the key a is there twice' },
  { text: 'a + (', says: 'syntax at 1:6: unexpected token: EOF\n    a + (\n         ^' },
  { text: '1 +\n  * 2', says: 'syntax at 2:3: unexpected token: MULTIPLY\n      * 2\n      ^' },
  {
    text: 'evnt.x || event.flight + "a" == key',
    says: 'unknown name evnt (did you mean event? there are event, key, timeMs, nowMs); event.flight + "a": cannot use + on int and string (write string(event.flight), or double("a"))',
  },
])('$text is refused', ({ text, expected, says }) => {
  expect(check(text, expected)).toBe(says);
});

test('fields of an object literal have the types of their expressions', () => {
  const { type } = checkExpression('{"a": event.dep_delay, "b": event.tags}', { event }, 'object');
  expect(type).toEqual({
    kind: 'object',
    open: false,
    fields: { a: { kind: 'scalar', name: 'double', nullable: true }, b: { kind: 'dyn' } },
  });
});

test('an open schema allows fields that it does not name', () => {
  const { issues } = checkExpression('event.other > 1', { event: typeOfSchema({ a: 'int' }, true) }, 'bool');
  expect(issues).toEqual([]);
});
