// Lists the objects of one namespace (or all) and watches from there, for ever.
//
//           list ok                   cut, ended, error: pause
//   ┌──────┐ ─────────────▶ ┌───────┐ ─────┐
//   │ list │                │ watch │      │ from where it stood
//   └──────┘ ◀───────────── └───────┘ ◀────┘
//    ▲    │     410
//    └────┘ failed: pause
//
//   W1. The place in history moves only behind an event that was given on.
//   W2. The pause after failures grows, and is small again only after a watch that lived: no server is asked in a tight loop.
//   W3. What the server answers changes the pause, never whether it is asked again.

import type { Clock, Random } from '../../runtime/base/clock.ts';
import { backoffMs } from './backoff.ts';
import { failureText, resultOf } from './kube-answer.ts';
import type { KubeClient, Selection } from './kube-client.ts';
import * as limits from './kube-limits.ts';
import { type KubeObject, keyOf } from './kube-object.ts';
import type { KubeFailure } from './kube-result.ts';
import type { CacheEvent, ObjectCache } from './object-cache.ts';
import type { Resource } from './resource.ts';
import { watchEventOf } from './watch-event.ts';

export type WatchLoopOptions<T extends KubeObject> = {
  readonly client: KubeClient;
  readonly resource: Resource<T>;
  readonly selection: Selection;
  readonly cache: ObjectCache<T>;
  readonly emit: (events: readonly CacheEvent<T>[]) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly onListed: () => void;
  /** Told once of each trouble that is another than the one before. */
  readonly onTrouble: (problem: string) => void;
};

/** How a list or a watch ended, when it did not go well. */
type Trouble = { readonly problem: string; readonly isRefused: boolean; readonly retryAfterMs: number | null };

export class WatchLoop<T extends KubeObject> {
  readonly #options: WatchLoopOptions<T>;
  #resourceVersion: string | null = null;
  #failures = 0;

  // ---- for health; read by the reflector
  contactMs: number | null = null;
  problem: string | null = null;
  lists = 0;
  watches = 0;
  cuts = 0;
  expired = 0;

  constructor(options: WatchLoopOptions<T>) {
    this.#options = options;
  }

  /** Resolves after `signal` aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const trouble = this.#resourceVersion === null ? await this.#list(signal) : await this.#watch(this.#resourceVersion, signal);
      if (signal.aborted) return;
      this.#note(trouble);
      if (trouble !== null) await this.#options.clock.sleep(this.#pauseMs(trouble), signal);
    }
  }

  async #list(signal: AbortSignal): Promise<Trouble | null> {
    const { client, resource, selection, cache, emit, onListed } = this.#options;
    this.lists++;
    const result = await client.list(resource, selection, signal);
    if (signal.aborted) return null;
    if (result.kind !== 'ok') return troubleOf(result);
    this.#touch();
    for (const object of result.object.items) emit(cache.put(object));
    emit(cache.removeUnlisted(selection.namespace, new Set(result.object.items.map(keyOf))));
    this.#resourceVersion = result.object.resourceVersion;
    this.problem = null;
    onListed();
    return null;
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<Trouble | null> {
    const { client, resource, selection, clock } = this.#options;
    const { namespace, ...selectors } = selection;
    const query = { ...selectors, ...this.#watchQuery(), resourceVersion };
    this.watches++;
    const stream = await client.watch(resource, namespace, { query, signal, silenceMs: limits.WATCH_SILENCE_MS });
    if (stream.kind !== 'lines') return this.#refused(resultOf(stream));
    this.#touch();
    this.problem = null;
    const startMs = clock.monotonicMs();
    const trouble = await this.#follow(stream.lines[Symbol.asyncIterator](), signal);
    const livedMs = clock.monotonicMs() - startMs;
    if (livedMs >= limits.WATCH_PROVEN_MS) this.#failures = 0;
    if (trouble !== null) this.cuts++;
    // W2. A watch that ends at once, however politely, is not asked for at once again.
    return trouble ?? (livedMs < limits.WATCH_PROVEN_MS ? { problem: 'watches end at once', isRefused: false, retryAfterMs: null } : null);
  }

  /** Gives on what comes until the stream ends: null when the server ended it as asked. */
  async #follow(lines: AsyncIterator<string>, signal: AbortSignal): Promise<Trouble | null> {
    for (;;) {
      const line = await nextLine(lines);
      if (signal.aborted || line.kind === 'end') return null;
      if (line.kind === 'cut') return { problem: line.reason, isRefused: false, retryAfterMs: null };
      this.#touch();
      const trouble = this.#take(line.text);
      if (trouble === null) continue;
      await lines.return?.();
      return trouble;
    }
  }

  #take(text: string): Trouble | null {
    const { cache, emit } = this.#options;
    const event = watchEventOf<T>(text);
    if (event.kind === 'error') return troubleOf(event.failure);
    if (event.kind === 'expired') return this.#expire();
    if (event.kind === 'put') emit(cache.put(event.object));
    if (event.kind === 'removed') emit(cache.remove(event.object));
    this.#resourceVersion = event.resourceVersion; // W1
    return null;
  }

  #refused(result: ReturnType<typeof resultOf>): Trouble {
    if (result.kind === 'refused' && result.code === 410) return this.#expire();
    if (result.kind === 'ok') return { problem: 'the answer to a watch is none', isRefused: false, retryAfterMs: null };
    return troubleOf(result);
  }

  #expire(): Trouble {
    this.expired++;
    this.#resourceVersion = null;
    return { problem: 'the place in history is gone, listing again', isRefused: false, retryAfterMs: null };
  }

  #watchQuery(): Readonly<Record<string, string>> {
    const spanMs = limits.WATCH_LIFE_MAX_MS - limits.WATCH_LIFE_MIN_MS;
    const lifeMs = limits.WATCH_LIFE_MIN_MS + this.#options.random.next() * spanMs;
    return { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(Math.round(lifeMs / 1_000)) };
  }

  /** W2. */
  #pauseMs({ isRefused, retryAfterMs }: Trouble): number {
    this.#failures++;
    const bounds = { minMs: limits.WATCH_RETRY_MIN_MS, maxMs: isRefused ? limits.REFUSED_RETRY_MAX_MS : limits.WATCH_RETRY_MAX_MS };
    return Math.max(backoffMs(this.#failures, bounds, this.#options.random), retryAfterMs ?? 0);
  }

  #note(trouble: Trouble | null): void {
    const problem = trouble?.problem ?? null;
    if (problem !== null && problem !== this.problem) this.#options.onTrouble(problem);
    this.problem = problem;
  }

  #touch(): void {
    this.contactMs = this.#options.clock.monotonicMs();
  }
}

function troubleOf(failure: KubeFailure): Trouble {
  const retryAfterMs = failure.kind === 'absent' ? failure.retryAfterMs : null;
  return { problem: failureText(failure), isRefused: failure.kind !== 'absent', retryAfterMs };
}

type NextLine =
  { readonly kind: 'line'; readonly text: string } | { readonly kind: 'end' } | { readonly kind: 'cut'; readonly reason: string };

/** Errors of the stream as a value, so that those of our own code are not taken for them. */
async function nextLine(lines: AsyncIterator<string>): Promise<NextLine> {
  try {
    const next = await lines.next();
    return next.done === true ? { kind: 'end' } : { kind: 'line', text: next.value };
  } catch (error) {
    return { kind: 'cut', reason: error instanceof Error ? error.message : String(error) };
  }
}
