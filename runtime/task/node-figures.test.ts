import { expect, test } from 'vitest';
import { mergeNodeFigures } from './node-figures.ts';

test('counts of tasks and workers add up, by state, transition and window', () => {
  const merged = mergeNodeFigures([
    {
      door: { kind: 'actors', states: { a: 1, b: 2 }, transitions: [['a', 'go', 'b', 3]] },
      hour: { kind: 'windows', open: 2, results: 5, spans: [[0, 10, 2]] },
    },
    {
      door: {
        kind: 'actors',
        states: { b: 4 },
        transitions: [
          ['a', 'go', 'b', 1],
          ['b', 'go', 'a', 1],
        ],
      },
    },
    {
      hour: {
        kind: 'windows',
        open: 3,
        results: 1,
        spans: [
          [0, 10, 1],
          [10, 20, 2],
        ],
      },
    },
  ]);
  expect(merged).toEqual({
    door: {
      kind: 'actors',
      states: { b: 6, a: 1 },
      transitions: [
        ['a', 'go', 'b', 4],
        ['b', 'go', 'a', 1],
      ],
    },
    hour: {
      kind: 'windows',
      open: 5,
      results: 6,
      spans: [
        [0, 10, 3],
        [10, 20, 2],
      ],
    },
  });
});

test('what is told has an end', () => {
  const states = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`s${at}`, at + 1]));
  const transitions = Array.from({ length: 500 }, (_, at) => [`s${at}`, 'go', 'x', at] as const);
  const { door } = mergeNodeFigures([{ door: { kind: 'actors', states, transitions } }]);
  expect(door?.kind === 'actors' && [Object.keys(door.states).length, door.transitions.length, door.states['s499']]).toEqual([
    64, 128, 500,
  ]);
});
