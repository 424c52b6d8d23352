// Whether the process of another worker is gone, sooner than its lease says: does anybody still listen behind its name?
//
// Each worker listens on a topic of its own. When its process dies its connection closes, and from then on the server itself answers
// that nobody is there. So a worker that is busy, or stands still, is never taken for dead by this: it need not answer anything.
//   W1. Gone is who was not there in GONE_LOOKS looks one behind the other. One that makes its connection anew is back before.
//   W2. What is not known (this worker's own connection was lost a moment ago) proves nothing, and counting begins anew.
//   W3. Of a machine that is cut off, connections stay open: there the lease decides (membership.ts, M1).

import type { Clock } from '../base/clock.ts';
import type { Bus } from './directory.ts';

const LOOK_MS = 100;
/** With LOOK_MS: a lost connection is made anew within 200 ms when the server is there. */
const GONE_LOOKS = 3;

export type PeerWatchParts = {
  readonly worker: string;
  readonly bus: Bus;
  readonly clock: Clock;
  /** Who is watched now: workers that listen. */
  readonly watched: () => readonly string[];
  readonly onGone: (worker: string) => void;
};

export class PeerWatch {
  readonly #parts: PeerWatchParts;
  readonly #stop = new AbortController();
  /** By worker: the last look that found nobody, and how many there were without one between that did not. */
  readonly #missed = new Map<string, { readonly look: number; readonly looks: number }>();
  #unsubscribe: (() => void) | null = null;

  constructor(parts: PeerWatchParts) {
    this.#parts = parts;
  }

  /** Others may take this worker for gone when nobody listens behind its name. */
  get listens(): boolean {
    return this.#unsubscribe !== null;
  }

  start(): void {
    if (this.listens) return;
    this.#unsubscribe = this.#parts.bus.subscribe(topicOf(this.#parts.worker), () => undefined);
    void this.#run();
  }

  stop(): void {
    this.#stop.abort();
    this.#unsubscribe?.();
  }

  async #run(): Promise<void> {
    const { clock, watched } = this.#parts;
    for (let look = 1; !this.#stop.signal.aborted; look++) {
      const now = watched();
      for (const worker of this.#missed.keys()) if (!now.includes(worker)) this.#missed.delete(worker);
      for (const worker of now) void this.#look(worker, look); // that somebody is there is said by silence: not waited for
      await clock.sleep(LOOK_MS, this.#stop.signal);
    }
  }

  async #look(worker: string, look: number): Promise<void> {
    if ((await this.#parts.bus.isHeard(topicOf(worker))) !== false || this.#stop.signal.aborted) return;
    const before = this.#missed.get(worker);
    const looks = before?.look === look - 1 ? before.looks + 1 : 1;
    this.#missed.set(worker, { look, looks });
    if (looks < GONE_LOOKS) return;
    this.#missed.delete(worker);
    this.#parts.onGone(worker);
  }
}

function topicOf(worker: string): string {
  return `alive.${worker}`;
}
