// A slow and obvious way to the results of a Nexmark query: plain loops that know nothing of the engine.

import type { AuctionEvent, BidEvent, PersonEvent } from '../../../examples/nexmark/events.ts';

export type NexmarkLine = PersonEvent | AuctionEvent | BidEvent;
/** `[start, end)`, ms. */
export type Span = readonly [number, number];
export type Emit = (result: object) => void;

/** Takes the events in any order, and gives each result once, at the latest at the end. */
export type Model = { event(event: NexmarkLine): void; end(): void };
export type ModelMaker = (emit: Emit) => Model;

/** One event, one result or none. */
export function eachBid(resultOf: (bid: BidEvent['value'], ts: number) => object | null): ModelMaker {
  return (emit) => ({
    event: (event) => {
      const value = event.type === 'bid' ? resultOf(event.value, event.ts) : null;
      if (value !== null) emit({ value });
    },
    end: () => {},
  });
}

/** All events are kept until the end. */
export function atEnd(resultsOf: (events: readonly NexmarkLine[]) => Iterable<object>): ModelMaker {
  return (emit) => {
    const events: NexmarkLine[] = [];
    return {
      event: (event) => void events.push(event),
      end: () => {
        for (const result of resultsOf(events)) emit(result);
      },
    };
  };
}

export function bidsOf(events: readonly NexmarkLine[]): BidEvent['value'][] {
  return events.flatMap((event) => (event.type === 'bid' ? [event.value] : []));
}
export function auctionsOf(events: readonly NexmarkLine[]): AuctionEvent['value'][] {
  return events.flatMap((event) => (event.type === 'auction' ? [event.value] : []));
}
export function personsOf(events: readonly NexmarkLine[]): PersonEvent['value'][] {
  return events.flatMap((event) => (event.type === 'person' ? [event.value] : []));
}

/** Windows of `sizeMs` that begin every `everyMs` and hold `timeMs`. */
export function* windowsOf(
  timeMs: number,
  { sizeMs, everyMs = sizeMs }: { readonly sizeMs: number; readonly everyMs?: number },
): Generator<Span> {
  for (let start = timeMs - (timeMs % everyMs); start > timeMs - sizeMs; start -= everyMs) yield [start, start + sizeMs];
}

/** Items by window; the same window is the same key. */
export function byWindow<T extends { readonly dateTime: number }>(
  items: Iterable<T>,
  size: { readonly sizeMs: number; readonly everyMs?: number },
): Map<number, { readonly window: Span; readonly items: T[] }> {
  const found = new Map<number, { readonly window: Span; readonly items: T[] }>();
  for (const item of items) {
    for (const window of windowsOf(item.dateTime, size)) {
      const held = found.get(window[0]) ?? { window, items: [] };
      held.items.push(item);
      found.set(window[0], held);
    }
  }
  return found;
}
