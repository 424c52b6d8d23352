// About how many bytes values take as they are encoded, told from a few looks: for who only has to know when it is much.

/** Of an array so many items are looked at, and so deep. */
const ITEMS_LOOKED = 16;
const DEPTH_MAX = 4;
/** A number, and what is not looked at. */
const PLAIN_BYTES = 8;
/** Of so many values one is looked at. */
const LOOK_EVERY = 8;

/** Never throws, whatever the value is. */
export function roughBytes(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return PLAIN_BYTES;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (depth === DEPTH_MAX) return PLAIN_BYTES;
  if (Array.isArray(value)) return itemsBytes(value, depth);
  let bytes = 2;
  for (const name in value) bytes += name.length + 2 + roughBytes((value as Readonly<Record<string, unknown>>)[name], depth + 1);
  return bytes;
}

function itemsBytes(items: readonly unknown[], depth: number): number {
  const looked = Math.min(items.length, ITEMS_LOOKED);
  let bytes = 0;
  for (let i = 0; i < looked; i++) bytes += roughBytes(items[Math.floor((i * items.length) / looked)], depth + 1);
  return looked === 0 ? 2 : 2 + (bytes * items.length) / looked;
}

/** Of many values together. */
export class RoughSum {
  bytes = 0;
  #seen = 0;

  add(value: unknown): void {
    if (this.#seen++ % LOOK_EVERY === 0) this.bytes += LOOK_EVERY * roughBytes(value);
  }
}
