// What a job says of the conservation of its events, from now until it is asked.

import { setTimeout as sleep } from 'node:timers/promises';
import { condition, status, story } from './jobs.ts';
import { until } from './programs.ts';

const LOOK_MS = 1_000;
const AGREES_MS = 180_000;

export class ToldConservation {
  readonly #space: string;
  readonly #name: string;
  readonly #accused: string[] = [];
  #stopped = false;
  readonly #looking: Promise<void>;

  constructor(space: string, name: string) {
    this.#space = space;
    this.#name = name;
    this.#looking = this.#run();
    this.#looking.catch(() => undefined); // told when it is stopped
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const found = await status(this.#space, this.#name);
      const message = found.conditions?.find(({ type }) => type === 'ConservationOK')?.message;
      if (condition(found, 'ConservationOK').startsWith('False')) this.#accused.push(message ?? '');
      await sleep(LOOK_MS);
    }
  }

  /** Waits until it says that all is conserved; resolves with what it said against that on the way: nothing, when it was never wrong. */
  async accusations(): Promise<readonly string[]> {
    await until(
      `ConservationOK of ${this.#name} is True`,
      AGREES_MS,
      async () => (condition(await status(this.#space, this.#name), 'ConservationOK') === 'True Conserved' ? true : null),
      () => story(this.#space, this.#name),
    );
    await this.stop();
    return [...new Set(this.#accused)];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looking;
  }
}
