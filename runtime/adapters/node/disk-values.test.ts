import { readdirSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DiskValues } from './disk-values.ts';

const bytesOf = (text: string): Uint8Array => Buffer.from(text);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Files without a name that SQLite has open. */
function openFiles(): number {
  const targets = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // it was that of the folder
    }
  });
  return targets.filter((path) => path.includes('etilqs_')).length;
}

test('a value is where it was put, until its place is given to another', () => {
  const values = new DiskValues();
  const places: number[] = [];
  values.together(() => places.push(...['a', 'b', ''].map((text) => values.add(bytesOf(text)))));
  expect(places.map((place) => textOf(values.get(place)))).toEqual(['a', 'b', '']);
  values.remove(places[1]!);
  let next = 0;
  values.together(() => (next = values.add(bytesOf('c'))));
  expect(next).toBe(places[1]);
  expect(textOf(values.get(next))).toBe('c');
  values.close();
});

test('what is written together is written whole, or not at all', () => {
  const values = new DiskValues();
  const places: number[] = [];
  values.together(() => places.push(values.add(bytesOf('kept'))));
  const fails = (): void => {
    values.add(bytesOf('gone'));
    throw new Error('no room');
  };
  expect(() => values.together(fails)).toThrow('no room');
  expect(textOf(values.get(places[0]!))).toBe('kept');
  expect(() => values.get(places[0]! + 1)).toThrow(expect.objectContaining({ code: 'MR2112' }));
  values.together(() => places.push(values.add(bytesOf('next'))));
  expect(textOf(values.get(places[1]!))).toBe('next');
  values.close();
});

test('what does not fit its half megabyte of memory lies on disk, in a file that has no name and ends with it', () => {
  const before = openFiles();
  const values = new DiskValues();
  const places: number[] = [];
  for (let i = 0; i < 20; i++) values.together(() => places.push(values.add(new Uint8Array(200_000).fill(i))));
  expect(values.bytes).toBeGreaterThan(4_000_000);
  expect(values.bytes).toBeLessThan(5_000_000);
  expect(openFiles()).toBe(before + 1);
  expect(places.map((place) => values.get(place)[199_999])).toEqual([...places.keys()]);
  values.close();
  expect(openFiles()).toBe(before);
});
