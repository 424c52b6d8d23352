// Sums of doubles that come out the same in whatever order the addends come.
//
// A float sum depends on its order, and the order in which a partition meets events of several upstream partitions differs
// between runs. So a sum is kept exactly, as non-overlapping partial sums, and rounded once when it is read
// (J. R. Shewchuk, Adaptive Precision Floating-Point Arithmetic, 1997).
//
//   X1. Sums of whole numbers that stay below 2^53 are one plain number: no array, no loop.
//   X2. NaN and the infinities stick. Sums whose way goes beyond the range of doubles end as ±Infinity or NaN.

/** An exact sum: one number, or partials that do not overlap, ascending by magnitude. Plain data. */
export type ExactSum = number | readonly number[];

export const EMPTY_SUM: ExactSum = 0;

/** The sum with `value` added. `sum` itself is not changed. */
export function addExact(sum: ExactSum, value: number): ExactSum {
  if (typeof sum === 'number') {
    const total = sum + value;
    if (Number.isSafeInteger(total) && Number.isSafeInteger(sum) && Number.isSafeInteger(value)) return total;
    if (!Number.isFinite(total)) return total;
    return grow([sum], value);
  }
  return grow(sum, value);
}

export function mergeExact(sum: ExactSum, other: ExactSum): ExactSum {
  if (typeof other === 'number') return addExact(sum, other);
  let total = sum;
  for (const partial of other) total = addExact(total, partial);
  return total;
}

/** The double nearest to the exact sum (ties to even). */
export function roundExact(sum: ExactSum): number {
  if (typeof sum === 'number') return sum;
  let index = sum.length - 1;
  let high = sum[index] ?? 0;
  let low = 0;
  while (index > 0) {
    const total = high;
    const next = sum[--index]!;
    high = total + next;
    low = next - (high - total);
    if (low !== 0) break;
  }
  return index > 0 ? halfway(high, low, sum[index - 1]!) : high;
}

/** `low` may lie exactly between two doubles; then what is below it decides. */
function halfway(high: number, low: number, below: number): number {
  if (Math.sign(low) !== Math.sign(below)) return high;
  const twice = low * 2;
  const up = high + twice;
  return up - high === twice ? up : high;
}

function grow(partials: readonly number[], value: number): ExactSum {
  if (!Number.isFinite(value)) return value;
  const grown: number[] = [];
  let carry = value;
  for (const partial of partials) {
    const total = carry + partial;
    if (!Number.isFinite(total)) return total;
    const low = Math.abs(carry) < Math.abs(partial) ? carry - (total - partial) : partial - (total - carry);
    if (low !== 0) grown.push(low);
    carry = total;
  }
  if (carry !== 0 || grown.length === 0) grown.push(carry);
  return grown.length === 1 ? grown[0]! : grown;
}
