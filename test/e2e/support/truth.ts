// Whether what a job says of itself is so while things are taken away from it and given back.
//
//   T1. Each word is held against the world as it is after it was said. Between a loss and the word on it lies the time of probes and
//       watches: what is untrue at one look is a lie when it was so, and stood, at all looks of LAG_MS; or when it still is in the end.
//   T2. Conservation is never wrong, not even for a moment.
//   T3. While nobody is told who owns what (NATS is away), nothing is held against it, and what stood is forgotten.

import { setTimeout as sleep } from 'node:timers/promises';
import { ToldConservation } from './conservation.ts';
import { loadJob } from './load.ts';
import { connectJobNats, type ClusterNats } from './nats.ts';
import { liesOf, look, tasksOf, type Sample } from './outside.ts';
import { until } from './programs.ts';

/** Some seconds, on a machine that is five times slower. */
const LAG_MS = 30_000;
const PAUSE_MS = 300;

export class Truth {
  readonly #space: string;
  readonly #name: string;
  readonly #own: ClusterNats;
  readonly #told: ToldConservation;
  readonly #tasks: readonly string[];
  readonly #standing = new Map<string, number>();
  readonly #longest = new Map<string, number>();
  readonly #lies = new Set<string>();
  #looks = 0;
  #unanswered = 0;
  #stopped = false;
  readonly #looking: Promise<void>;

  private constructor(space: string, name: string, own: ClusterNats) {
    this.#space = space;
    this.#name = name;
    this.#own = own;
    this.#tasks = tasksOf(JSON.stringify(loadJob(space, name)), `${space}_${name}`);
    this.#told = new ToldConservation(space, name);
    this.#looking = this.#run();
  }

  /** Of the load of that name, from now on. */
  static async of(space: string, name: string): Promise<Truth> {
    return new Truth(space, name, await connectJobNats(space, name));
  }

  /** Waits until it says that all is conserved; resolves with what was a lie on the way, and tells how long a word stood that was untrue. */
  async lies(): Promise<readonly string[]> {
    const accusations = await this.#told.accusations();
    const looks = this.#looks + 2; // one at least began behind what was said last
    await until(
      'all that is said is so',
      150_000,
      async () => (this.#looks >= looks && (this.#standing.size === 0 || this.#lies.size > 0) ? true : null),
      async () => [...this.#standing.keys()].join(),
    );
    await this.stop();
    const longest = [...this.#longest].map(([claim, ms]) => `${claim} ${Math.round(ms)} ms`);
    console.log(
      `${this.#name}: ${this.#looks} looks (${this.#unanswered} without an answer), longest untrue: ${longest.join(', ') || 'never'}`,
    );
    return [...accusations, ...this.#lies];
  }

  /** As `lies`, but of conservation alone: while no operator lives nobody can say anything anew. */
  async accusations(): Promise<readonly string[]> {
    const accusations = await this.#told.accusations();
    await this.stop();
    return accusations;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#told.stop();
    await this.#looking;
    await this.#own.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const sample = await look(this.#own, this.#space, this.#name).catch(() => null);
      if (sample === null)
        this.#standing.clear(); // T3
      else this.#judge(sample);
      this.#looks++;
      this.#unanswered += sample === null ? 1 : 0;
      await sleep(PAUSE_MS);
    }
  }

  #judge(sample: Sample): void {
    const nowMs = performance.now();
    const untrue = untrueOf(sample, this.#tasks);
    for (const claim of this.#standing.keys()) if (!untrue.has(claim)) this.#standing.delete(claim);
    for (const [claim, sentence] of untrue) {
      const stood = nowMs - (this.#standing.get(claim) ?? nowMs);
      if (stood === 0) this.#standing.set(claim, nowMs);
      this.#longest.set(claim, Math.max(this.#longest.get(claim) ?? 0, stood));
      if (stood > LAG_MS) this.#lies.add(sentence); // T1
    }
  }
}

/** What is said and not so, by what it is about. */
export function untrueOf(sample: Sample, tasks: readonly string[]): ReadonlyMap<string, string> {
  const { status: said, living } = sample;
  const { pods, ready } = living;
  const untrue = new Map<string, string>();
  const [lie] = liesOf(sample, tasks);
  if (lie !== undefined) untrue.set('Ready', lie);
  if (said.replicas !== undefined && said.replicas !== pods) untrue.set('replicas', `replicas ${said.replicas}, and there are ${pods}`);
  if (said.readyReplicas !== undefined && said.readyReplicas !== ready)
    untrue.set('readyReplicas', `readyReplicas ${said.readyReplicas}, and there are ${ready}`);
  if (said.phase === 'Suspended' && pods > 0) untrue.set('phase', `Suspended, and there are ${pods} pods`);
  if (said.phase === 'Running' && pods === 0) untrue.set('phase', 'Running, and there is no pod');
  return untrue;
}
