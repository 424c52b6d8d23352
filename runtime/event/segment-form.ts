// The forms a column of values can have; the first byte of each column.

export const FORM = {
  /** Nothing but `null`, or nothing but `undefined`. */
  null: 0,
  undefined: 1,
  /** u8 per value. */
  boolean: 2,
  number: 3,
  string: 4,
  /** Decimal texts, as strings. */
  bigint: 5,
  /** Lengths (numbers), then the bytes. */
  bytes: 6,
  /** Times (numbers). */
  date: 7,
  /** Lengths (numbers), then one column of all elements. */
  array: 8,
  /** Objects with the same field names in the same order: u32 fields, names (strings), one column per field. */
  record: 9,
  /** Objects of many shapes: field counts (numbers), names (strings), one column of all field values. */
  map: 10,
  /** Values of several forms: u8 classes, u8 class per value, per class u32 count and its column. */
  mixed: 11,
  /** What the events of a key and slice come to (combined.ts): counts (numbers), u32 slots, one column per slot. */
  combined: 12,
} as const;

export type Form = (typeof FORM)[keyof typeof FORM];
