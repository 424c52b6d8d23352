import { expect, test } from 'vitest';
import { encodeKey } from '../event/key.ts';
import { LiveCells } from '../state/live-cells.ts';
import { applyRows, forgetDeleted, forgetOthers, rowPlace, SideTable, type RowChange } from './side-tables.ts';

function tableOf(...rows: readonly (readonly [key: unknown, timeMs: number, change: RowChange])[]): { cells: LiveCells; table: SideTable } {
  const cells = new LiveCells();
  for (const [key, timeMs, change] of rows) applyRows(cells, { values: [change], times: [timeMs], keys: [encodeKey(key)], ingestMs: 0 });
  return { cells, table: new SideTable(cells, 't') };
}

test('the newest row of a key counts, and of one time the last', () => {
  const { table } = tableOf(['a', 5, ['t', 'five']], ['a', 3, ['t', 'three']], ['b', 1, ['t', 1]], ['b', 1, ['t', 2]]);
  expect([...table]).toEqual([
    ['a', 'five'],
    ['b', 2],
  ]);
});

test('a deleted key is not there, and an older row does not bring it back until the deletion is forgotten', () => {
  const { cells, table } = tableOf(['a', 3, ['t', 'x']], ['a', 5, ['t']], ['a', 4, ['t', 'y']]);
  expect([table.has('a'), table.size, table.get('a')]).toEqual([false, 0, undefined]);
  forgetDeleted(cells, rowPlace('t', encodeKey('a')), 5);
  expect(cells.size()).toBe(0);
});

test('keys may be any value, and tables do not see rows of each other', () => {
  const { cells, table } = tableOf(
    [7, 1, ['t', 'seven']],
    [[1, 'x'], 1, ['t', 'list']],
    ['7', 1, ['u', 'other']],
    ['__proto__', 1, ['t', 'p']],
  );
  expect([table.get(7), table.get(7n), table.get('7'), table.get([1, 'x']), table.get('__proto__')]).toEqual([
    'seven',
    'seven',
    undefined,
    'list',
    'p',
  ]);
  expect([...table.keys()]).toEqual([7, [1, 'x'], '__proto__']);
  forgetOthers(cells, ['u']);
  expect([table.size, new SideTable(cells, 'u').get('7')]).toEqual([0, 'other']);
});

test('who reads a table cannot change it', () => {
  const { table } = tableOf(['a', 1, ['t', 1]]);
  const map = table as Map<unknown, unknown>;
  for (const change of [() => map.set('a', 2), () => map.delete('a'), () => map.clear()])
    expect(change).toThrow(/table t cannot be changed/);
  expect(table.get('a')).toBe(1);
});
