import { expect, test } from 'vitest';
import { compileCode, compileFields, compilePredicate, ExpressionError } from './expression.ts';

function evaluate(text: string, event: unknown = {}): unknown {
  return compileCode(text, ['event', 'key', 'timeMs', 'nowMs'])(event, 'k', 1_000, 2_000);
}

const AT_NOON = Date.UTC(2013, 0, 31, 12);

test.each<{ fact: string; text: string; event?: unknown; gives: unknown }>([
  { fact: 'ints of the expression are CEL ints', text: '7 / 2', gives: 3 },
  { fact: 'numbers of events are doubles', text: 'event.x / 2', event: { x: 7 }, gives: 3.5 },
  { fact: 'ints and doubles mix', text: '(event.x + 1) * 2 - 0.5', event: { x: 1.5 }, gives: 4.5 },
  { fact: 'the remainder of doubles works', text: 'event.x % 3', event: { x: 7.5 }, gives: 1.5 },
  { fact: 'an int equals the same double', text: 'event.x == 15 && 15 == event.x && event.x in [15]', event: { x: 15 }, gives: true },
  { fact: 'an int result is a number', text: '12 * 3600000', gives: 43_200_000 },
  { fact: 'an int beyond 2^53 stays a bigint', text: '9007199254740993', gives: 9_007_199_254_740_993n },
  { fact: 'a bigint of an event compares exactly', text: 'event.x > 9007199254740992', event: { x: 9_007_199_254_740_993n }, gives: true },
  {
    fact: 'a 64-bit id of an event and a whole number of it add up exactly',
    text: 'event.x + event.y',
    event: { x: 9_007_199_254_740_993n, y: 2 },
    gives: 9_007_199_254_740_995n,
  },
  { fact: 'whichever comes first', text: 'event.y - event.x', event: { x: 9_007_199_254_740_993n, y: 2 }, gives: -9_007_199_254_740_991 },
  { fact: 'and leave the remainder of an int', text: 'event.x % event.y', event: { x: 9_007_199_254_740_993n, y: 2 }, gives: 1 },
  { fact: 'a part of one makes it a double', text: 'event.x + event.y', event: { x: 2n ** 60n, y: 0.5 }, gives: 2 ** 60 },
  { fact: 'a 64-bit id divides as a double', text: 'event.x / event.y', event: { x: 2n ** 60n, y: 7 }, gives: 2 ** 60 / 7 },
  {
    fact: 'a list of both adds up exactly',
    text: 'event.x.sum()',
    event: { x: [1, 9_007_199_254_740_993n, 2] },
    gives: 9_007_199_254_740_996n,
  },
  { fact: 'a whole double prints without a fraction', text: 'string(event.x)', event: { x: 1545 }, gives: '1545' },
  { fact: 'texts add', text: 'event.a + string(event.b)', event: { a: 'UA', b: 1545 }, gives: 'UA1545' },
  { fact: 'lists add', text: '[1] + event.x', event: { x: [2] }, gives: [1, 2] },
  { fact: 'variables are positional', text: 'key + string(timeMs) + string(nowMs)', gives: 'k10002000' },
  {
    fact: 'null equals null only',
    text: '[event.a == null, event.b == null, null == event.a]',
    event: { a: null, b: 0 },
    gives: [true, false, true],
  },
  { fact: 'a missing field is null to == null', text: 'event.x == null && event.x.y == null && event["x y"] == null', gives: true },
  {
    fact: 'has() is false for null and for missing',
    text: '[has(event.a), has(event.b), has(event.c), has(event.c.d)]',
    event: { a: 1, b: null },
    gives: [true, false, false, false],
  },
  { fact: 'a null field reads as null', text: 'event.x', event: { x: null }, gives: null },
  {
    fact: 'fields may be named like anything',
    text: '[event.at, event.size, event.length, event.map, event["a b"]]',
    event: { at: 1, size: 2, length: 3, map: 4, 'a b': 5 },
    gives: [1, 2, 3, 4, 5],
  },
  { fact: 'constructor is a field only if the event has it', text: 'event.constructor', event: { constructor: 'Boeing' }, gives: 'Boeing' },
  {
    fact: 'an object is a map, whatever its fields are named',
    text: '[type(event) == map, type(event.a) == map, type(event) == type({"b": 1}), type(event.constructor) == string]',
    event: { constructor: 'Boeing', a: { constructor: 1 } },
    gives: [true, true, true, true],
  },
  {
    fact: 'the prototype is not read',
    text: 'event.__proto__ == null && event.constructor == null && event["toString"] == null',
    gives: true,
  },
  { fact: 'unlike kinds differ, without an error', text: 'event.x == 1', event: { x: '1' }, gives: false },
  {
    fact: 'lists and objects are equal by value',
    text: 'event.x == {"a": [1, {"b": null}]}',
    event: { x: { a: [1, { b: null }] } },
    gives: true,
  },
  { fact: '&& forgives an error when the other side decides', text: 'event.x > 1 && false', gives: false },
  { fact: '|| forgives an error when the other side decides', text: 'event.x > 1 || true', gives: true },
  {
    fact: 'the branches of a ternary may differ',
    text: 'event.x == null ? null : event.x.model',
    event: { x: { model: 'A320' } },
    gives: 'A320',
  },
  { fact: 'an object has its fields in order', text: 'event', event: { b: 1, a: 2 }, gives: { b: 1, a: 2 } },
  {
    fact: 'map, filter, exists, all, exists_one',
    text: '[event.l.map(x, x * 2), event.l.filter(x, x > 1), event.l.exists(x, x == 2), event.l.all(x, x > 0), event.l.exists_one(x, x > 1)]',
    event: { l: [1, 2] },
    gives: [[2, 4], [2], true, true, true],
  },
  { fact: 'map with a filter', text: 'event.l.map(x, x > 1, x * 10)', event: { l: [1, 2, 3] }, gives: [20, 30] },
  { fact: 'comprehensions nest and shadow', text: '[1, 2].map(x, [3].map(y, x + y).map(x, x * 10))', gives: [[40], [50]] },
  {
    fact: 'exists forgives errors of items when another decides',
    text: 'event.l.exists(x, x.y > 2)',
    event: { l: [{}, { y: 3 }] },
    gives: true,
  },
  {
    fact: 'a comprehension over an object goes over its field names',
    text: 'event.map(name, name)',
    event: { a: 1, b: 2 },
    gives: ['a', 'b'],
  },
  { fact: 'cel.bind names a value', text: 'cel.bind(x, event.a + 1, x * x)', event: { a: 2 }, gives: 9 },
  {
    fact: 'sum adds the numbers of a list; ints stay exact',
    text: '[event.l.sum(), [1, 2].sum(), [].sum(), [event.b, 2].sum()]',
    event: { l: [1, 2.5], b: 9007199254740993n },
    gives: [3.5, 3, 0, 9007199254740995n],
  },
  {
    fact: 'size counts code points, items and fields',
    text: '[size("a😀"), "abc".size(), size(event.l), size(event)]',
    event: { l: [1, 2] },
    gives: [2, 3, 2, 1],
  },
  { fact: 'a whole double goes where an int is wanted', text: 'event.s.substring(1, event.n)', event: { s: 'hello', n: 3 }, gives: 'el' },
  { fact: 'a timestamp becomes ms', text: 'timestamp("2013-01-31T12:00:00Z")', gives: AT_NOON },
  {
    fact: 'numbers mix with timestamps and durations as ms',
    text: '[event.at + duration("1h"), event.at - duration("1s"), event.at - timestamp("2013-01-31T11:00:00Z")]',
    event: { at: AT_NOON },
    gives: [AT_NOON + 3_600_000, AT_NOON - 1_000, 3_600_000],
  },
  {
    fact: 'numbers compare with timestamps and durations as ms',
    text: 'event.at > timestamp("2013-01-31T11:00:00Z") && event.at - event.at < duration("1s") && event.at == timestamp("2013-01-31T12:00:00Z")',
    event: { at: AT_NOON },
    gives: true,
  },
  {
    fact: 'CEL arithmetic of timestamps and durations',
    text: 'timestamp("2013-01-31T12:00:00Z") - duration("90m") == timestamp("2013-01-31T10:30:00Z")',
    gives: true,
  },
  { fact: 'a duration becomes ms', text: 'duration("1.5s")', gives: 1_500 },
  {
    fact: 'accessors of time take ms numbers',
    text: '[event.at.getHours(), event.at.getDayOfWeek(), event.at.getMonth(), event.at.getDate(), event.at.getDayOfYear()]',
    event: { at: AT_NOON },
    gives: [12, 4, 0, 31, 30],
  },
  {
    fact: 'accessors take a zone',
    text: '[event.at.getHours("America/New_York"), event.at.getHours("+05:30"), event.at.getMinutes("+05:30")]',
    event: { at: AT_NOON },
    gives: [7, 17, 30],
  },
  {
    fact: 'timestamp(double) is ms, timestamp(int) seconds',
    text: 'timestamp(event.at) == timestamp(1359633600)',
    event: { at: AT_NOON },
    gives: true,
  },
  { fact: 'a timestamp prints', text: 'string(timestamp(event.at))', event: { at: AT_NOON }, gives: '2013-01-31T12:00:00.000Z' },
  { fact: 'types are values', text: '[type(event.x) == double, type(1) == int, type("")]', event: { x: 1 }, gives: [true, true, 'string'] },
  {
    fact: 'extract gives the first match, or a group of it',
    text: '[event.s.extract("[0-9]+"), event.s.extract("^([A-Z])([0-9]+)", 2), event.s.extract("x"), event.s.extract("(x)|N", 1)]',
    event: { s: 'N123AB' },
    gives: ['123', '123', null, null],
  },
  { fact: 'extract with a group that an event names', text: 'event.s.extract("(a)(b)", event.n)', event: { s: 'ab', n: 2 }, gives: 'b' },
  { fact: 'matches searches', text: 'event.s.matches("^N[0-9]+[A-Z]*$")', event: { s: 'N123AB' }, gives: true },
  { fact: 'bytes stay bytes', text: 'b"ab"', gives: new Uint8Array([97, 98]) },
  { fact: 'a key of an object may be computed', text: '{event.k: 1}', event: { k: 'name' }, gives: { name: 1 } },
])('$fact: $text', ({ text, event, gives }) => {
  expect(evaluate(text, event)).toEqual(gives);
});

test.each<{ fact: string; text: string; event?: unknown; says: string }>([
  {
    fact: 'a missing field names those that are there',
    text: 'event.carier',
    event: { carrier: 'UA', flight: 1 },
    says: 'event has no field carier (did you mean carrier?); it has carrier, flight',
  },
  {
    fact: 'a field of null says so',
    text: 'event.plane.model',
    event: { plane: null },
    says: 'event.plane.model: event.plane is null, it has no field model; test for null first',
  },
  {
    fact: 'arithmetic with null names the values',
    text: 'event.d * 60000',
    event: { d: null },
    says: 'event.d * 60000: cannot multiply null and 60000; test for null first',
  },
  {
    fact: 'text and number do not add',
    text: 'event.a + event.b',
    event: { a: 'UA', b: 1 },
    says: 'event.a + event.b: cannot add "UA" and 1',
  },
  { fact: 'text and number have no order', text: 'event.a < 5', event: { a: 'x' }, says: 'event.a < 5: cannot compare "x" and 5' },
  { fact: 'division by zero', text: 'event.a / event.b', event: { a: 1, b: 0 }, says: 'event.a / event.b: division by zero (1 and 0)' },
  { fact: 'division by a constant zero', text: 'event.a / 0', event: { a: 1 }, says: 'event.a / 0: division by zero (1 and 0)' },
  { fact: 'remainder of zero', text: 'event.a % 0', event: { a: 1 }, says: 'event.a % 0: modulo by zero (1 and 0)' },
  {
    fact: 'a double that leaves its range',
    text: 'event.a * 10',
    event: { a: 1e308 },
    says: 'event.a * 10: the result is too large for a number (1e+308 and 10)',
  },
  {
    fact: 'an int that leaves its range',
    text: '9223372036854775807 + 1',
    says: '9223372036854775807 + 1: the result is too large for a 64-bit int (9223372036854775807 and 1)',
  },
  {
    fact: 'beyond 64 bits beside a whole number of the event',
    text: 'event.x + event.y',
    event: { x: 9_223_372_036_854_775_807n, y: 1 },
    says: 'event.x + event.y: the result is too large for a 64-bit int (9223372036854775807 and 1)',
  },
  { fact: 'int() of too much', text: 'int(event.a)', event: { a: 1e300 }, says: 'int(event.a): 1e+300 does not fit a 64-bit int' },
  { fact: 'a condition that is no bool', text: 'event.a ? 1 : 2', event: { a: 1 }, says: 'event.a: must be true or false, found 1' },
  {
    fact: 'an index outside the list',
    text: 'event.l[2]',
    event: { l: [1] },
    says: 'event.l[2]: index 2 is outside the list, which has 1 items',
  },
  {
    fact: 'a function without a variant for the value',
    text: 'event.a.startsWith("x")',
    event: { a: 5 },
    says: 'event.a.startsWith("x"): there is no startsWith("x") of 5',
  },
  {
    fact: 'a sum of what is no number',
    text: 'event.l.sum()',
    event: { l: [1, 'two'] },
    says: 'event.l.sum(): sum() adds numbers, found "two" in the list',
  },
  {
    fact: 'a group that the pattern does not have',
    text: 'event.s.extract("(a)", event.n)',
    event: { s: 'a', n: 3 },
    says: 'event.s.extract("(a)", event.n): the pattern has the groups 0 (the whole match) to 1, found 3',
  },
  {
    fact: 'a match in no text',
    text: 'event.s.extract("a")',
    event: { s: 5 },
    says: 'event.s.extract("a"): there is no extract("a", 0) of 5',
  },
  { fact: 'a sum of no list', text: 'event.l.sum()', event: { l: 5 }, says: 'event.l.sum(): sum() is of a list, found 5' },
  { fact: 'a function on null', text: 'size(event.a)', event: { a: null }, says: 'size(event.a): null has no size; test for null first' },
  {
    fact: 'a time without a zone',
    text: 'timestamp(event.a)',
    event: { a: '2013-01-31T12:00:00' },
    says: 'timestamp(event.a): "2013-01-31T12:00:00" is no time such as "2013-01-31T12:00:00Z"',
  },
  {
    fact: 'seconds and ms mixed up',
    text: 'timestamp(int(event.a))',
    event: { a: AT_NOON },
    says: 'timestamp(int(event.a)): 1359633600000 seconds is outside the years 1 to 9999',
  },
  {
    fact: 'a number that is no text',
    text: 'double(event.a)',
    event: { a: 'abc' },
    says: 'double(event.a): double() type error: cannot convert to double',
  },
  { fact: 'an unknown zone', text: 'event.a.getHours("Mars/Base")', event: { a: 0 }, says: 'unknown time zone "Mars/Base"' },
  {
    fact: '__proto__ as a computed key',
    text: '{event.k: 1}',
    event: { k: '__proto__' },
    says: '{event.k: 1}: __proto__ cannot be a field',
  },
  { fact: 'a double key', text: '{event.k: 1, "a": 2}', event: { k: 'a' }, says: '{event.k: 1, "a": 2}: the key a is there twice' },
])('$fact: $text', ({ text, event, says }) => {
  expect(() => evaluate(text, event)).toThrow(new ExpressionError(says));
});

test.each([
  { text: 'event.x +', says: /syntax at 1:10: unexpected token: EOF/ },
  { text: 'evnt.x', says: /unknown name evnt; did you mean event\?/ },
  { text: 'event.x.startWith("a")', says: /unknown function startWith\(\); did you mean startsWith\(\)\?/ },
  { text: 'startsWith(event.x, "a")', says: /startsWith\(\) is a method: write x\.startsWith/ },
  { text: 'event.x.substring()', says: /substring\(\) takes 1 or 2 arguments, found 0/ },
  { text: 'event.x.extract("(")', says: /the pattern "\(" is wrong: a \( without its \)/ },
  { text: 'event.x.extract("(a)", 2)', says: /the pattern has the groups 0 \(the whole match\) to 1, found 2/ },
  { text: 'event.x.matches("(")', says: /the pattern "\(" is wrong: a \( without its \)/ },
  { text: 'event.x < duration("1 hour")', says: /Invalid duration string/i },
  { text: '{"__proto__": 1}', says: /__proto__ cannot be a field/ },
  { text: `${'('.repeat(200)}1${')'.repeat(200)}`, says: /maxDepth/ },
  { text: `${'!'.repeat(3_000)}true`, says: /nested more than 400 deep/ },
])('$text is refused when it is compiled', ({ text, says }) => {
  expect(() => compileCode(text, ['event'])).toThrow(says);
});

test('an evaluation that would loop too long is an error', () => {
  const list = Array.from({ length: 2_000 }, (_, i) => i);
  expect(() => evaluate('event.l.all(x, event.l.all(y, x + y >= 0))', { l: list })).toThrow(/more than 1000000 values/);
  expect(evaluate('event.l.all(x, x >= 0)', { l: list })).toBe(true);
});

test('a result that unfolds to too much is an error', () => {
  let text = '[1, 2, 3, 4, 5, 6, 7, 8]';
  for (let i = 0; i < 20; i++) text = `cel.bind(x${i}, ${text}, [x${i}, x${i}, x${i}, x${i}])`;
  expect(() => evaluate(text)).toThrow(/more than 1000000 values/);
});

test('a text that grows too long is an error', () => {
  let text = 'event.s';
  for (let i = 0; i < 12; i++) text = `cel.bind(x${i}, ${text}, x${i} + x${i})`;
  expect(() => evaluate(text, { s: 'x'.repeat(4_096) })).toThrow(/more than 4194304/);
});

test('fields make an object in their order', () => {
  const make = compileFields({ b: 'event.x + 1', a: "'text'", c: (event: { x: number }) => event.x * 2 }, ['event']);
  expect(Object.entries(make({ x: 1 }))).toEqual([
    ['b', 2],
    ['a', 'text'],
    ['c', 2],
  ]);
  expect(Object.entries(make({ x: 5 }))).toEqual([
    ['b', 6],
    ['a', 'text'],
    ['c', 10],
  ]);
});

test('one code for fields must give an object', () => {
  expect(compileFields('{"a": event.x}', ['event'])({ x: 1 })).toEqual({ a: 1 });
  expect(() => compileFields('event.x', ['event'])({ x: 1 })).toThrow('event.x: must be an object, found 1');
});

test('mistakes in fields name the field', () => {
  expect(() => compileFields({ a: 'evnt.x', b: 'event.' }, ['event'])).toThrow(/a: unknown name evnt[\s\S]*b: syntax/);
});

test('a predicate must give a bool', () => {
  expect(compilePredicate('event.x > 1', ['event'])({ x: 2 })).toBe(true);
  expect(() => compilePredicate('event.x', ['event'])({ x: 2 })).toThrow('event.x: must be true or false, found 2');
});

test('functions of a builder get the same positional arguments, and their results become plain', () => {
  const code = compileCode(
    (event: { x: number }, key: string) => ({ at: new Date(event.x), key, n: 5n, m: new Map([['a', 1]]) }),
    ['event', 'key'],
  );
  expect(code({ x: 7 }, 'k')).toEqual({ at: 7, key: 'k', n: 5, m: { a: 1 } });
});

const circle: { self?: unknown } = {};
circle.self = circle;
test.each([
  { fact: 'a function', gives: { call: () => 1 }, says: 'the result has a function in it, which is no data' },
  { fact: 'a symbol', gives: [Symbol('s')], says: 'the result has a symbol in it, which is no data' },
  { fact: 'an invalid date, which would be written as null', gives: { at: new Date(NaN) }, says: 'the result has an invalid Date in it' },
  { fact: 'itself', gives: circle, says: 'the result holds itself, or is nested deeper than 512' },
  { fact: 'a promise, which would be {}', gives: { answer: Promise.resolve(1) }, says: 'the result has an instance of Promise in it' },
  { fact: 'an error, which would be {}', gives: [new Error('x')], says: 'the result has an instance of Error in it' },
  { fact: 'a text pattern, which would be {}', gives: /x/, says: 'the result has an instance of RegExp in it' },
  { fact: 'an array of numbers that would be an object', gives: new Float64Array(1), says: 'the result has a Float64Array in it' },
])('what a function gives is refused when it has in it $fact', ({ gives, says }) => {
  expect(() => compileCode(() => gives, ['event'])({})).toThrow(says);
});

test('a promise is refused, and one that is rejected is not left to end the process', () => {
  const rejected = (): Promise<never> => Promise.reject(new Error('unheard'));
  expect(() => compileCode(rejected, ['event'])({})).toThrow('it gave a promise; transforms are synchronous');
  expect(() => compileCode(() => [rejected()], ['event'])({})).toThrow('the result has an instance of Promise in it');
});

test.each([
  { fact: 'a big int that is safe becomes a number, any other stays', gives: [5n, 2n ** 70n], becomes: [5, 2n ** 70n] },
  { fact: 'NaN, infinities and -0 stay', gives: [NaN, Infinity, -0], becomes: [NaN, Infinity, -0] },
  { fact: 'a date becomes ms', gives: { at: new Date(5) }, becomes: { at: 5 } },
  { fact: 'a Map becomes an object, a Set a list', gives: [new Map([['a', 1n]]), new Set([1])], becomes: [{ a: 1 }, [1]] },
  { fact: 'undefined is null, its field none', gives: [undefined, { a: undefined }], becomes: [null, { a: undefined }] },
  { fact: 'a text that is broken UTF-16 stays', gives: 'a\ud800b', becomes: 'a\ud800b' },
  {
    fact: 'a field __proto__ is a field',
    gives: JSON.parse('{"__proto__":1}') as unknown,
    becomes: JSON.parse('{"__proto__":1}') as unknown,
  },
])('of what a function gives $fact', ({ gives, becomes }) => {
  expect(compileCode(() => gives, ['event'])({})).toStrictEqual(becomes);
});

test('more than four variables work, in texts and functions', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  expect(compileCode('[a, b, c, d, e, f].map(x, x + f)', names)(1, 2, 3, 4, 5, 6)).toEqual([7, 8, 9, 10, 11, 12]);
  expect(compileCode((...args: number[]) => args.length, names)(1, 2, 3, 4, 5, 6)).toBe(6);
});

test('events are never changed, and constants are shared safely', () => {
  const event = Object.freeze({ l: Object.freeze([1, 2]), o: Object.freeze({ a: 1 }) });
  expect(evaluate('[event.l + [3], event.o, [1, 2]]', event)).toEqual([[1, 2, 3], { a: 1 }, [1, 2]]);
});
