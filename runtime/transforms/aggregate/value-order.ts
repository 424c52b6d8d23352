// One total order over the values that min and max compare: booleans, then numbers, then strings.
//
//   O1. Total, and independent of arrival: -0 comes before 0, NaN after all numbers, a number before an equal bigint.
//   O2. Strings compare by code points, not by UTF-16 units: as UTF-8 bytes do, in every other system.

export type Comparable = boolean | number | bigint | string;

export function isComparable(value: unknown): value is Comparable {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint' || typeof value === 'boolean';
}

/** Negative when `a` comes first, positive when `b` does, 0 when they are the same. */
export function compareValues(a: Comparable, b: Comparable): number {
  if (typeof a === 'number' && typeof b === 'number') return compareNumbers(a, b);
  if (typeof a === 'string' && typeof b === 'string') return compareCodePoints(a, b);
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return rank;
  if (Number.isNaN(a)) return 1;
  if (Number.isNaN(b)) return -1;
  if (a < b) return -1;
  if (a > b) return 1;
  return typeof a === typeof b ? 0 : typeof a === 'number' ? -1 : 1;
}

function compareNumbers(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return a !== 0 ? 0 : Number(Object.is(b, -0)) - Number(Object.is(a, -0));
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** By code points. Units differ from that only where one is a surrogate and the other lies above them. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return lift(unitA) - lift(unitB);
  }
  return a.length - b.length;
}

/** Moves surrogates above all other units. */
function lift(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

function rankOf(value: Comparable): number {
  if (typeof value === 'string') return 2;
  return typeof value === 'boolean' ? 0 : 1;
}
