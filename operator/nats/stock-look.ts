// How consumers of a stream are, asked for now and then by one call for all jobs of a namespace that read it.
//
//   SL1. What is not found here may be there all the same: a stream that has many of others is not read to its end, pages are read one
//        after the other, and in a cluster not each consumer answers. Who misses one asks for that one, and tells how it is.

import { API_ERROR, callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { valueOf } from '../../runtime/adapters/nats/lane-stream.ts';
import type { Link } from '../../runtime/adapters/nats/link.ts';
import type { Clock } from '../../runtime/base/clock.ts';

export type FoundConsumer = { readonly config: Readonly<Record<string, unknown>>; readonly paused?: boolean };
/** By name. */
export type FoundConsumers = Map<string, FoundConsumer>;

type Page = { readonly consumers: readonly (FoundConsumer & { readonly name: string })[] | null; readonly total: number };
/** `wanted`: of whom anybody has asked since. */
type Asked = { readonly atMs: number; readonly found: Promise<FoundConsumers>; readonly wanted: Set<string> };

/** With a round of the operator after it, drift is mended within 10 s. */
const FRESH_MS = 5_000;
/** A page has up to 256 of whomever's: so many of ours are worth one. */
const WORTH_A_PAGE = 16;

const all = new WeakMap<Link, StockLook>();

export class StockLook {
  readonly #link: Link;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #asked = new Map<string, Asked>();

  /** All who ask over one connection share the answers. */
  static of(link: Link, clock: Pick<Clock, 'monotonicMs'>): StockLook {
    const found = all.get(link) ?? new StockLook(link, clock);
    all.set(link, found);
    return found;
  }

  private constructor(link: Link, clock: Pick<Clock, 'monotonicMs'>) {
    this.#link = link;
    this.#clock = clock;
  }

  /** How they were FRESH_MS ago at most. Rejects when NATS does not answer. */
  find(stream: string, names: readonly string[]): Promise<FoundConsumers> {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#asked.get(stream);
    if (before !== undefined && nowMs - before.atMs < FRESH_MS) {
      for (const name of names) before.wanted.add(name);
      return before.found;
    }
    const wanted = Math.max(names.length, before?.wanted.size ?? 0);
    const found = this.#ask(stream, Math.max(1, Math.ceil(wanted / WORTH_A_PAGE)));
    const asked = { atMs: nowMs, found, wanted: new Set(names) };
    this.#asked.set(stream, asked);
    found.catch(() => this.#asked.get(stream) === asked && this.#asked.delete(stream));
    this.#sweep(nowMs);
    return found;
  }

  /** Something was made or removed: the next one asks anew. */
  forget(): void {
    this.#asked.clear();
  }

  /** Of streams that nobody reads any more nothing is kept. */
  #sweep(nowMs: number): void {
    for (const [stream, { atMs }] of this.#asked) if (nowMs - atMs > 10 * FRESH_MS) this.#asked.delete(stream);
  }

  async #ask(stream: string, pagesMax: number): Promise<FoundConsumers> {
    const found: FoundConsumers = new Map();
    for (let [pages, offset] = [0, 0]; pages < pagesMax; pages++) {
      const answer = await callApi<Page>(this.#link, `CONSUMER.LIST.${stream}`, { offset });
      if (answer.kind === 'error' && answer.error.err_code === API_ERROR.streamNotFound) break;
      const { consumers, total } = valueOf(stream, answer);
      for (const { name, config, paused } of consumers ?? []) found.set(name, { config, ...(paused === undefined ? {} : { paused }) });
      offset += (consumers ?? []).length;
      if ((consumers ?? []).length === 0 || offset >= total) break;
    }
    return found;
  }
}
