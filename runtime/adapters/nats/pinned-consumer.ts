// Exact reading of a consumer that several may use at once: each owner of a split in turn, one that was replaced and does not know it yet
// too. It was made for the split (stock-consumer.ts); who reads sets it back and has itself pinned (docs/adr/0046).
//
//   UNPIN ──▶ RESET to what is stored + 1 ──▶ one pull without an id ──▶ first delivery, with the pin's id ──▶ pulls with that id
//
//   The server gives to a pull under one pin only: a pull without an id gets it with its first delivery, one with an id is ended (423)
//   as soon as another pin is given. Pins are never given twice. So
//   P1. between two deliveries of one opening nobody else was delivered anything: their numbers (the consumer's own) go on by one unless
//       somebody has set the consumer back meanwhile, and then they begin at 1;
//   P2. the consumer is only ever set back to a place up to which the journal holds that all was given out (`stored`), or before. What the
//       journal holds never goes back, and who comes later has read all of it. So whoever has set it back: a delivery with the number 1
//       is the first message from there on, and nothing that its receiver lacks lies before it. What it has already, it drops;
//   P3. a delivery with another number than the one that follows ends the opening: all begins again, behind what was given out.
//   P2 is why the place to go back to is not the last message seen: an owner that was replaced has seen messages that no commit of its
//   own will ever say, and would set its successor's consumer to behind them.
//   P4. Waiting pulls without an id do not say whether somebody else is pinned: that is asked (served).

import { assert } from '../../base/assert.ts';
import type { ConsumerWay, Place } from './consumer-way.ts';
import { callApi, type ApiAnswer } from './jetstream-api.ts';
import type { Link } from './link.ts';
import { STOCK_GROUP, type StockPlace } from './stock-consumer.ts';

export const PIN_HEADER = 'Nats-Pin-Id';

type Info = {
  readonly priority_groups?: readonly { readonly pinned_client_id?: string }[];
};

const PIN_CHARS = 22;
const ANSWER_MS = 2_000;

export class PinnedConsumer implements ConsumerWay {
  readonly isContested = true;
  readonly name: string;
  /** Of a message that has headers of its own; another one is counted 12 too large, which a window bears (W1). */
  readonly pinBytes = `${PIN_HEADER}: ${'x'.repeat(PIN_CHARS)}\r\n`.length;
  readonly #link: Link;
  readonly #place: Omit<StockPlace, 'subject'>;
  #stored: number;
  /** '': no delivery has told it yet. */
  #pin = '';
  /** A pull without an id waits. */
  #isAsking = false;

  /** `storedSequence`: as the journal holds it, 0 when it says nothing. */
  constructor(link: Link, place: Omit<StockPlace, 'subject'>, { storedSequence }: { readonly storedSequence: number }) {
    this.#link = link;
    this.#place = place;
    this.name = place.consumer;
    this.#stored = storedSequence;
  }

  async open(lastSequence: number): Promise<ApiAnswer<string>> {
    assert(this.#stored <= lastSequence, () => `${this.#stored} is stored, ${lastSequence} was given out`);
    this.#pin = '';
    this.#isAsking = false;
    const unpinned = await this.#ask<object>('UNPIN', { group: STOCK_GROUP });
    if (unpinned.kind !== 'ok') return unpinned;
    const reset = await this.#ask<object>('RESET', { seq: this.#stored + 1 }); // P2
    return reset.kind === 'ok' ? { kind: 'ok', value: this.#place.consumer } : reset;
  }

  get mayPull(): boolean {
    return this.#pin !== '' || !this.#isAsking;
  }

  pull(request: object): object {
    if (this.#pin !== '') return { ...request, group: STOCK_GROUP, id: this.#pin };
    this.#isAsking = true;
    return { ...request, group: STOCK_GROUP };
  }

  ended(): void {
    this.#isAsking = false;
  }

  judge(now: Place, last: Place, pin: () => string): 'next' | 'known' | 'broken' {
    if (now.consumerSequence !== last.consumerSequence + 1) return 'broken'; // P3
    if (this.#pin === '') this.#pin = pin();
    if (this.#pin === '') return 'broken'; // no consumer of ours: it pins nobody
    return now.sequence > last.sequence ? 'next' : 'known';
  }

  get isInDoubt(): boolean {
    return this.#pin === '';
  }

  /** P4. Nobody is, too, as long as we have not been. */
  async served(): Promise<'us' | 'others' | 'unknown' | { readonly absent: string }> {
    const pin = this.#pin;
    const answer = await this.#ask<Info>('INFO', null);
    if (answer.kind === 'absent') return { absent: answer.reason };
    if (answer.kind !== 'ok' || pin !== this.#pin) return 'unknown';
    return pinOf(answer.value) === pin ? 'us' : 'others';
  }

  stored(sequence: number): void {
    this.#stored = Math.max(this.#stored, sequence);
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }

  async #ask<T>(verb: 'UNPIN' | 'RESET' | 'INFO', body: object | null): Promise<ApiAnswer<T>> {
    const call = `CONSUMER.${verb}.${this.#place.stream}.${this.#place.consumer}`;
    const answer = await callApi<T>(this.#link, call, body, ANSWER_MS);
    return answer.kind === 'absent' ? { kind: 'absent', reason: `${call}: ${answer.reason}` } : answer;
  }
}

function pinOf({ priority_groups: groups = [] }: Info): string {
  return groups[0]?.pinned_client_id ?? '';
}
