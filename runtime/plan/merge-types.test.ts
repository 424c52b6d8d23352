import { expect, test } from 'vitest';
import { describeType, DYN, type EventType, listType, NUMBER, objectType, scalarType, STRING } from '../expression/event-type.ts';
import { mergeTypes } from './merge-types.ts';

const a = objectType({ kind: STRING, size: scalarType('int') });
const b = objectType({ kind: STRING, size: NUMBER, why: STRING });

test.each<{ fact: string; types: readonly EventType[]; merged: EventType }>([
  { fact: 'of nothing nothing is known', types: [], merged: DYN },
  { fact: 'one type stays', types: [a], merged: a },
  {
    fact: 'kinds of numbers become a double',
    types: [scalarType('int'), scalarType('timestamp', true)],
    merged: scalarType('double', true),
  },
  { fact: 'a number or a text is anything', types: [NUMBER, STRING], merged: DYN },
  { fact: 'what is not known stays so', types: [a, DYN, b], merged: DYN },
  {
    fact: 'a field that only some have may be null',
    types: [a, b],
    merged: objectType({ kind: STRING, size: NUMBER, why: scalarType('string', true) }),
  },
  {
    fact: 'a field that only some have stays open where one is open',
    types: [a, objectType({}, true)],
    merged: objectType({ kind: scalarType('string', true), size: scalarType('int', true) }, true),
  },
  { fact: 'lists merge what is in them', types: [listType(NUMBER), listType(STRING)], merged: listType(DYN) },
])('$fact', ({ types, merged }) => {
  expect(mergeTypes(types)).toEqual(merged);
  expect(describeType(mergeTypes(types.toReversed()))).toBe(describeType(merged));
});
