import { describe, expect, test } from 'vitest';
import { clip, inkFor, shownLength, wantsColor } from './ink.ts';

const ink = inkFor(true);

test('without colour, text stays as it is', () => {
  const plain = inkFor(false);
  expect([plain.bold('a'), plain.red('b'), plain.worker(3)('c')]).toEqual(['a', 'b', 'c']);
});

test('colours take no room', () => expect(shownLength(`${ink.bold(ink.red('abc'))} ${ink.worker(1)('0')}`)).toBe(5));

test('workers next to each other have different colours', () =>
  expect(new Set([0, 1, 2, 3, 4, 5, 6, 7].map((place) => ink.worker(place)('x'))).size).toBe(8));

describe('clipping', () => {
  test('what fits is left alone', () => expect(clip(ink.red('abc'), 3)).toBe(ink.red('abc')));
  test('what does not ends in an ellipsis and closes its colour', () => expect(clip(`a${ink.red('bcd')}e`, 3)).toBe(`a${ink.red('b…')}`));
  test('a colour that begins behind the cut shows nothing', () => expect(shownLength(clip(`abc${ink.red('def')}`, 3))).toBe(3));
});

describe('who gets colours', () => {
  const terminal = { isTTY: true, hasColors: () => true };
  test.each([
    { fact: 'a terminal', stream: terminal, environment: {}, is: true },
    { fact: 'an empty NO_COLOR means nothing', stream: terminal, environment: { NO_COLOR: '' }, is: true },
    { fact: 'not who says NO_COLOR', stream: terminal, environment: { NO_COLOR: '1' }, is: false },
    { fact: 'not a terminal that knows none', stream: { isTTY: true, hasColors: () => false }, environment: {}, is: false },
    { fact: 'not a file or a pipe', stream: {}, environment: {}, is: false },
  ])('$fact', ({ stream, environment, is }) => expect(wantsColor(stream, environment)).toBe(is));
});
