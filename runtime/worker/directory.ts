// The ports through which workers of a job know of each other. Leases are for speed only: safety is the fence (J5).

export type Entry = { readonly value: unknown; readonly revision: number };

/** Small shared values of one job (NATS KV). Values are plain JSON data. */
export interface Directory {
  get(key: string): Promise<Entry | null>;
  put(key: string, value: unknown): Promise<void>;
  /** Writes only when the key's revision is still `revision` (0: there is none); null when somebody else was first. */
  update(key: string, value: unknown, revision: number): Promise<number | null>;
  delete(key: string): Promise<void>;
  /** Calls back for every key as it is and as it changes (null: deleted), in order, also across lost connections. */
  watch(onChange: (key: string, entry: Entry | null) => void): Promise<() => Promise<void>>;
}

/** Figures that may be lost: each is replaced by the next (core NATS). */
export interface Bus {
  publish(topic: string, value: unknown): void;
  subscribe(topic: string, onMessage: (value: unknown) => void): () => void;
  /** False: nobody listens on the topic. Null: it is not known. */
  isHeard(topic: string): Promise<boolean | null>;
}
