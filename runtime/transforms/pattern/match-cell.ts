// How a match of a pattern lies in its cell.

/** Marks: no event has come since the last one that was taken; it was a match already; it is whole, and waits for its turn. */
export const [FRESH, WAS_MATCH, WHOLE] = [1, 2, 4];

export type MatchCell = readonly [positions: readonly number[], sequences: readonly number[], open: readonly number[], marks: number];
