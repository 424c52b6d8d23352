import { expect, test } from 'vitest';
import type { DeclaredEdge, DeclaredStage } from '../api.ts';
import { BOXES_MAX, collapse, heatOf, opening, OPENED_MAX } from './collapse.ts';
import { layOut, type Point } from './layout.ts';

type Rectangle = Point & { readonly width: number; readonly height: number };

/** A source, `wide` stages behind it, and a sink behind each. */
function job(wide: number): { stages: DeclaredStage[]; edges: DeclaredEdge[] } {
  const stage = (id: string, kind: DeclaredStage['kind']): DeclaredStage => ({
    id,
    kind,
    partitionCount: 1,
    nodes: [],
    about: null,
    isDeadLetters: false,
    pool: null,
  });
  const names = Array.from({ length: wide }, (_, at) => at);
  const edge = (index: number, from: string, to: string): DeclaredEdge => ({ index, from, to, label: to, partitioning: 'key' });
  return {
    stages: [stage('in', 'source'), ...names.map((at) => stage(`s${at}`, 'keyed')), ...names.map((at) => stage(`out${at}`, 'sink'))],
    edges: names.flatMap((at) => [edge(2 * at, 'in', `s${at}`), edge(2 * at + 1, `s${at}`, `out${at}`)]),
  };
}

test('a small job has a box for each stage', () => {
  const { stages, edges } = job(10);
  expect(collapse(stages, edges, new Set()).shown).toHaveLength(21);
});

test('of 501 stages there are few boxes: groups of the same size that open into columns to be read, and ways that carry all', () => {
  const { stages, edges } = job(250);
  const { shown, edges: ways } = collapse(stages, edges, new Set());
  const sizes = shown.slice(1).map((one) => (one.kind === 'group' ? one.stages.length : 1));
  expect(sizes).toEqual([...new Array<number>(14).fill(17), 12, ...new Array<number>(14).fill(17), 12]);
  expect(ways.reduce((sum, { indices }) => sum + indices.length, 0)).toBe(500);
  expect(shown.length).toBeLessThanOrEqual(BOXES_MAX);
});

test('of 4,001 stages groups have a hundred', () => {
  const { stages, edges } = job(2_000);
  const { shown } = collapse(stages, edges, new Set());
  expect(shown.slice(1).map((one) => (one.kind === 'group' ? one.stages.length : 1))).toEqual(new Array<number>(40).fill(100));
});

test('a group that is opened shows its stages, and the ways to the other groups', () => {
  const { stages, edges } = job(90);
  const { shown, edges: ways } = collapse(stages, edges, new Set(['group 1 keyed from 1']));
  expect(shown.filter(({ kind }) => kind === 'stage').map(({ id }) => id)).toEqual([
    'in',
    ...Array.from({ length: 15 }, (_, at) => `s${at}`),
  ]);
  expect(shown).toHaveLength(1 + 15 + 5 + 6);
  const placed = layOut(
    shown.map(({ id }) => ({ id, width: 208, height: 96 })),
    ways,
    { direction: 'LR', between: 20, along: 44 },
  );
  expect(placed.boxes.size).toBe(shown.length);
});

test.each([
  { fact: 'stays open beside another one', wide: 70, then: ['group 1 keyed from 1', 'group 2 sink from 1'] },
  { fact: 'closes others when there would be too many boxes', wide: 2_000, then: ['group 2 sink from 1'] },
])('a group that is opened $fact', ({ wide, then }) => {
  const { stages, edges } = job(wide);
  const opened = opening('group 2 sink from 1', opening('group 1 keyed from 1', new Set(), stages, edges), stages, edges);
  expect([...opened]).toEqual(then);
  expect(collapse(stages, edges, opened).shown.length).toBeLessThanOrEqual(OPENED_MAX);
});

test.each([
  { lag: null, perS: 0, heat: 'none' },
  { lag: 0, perS: 5, heat: 'none' },
  { lag: 100, perS: 100, heat: 'low' },
  { lag: 1_000, perS: 100, heat: 'middle' },
  { lag: 10_000, perS: 100, heat: 'high' },
  { lag: 5_000, perS: 0, heat: 'high' },
])('$lag waiting at $perS a second: $heat', ({ lag, perS, heat }) => expect(heatOf(lag, perS)).toBe(heat));

test('what a stage sends to itself is drawn once with all of its labels, also of a group; it makes no stage further from the sources', () => {
  const { stages, edges } = job(90);
  const loops = ['feedback', 'sendTo'].map((label, at): DeclaredEdge => ({ ...edges[0]!, index: 180 + at, from: 's0', to: 's0', label }));
  const all = [...edges, ...loops];
  const ids = (opened: readonly string[]) =>
    collapse(stages, all, new Set(opened))
      .edges.filter(({ from, to }) => from === to)
      .map(({ id, labels, indices }) => ({ id, labels, indices }));
  const told = { labels: ['feedback', 'sendTo'], indices: [180, 181] };
  const group = 'group 1 keyed from 1';
  expect(ids([])).toEqual([{ id: `${group} → ${group}`, ...told }]);
  expect(ids([group])).toEqual([{ id: 's0 → s0', ...told }]);
});

test.each([
  { direction: 'LR', side: 'below', isBeside: ({ y }: Point, box: Rectangle) => y > box.y + box.height },
  { direction: 'TB', side: 'beside', isBeside: ({ x }: Point, box: Rectangle) => x > box.x + box.width },
] as const)(
  'the way of a stage to itself begins and ends at its box, and its label lies $side it ($direction)',
  ({ direction, isBeside }) => {
    const label = { width: 120, height: 34 };
    const lines = [
      { id: 'in', from: 'a', to: 'b' },
      { id: 'round', from: 'b', to: 'b', label },
      { id: 'out', from: 'b', to: 'c' },
    ];
    const placed = layOut(
      ['a', 'b', 'c'].map((id) => ({ id, width: 208, height: 96 })),
      lines,
      { direction, between: 20, along: 44 },
    );
    const { points, label: place } = placed.lines.get('round')!;
    const box = placed.boxes.get('b')!;
    const isAtBorder = ({ x, y }: Point): boolean => (direction === 'LR' ? y === box.y + box.height : x === box.x + box.width);
    expect([points.at(0), points.at(-1)].map((point) => isAtBorder(point!))).toEqual([true, true]);
    expect(isBeside({ x: place!.x - label.width / 2, y: place!.y - label.height / 2 }, box)).toBe(true);
  },
);
