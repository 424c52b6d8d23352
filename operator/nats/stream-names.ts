// Names of all streams of the account, asked for now and then by one call for all jobs.

import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import type { Link } from '../../runtime/adapters/nats/link.ts';
import type { Clock } from '../../runtime/base/clock.ts';

const FRESH_MS = 1_500;

const all = new WeakMap<Link, StreamNames>();

export class StreamNames {
  readonly #link: Link;
  readonly #clock: Clock;
  #asked: { readonly atMs: number; readonly names: Promise<ReadonlySet<string> | string> } | null = null;

  /** All who ask over one connection share the answer. */
  static of(link: Link, clock: Clock): StreamNames {
    const found = all.get(link) ?? new StreamNames(link, clock);
    all.set(link, found);
    return found;
  }

  private constructor(link: Link, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  /** The names, at most a moment old; a text when NATS does not answer: why. */
  get(): Promise<ReadonlySet<string> | string> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#asked === null || nowMs - this.#asked.atMs > FRESH_MS) this.#asked = { atMs: nowMs, names: this.#ask() };
    return this.#asked.names;
  }

  /** Something was made or removed: the next one asks anew. */
  forget(): void {
    this.#asked = null;
  }

  async #ask(): Promise<ReadonlySet<string> | string> {
    const names = new Set<string>();
    for (let offset = 0; ;) {
      const answer = await callApi<{ readonly streams: readonly string[] | null; readonly total: number }>(this.#link, 'STREAM.NAMES', {
        offset,
      });
      if (answer.kind === 'absent') return answer.reason;
      if (answer.kind === 'error') return `${answer.error.description} (${answer.error.err_code})`;
      const page = answer.value.streams ?? [];
      for (const name of page) names.add(name);
      offset += page.length;
      if (page.length === 0 || offset >= answer.value.total) return names;
    }
  }
}
