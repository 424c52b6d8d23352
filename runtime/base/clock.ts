// The ports to time and chance. Core folders take these; only adapters/node makes real ones.

export interface Clock {
  /** Wall-clock time, ms since the epoch. May jump. For timestamps that people see. */
  nowMs(): number;
  /** Monotonic time, ms since an arbitrary start. For durations and leases. */
  monotonicMs(): number;
  /** Resolves after `delayMs`; resolves early (not rejects) when `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Resolves when input that waits and timers that are due have had their turn. Costs microseconds. */
  turn(): Promise<void>;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A new identifier that nobody guesses or repeats, 22 characters of [A-Za-z0-9]. */
  id(): string;
}
