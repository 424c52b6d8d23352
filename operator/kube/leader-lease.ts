// Who of several operator processes acts: the one that holds a Lease.
//
//   L1. `isLeader` is true only while the last renewal that the server confirmed was SENT less than `renewDeadlineMs` ago, by the
//       monotonic clock. Others take over `durationMs` after they saw it at the earliest: never two leaders at once.
//   L2. Wall clocks are written for people and compared by nobody.
//   L3. Leadership is lost once: then the process must end; another start begins anew.
//   L4. Stopping gives the lease back, so the next leader need not wait.

export type LeaderLeaseOptions = {
  readonly namespace: string;
  readonly name: string;
  /** Of this process: pod name and pod uid. After a restart of the container the same identity goes on at once. */
  readonly identity: string;
  readonly durationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryMs?: number;
  /** It leads from now on. `signal` aborts when it no longer does. */
  readonly onLeading: (signal: AbortSignal) => void;
  /** It led and no longer does (not called after `stop`). The process must stop acting and end. */
  readonly onLost: (reason: string) => void;
};

export declare class LeaderLease {
  start(): void;
  isLeader(): boolean;
  /** Identity of who leads as far as this process knows; null: nobody, or not asked yet. */
  leader(): string | null;
  /** Gives the lease back, if held. Whatever acts by it must have ended before. */
  stop(): Promise<void>;
}
