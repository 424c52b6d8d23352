// When a worker that died is replaced, and when it no longer makes sense. Pure: time is an argument.
//
//   R1. The pause doubles with each death of a place, up to a limit; a commit of any worker starts the counting over.
//   R2. A place that died `DEATHS_MAX` times in a row, each within a minute of the one before, while nobody stored anything, is given up:
//       a machine may take seconds to start a worker that dies at once.
//   R3. A death while the server is away tells nothing about the job: it counts for the pause only.
//   R4. A worker that somebody killed (SIGKILL, SIGTERM: an operator, a test, the kernel that was short of memory) says as
//       little: it is replaced at once.

export type Verdict = { readonly kind: 'replace'; readonly pauseMs: number } | { readonly kind: 'give-up'; readonly deaths: number };

const PAUSE_FIRST_MS = 300;
const PAUSE_MAX_MS = 5_000;
/** With the growing pauses these take about 25 s: longer than anything that mends itself. */
const DEATHS_MAX = 8;
const WITHIN_MS = 60_000;

export type Death = {
  readonly nowMs: number;
  readonly isServerUp: boolean;
  /** From outside. */
  readonly isKilled: boolean;
};

/** `lastMs`: of the last death that counted. */
type Place = { readonly pauseMs: number; readonly deaths: number; readonly lastMs: number };

export class Respawn {
  readonly #places = new Map<number, Place>();
  readonly #commits = new Map<string, number>();

  /** A worker told how many commits it has made since it began. */
  heard(worker: string, commits: number): void {
    if (commits > (this.#commits.get(worker) ?? 0)) this.#places.clear();
    this.#commits.set(worker, commits);
  }

  died(place: number, { nowMs, isServerUp, isKilled }: Death): Verdict {
    if (isKilled) return { kind: 'replace', pauseMs: PAUSE_FIRST_MS };
    const before = this.#places.get(place) ?? { pauseMs: PAUSE_FIRST_MS, deaths: 0, lastMs: nowMs };
    const earlier = nowMs - before.lastMs < WITHIN_MS ? before.deaths : 0;
    const [deaths, lastMs] = isServerUp ? [earlier + 1, nowMs] : [earlier, before.lastMs];
    if (deaths >= DEATHS_MAX) return { kind: 'give-up', deaths };
    this.#places.set(place, { pauseMs: Math.min(before.pauseMs * 2, PAUSE_MAX_MS), deaths, lastMs });
    return { kind: 'replace', pauseMs: before.pauseMs };
  }
}
