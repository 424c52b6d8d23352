// Euclid's algorithm.

/** Of two whole numbers that are not both 0. */
export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
