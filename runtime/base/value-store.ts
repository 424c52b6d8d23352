// A store for values that do not fit memory. What is in it is a copy of what the journal has: it lives as long as its process.

export interface ValueStore {
  /** Where the value lies from now on: a number above 0. Throws when there is no room; nothing has changed then. */
  add(bytes: Uint8Array): number;
  /** The value at a place that was added and not removed since. Throws MR2112 when it cannot be read. */
  get(place: number): Uint8Array;
  remove(place: number): void;
  /** Runs `adds` as one write. When it throws, nothing was added. */
  together(adds: () => void): void;
  /** Bytes that it takes where it lies. */
  readonly bytes: number;
  close(): void;
}
