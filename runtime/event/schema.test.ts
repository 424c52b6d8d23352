import { describe, expect, test } from 'vitest';
import type { EventSchemaSpec } from '../../crds/stream-job/events.ts';
import { parseIsoTime } from './codec/iso-time.ts';
import { decodeJsonText } from './codec/json.ts';
import { compileSchema, type RawEvent } from './schema.ts';

function fromText(schema: EventSchemaSpec, raw: RawEvent): unknown {
  return compileSchema(schema, 'text')({ ...raw });
}

function fromJson(schema: EventSchemaSpec, text: string): unknown {
  const decoded = decodeJsonText(text);
  return 'issue' in decoded ? decoded : compileSchema(schema, 'json')(decoded.value as RawEvent);
}

const nullable = <T extends string>(type: T) => ({ type, nullable: true }) as const;

describe('texts become what the schema says', () => {
  test.each([
    { fact: 'a whole number', type: 'int', text: '517', gives: 517 },
    { fact: 'a negative one', type: 'int', text: '-11', gives: -11 },
    { fact: 'leading zeros are digits', type: 'int', text: '0007', gives: 7 },
    { fact: 'the largest safe integer stays a number', type: 'int', text: '9007199254740991', gives: 9007199254740991 },
    { fact: 'an integer beyond 2^53 stays exact', type: 'int', text: '9007199254740993', gives: 9007199254740993n },
    { fact: 'a negative one too', type: 'int', text: '-90071992547409931', gives: -90071992547409931n },
    { fact: 'a double', type: 'double', text: '-1.5e3', gives: -1500 },
    { fact: 'a double without a leading digit', type: 'double', text: '.5', gives: 0.5 },
    { fact: 'a long double', type: 'double', text: '0.12345678901234567', gives: 0.12345678901234567 },
    { fact: 'true', type: 'bool', text: 'true', gives: true },
    { fact: 'FALSE as R writes it', type: 'bool', text: 'FALSE', gives: false },
    { fact: 'an ISO time', type: 'timestamp', text: '2013-01-01T10:00:00Z', gives: 1357034400000 },
    { fact: 'ms since the epoch', type: 'timestamp', text: '1357034400000', gives: 1357034400000 },
    { fact: 'a text stays as it is', type: 'string', text: ' N14228 ', gives: ' N14228 ' },
    { fact: 'an empty text is a text', type: 'string', text: '', gives: '' },
  ] as const)('$fact', ({ type, text, gives }) => {
    expect(fromText({ x: type }, { x: text })).toEqual({ value: { x: gives } });
  });

  test.each([
    { fact: 'a word is no whole number', type: 'int', text: 'abc', issue: 'x: found "abc", expected a whole number' },
    { fact: 'a fraction is no whole number', type: 'int', text: '5.0', issue: 'x: found "5.0", expected a whole number' },
    { fact: 'blanks are not trimmed', type: 'int', text: ' 5', issue: 'x: found " 5", expected a whole number' },
    { fact: 'a lone sign is no number', type: 'int', text: '-', issue: 'x: found "-", expected a whole number' },
    { fact: 'an empty text is no number', type: 'int', text: '', issue: 'x: found "", expected a whole number' },
    { fact: 'hexadecimal is no double', type: 'double', text: '0x10', issue: 'x: found "0x10", expected a number' },
    { fact: 'NaN is no double', type: 'double', text: 'NaN', issue: 'x: found "NaN", expected a number' },
    { fact: 'a double out of range is refused', type: 'double', text: '1e999', issue: 'x: found "1e999", expected a number' },
    { fact: '1 is no bool', type: 'bool', text: '1', issue: 'x: found "1", expected true or false' },
    {
      fact: '31 February does not exist',
      type: 'timestamp',
      text: '2013-02-31T00:00:00Z',
      issue: 'x: found "2013-02-31T00:00:00Z", expected a time (ISO 8601, or whole ms since 1970)',
    },
    {
      fact: 'a long value is cut',
      type: 'int',
      text: 'y'.repeat(500),
      issue: `x: found "${'y'.repeat(64)}"… (500 characters), expected a whole number`,
    },
  ] as const)('$fact', ({ type, text, issue }) => {
    expect(fromText({ x: type }, { x: text })).toEqual({ issues: [issue] });
  });

  test('a number of a million digits is refused at once', () => {
    const began = performance.now();
    expect(fromText({ x: 'int' }, { x: '9'.repeat(1_000_000) })).toHaveProperty('issues.length', 1);
    expect(performance.now() - began).toBeLessThan(30_000); // seconds, where the square of its length would take minutes
  });
});

const inherited = { constructor: 'any', toString: nullable('any') } as unknown as EventSchemaSpec;

describe('JSON values are held to their types', () => {
  test.each<{ fact: string; schema: EventSchemaSpec; text: string; gives: unknown }>([
    { fact: 'a text is no int', schema: { x: 'int' }, text: '{"x":"517"}', gives: { issues: ['x: found "517", expected a whole number'] } },
    { fact: 'a fraction is no int', schema: { x: 'int' }, text: '{"x":1.5}', gives: { issues: ['x: found 1.5, expected a whole number'] } },
    {
      fact: 'an int beyond 2^53 stays exact',
      schema: { x: 'int' },
      text: '{"x":9007199254740993}',
      gives: { value: { x: 9007199254740993n } },
    },
    {
      fact: 'so does one of a field that is not named',
      schema: {},
      text: '{"deep":[{"y":-90071992547409931}]}',
      gives: { value: { deep: [{ y: -90071992547409931n }] } },
    },
    {
      fact: 'digits within a text are a text',
      schema: {},
      text: '{"card":"4111111111111111111"}',
      gives: { value: { card: '4111111111111111111' } },
    },
    {
      fact: 'a double of many digits stays a double',
      schema: { x: 'double' },
      text: '{"x":0.1234567890123456789}',
      gives: { value: { x: 0.12345678901234568 } },
    },
    {
      fact: 'a double field takes a long whole number as a double',
      schema: { x: 'double' },
      text: '{"x":12345678901234567890}',
      gives: { value: { x: 12345678901234567000 } },
    },
    {
      fact: 'an infinite double is refused',
      schema: { x: 'double' },
      text: '{"x":1e999}',
      gives: { issue: 'the number 1e999 is beyond what a number can be (about 1.8e308)' },
    },
    {
      fact: 'an infinite double is refused, with all its digits too',
      schema: { x: 'double' },
      text: `{"x":${'9'.repeat(400)}}`,
      gives: { issues: [`x: found ${'9'.repeat(400)}, expected a number`] },
    },
    { fact: 'a bool is true or false', schema: { x: 'bool' }, text: '{"x":1}', gives: { issues: ['x: found 1, expected true or false'] } },
    { fact: 'a time may be a text', schema: { x: 'timestamp' }, text: '{"x":"1970-01-01T00:00:01.5Z"}', gives: { value: { x: 1500 } } },
    { fact: 'a time may be ms', schema: { x: 'timestamp' }, text: '{"x":1500}', gives: { value: { x: 1500 } } },
    {
      fact: 'a time has whole ms',
      schema: { x: 'timestamp' },
      text: '{"x":1500.5}',
      gives: { issues: ['x: found 1500.5, expected a time (ISO 8601, or whole ms since 1970)'] },
    },
    { fact: 'any takes anything that is there', schema: { x: 'any' }, text: '{"x":[1]}', gives: { value: { x: [1] } } },
    { fact: 'a missing nullable field becomes null', schema: { x: nullable('int') }, text: '{}', gives: { value: { x: null } } },
    {
      fact: 'a missing field is an issue',
      schema: { x: 'int' },
      text: '{}',
      gives: { issues: ['x: found nothing, expected a whole number'] },
    },
    {
      fact: 'null is an issue where it is not allowed',
      schema: { x: 'string' },
      text: '{"x":null}',
      gives: { issues: ['x: found null, expected a text'] },
    },
    {
      fact: 'a list is shown by its length',
      schema: { x: 'string' },
      text: '{"x":[1,2]}',
      gives: { issues: ['x: found a list of 2, expected a text'] },
    },
    {
      fact: 'fields that are not named stay as they are',
      schema: { x: 'int' },
      text: '{"y":"z","x":1}',
      gives: { value: { y: 'z', x: 1 } },
    },
    {
      fact: 'all issues come at once',
      schema: { a: 'int', b: 'bool', c: nullable('string') },
      text: '{"a":"1","b":null,"c":3}',
      gives: {
        issues: ['a: found "1", expected a whole number', 'b: found null, expected true or false', 'c: found 3, expected a text or null'],
      },
    },
    {
      fact: 'an inherited name is not there',
      schema: inherited,
      text: '{}',
      gives: { issues: ['constructor: found nothing, expected a value'] },
    },
  ])('$fact', ({ schema, text, gives }) => {
    expect(fromJson(schema, text)).toEqual(gives);
  });

  test('__proto__ is a field like others and changes no prototype', () => {
    const schema = JSON.parse('{"__proto__": {"type": "timestamp", "nullable": true}}') as EventSchemaSpec;
    const result = compileSchema(schema, 'json')(JSON.parse('{"__proto__":"1970-01-01T00:00:01Z"}') as RawEvent) as { value: RawEvent };
    expect(Object.getPrototypeOf(result.value)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(result.value, '__proto__')?.value).toBe(1000);
    const missing = compileSchema(schema, 'json')({}) as { value: RawEvent };
    expect(Object.getPrototypeOf(missing.value)).toBe(Object.prototype);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('nulls of text columns', () => {
  test('an empty text in a nullable column of numbers is null', () => {
    expect(fromText({ x: nullable('int'), y: nullable('timestamp') }, { x: '', y: '' })).toEqual({ value: { x: null, y: null } });
  });
  test('an empty text in a nullable column of texts is that text', () => {
    expect(fromText({ x: nullable('string') }, { x: '' })).toEqual({ value: { x: '' } });
  });
});

describe('ISO times', () => {
  test.each([
    ['2013-01-01', Date.UTC(2013, 0, 1)],
    ['2013-01-01T10:00', Date.UTC(2013, 0, 1, 10)],
    ['2013-01-01 10:00:01', Date.UTC(2013, 0, 1, 10, 0, 1)],
    ['2013-01-01T10:00:00.123456789Z', Date.UTC(2013, 0, 1, 10, 0, 0, 123)],
    ['2013-01-01T10:00:00+02:00', Date.UTC(2013, 0, 1, 8)],
    ['2013-01-01T10:00:00-0530', Date.UTC(2013, 0, 1, 15, 30)],
    ['2012-02-29T24:00:00Z', Date.UTC(2012, 2, 1)],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
    ['0001-01-01T00:00:00Z', -62135596800000],
    ['2013-01-01T10:0a:00Z', null],
    ['2013-13-01T10:00:00Z', null],
    ['2013-01-01T25:00:00Z', null],
    ['2013-01-01T10:60:00Z', null],
    ['2013-01-01T10:00:00+24:00', null],
    ['Jan 1 2013', null],
    ['', null],
  ])('%s', (text, ms) => {
    expect(parseIsoTime(text)).toBe(ms);
  });
});

describe('JSON texts', () => {
  test('a long whole number is seen wherever it stands', () => {
    for (let before = 0; before < 40; before++) {
      for (const digits of ['9007199254740993', '-90071992547409931']) {
        const text = `{"${'a'.repeat(before)}":${digits}}`;
        expect(decodeJsonText(text)).toEqual({ value: { ['a'.repeat(before)]: BigInt(digits) } });
      }
    }
    expect(decodeJsonText('9007199254740993')).toEqual({ value: 9007199254740993n });
    expect(decodeJsonText('[0.9007199254740993,9007199254740993.5,9007199254740993e1]')).toEqual({
      value: [0.9007199254740993, 9007199254740993.5, 90071992547409930],
    });
  });
  test.each(['1e400', '-1e400', `1${'0'.repeat(400)}.5`])('a number beyond what a double holds is refused: %s', (text) => {
    const issue = `the number ${text.length > 32 ? `${text.slice(0, 32)}…` : text} is beyond what a number can be (about 1.8e308)`;
    for (const whole of [text, `[${text}]`, `{"a":[{"__proto__":${text}}]}`]) expect(decodeJsonText(whole)).toEqual({ issue });
    expect(decodeJsonText(`["${text}",1.7e308,1e-400]`)).toEqual({ value: [text, 1.7e308, 0] });
  });
  test('nesting is bounded, brackets within texts do not count', () => {
    expect(decodeJsonText('['.repeat(300) + ']'.repeat(300))).toEqual({ issue: 'nested deeper than 256 levels' });
    expect(decodeJsonText(JSON.stringify({ a: '['.repeat(5000) }))).toHaveProperty('value');
    expect(decodeJsonText(`{"a":"${']'.repeat(600)}","b":${'['.repeat(300)}${']'.repeat(300)}}`)).toHaveProperty('issue');
  });
  test('a fraction of a million digits costs no more than its length', () => {
    const began = performance.now();
    expect(decodeJsonText(`[0.${'7'.repeat(1_000_000)}]`)).toEqual({ value: [0.7777777777777778] });
    expect(performance.now() - began).toBeLessThan(30_000); // seconds, where the square of its length would take minutes
  });
  test('a number of a hundred thousand digits is refused', () => {
    expect(decodeJsonText(`[${'7'.repeat(100_000)}]`)).toEqual({ issue: 'a number of 100000 digits, at most 1024 are taken' });
  });
});
