// Events in the form of the Nexmark benchmark: persons who offer auctions and bid on them.
//
// Made from the benchmark's published description; the draws are our own, so the events are other ones than Beam's.
//   G1. Event n depends on the seed and n only.
//   G2. Of every 50 events the first is a person, the next 3 are auctions, the other 46 bids. Ids count up from 1000.
//   G3. Keys are uneven: half of the bids go to the newest "hot" auction (every 100th), three quarters come from the
//       newest hot bidder; three quarters of the auctions are the newest hot seller's.
//   G4. A bid may name an auction, and an auction a seller, that comes only later (up to 10 ahead).
//   G5. Event time rises evenly from 2015-07-15T00:00:00Z, which every window size of minutes or seconds divides.
//   G6. With channels half of the bids come from four well-known ones, the others from 10,000 more, whose id stands in nine of ten
//       urls. All else of an event is as without.

import { Draws } from './draws.ts';
import { Filler } from './filler.ts';

export type NexmarkOptions = {
  readonly seed: number;
  /** Events a second of event time. */
  readonly eventsPerS: number;
  /** Bids have a channel and a url (G6). */
  readonly channels?: boolean;
};

export const NEXMARK_START_MS = 1_436_918_400_000;

const CYCLE = 50;
const AUCTIONS_PER_CYCLE = 3;
const FIRST_ID = 1000;
const FIRST_CATEGORY = 10;
const CATEGORIES = 5;
const HOT_EVERY = 100;
const IDS_AHEAD = 10;
const RECENT_AUCTIONS = 100;
const RECENT_PERSONS = 1000;
/** An auction stays open for about as many events as bring this many new auctions. */
const OPEN_AUCTIONS = 100;
const [PERSON_BYTES, AUCTION_BYTES, BID_BYTES] = [200, 500, 100];
const NUMBER_BYTES = 8;

const WELL_KNOWN = ['Google', 'Facebook', 'Baidu', 'Apple'];
const OTHER_CHANNELS = 10_000;

const FIRST_NAMES = ['Ada', 'Bruno', 'Clara', 'Dev', 'Esther', 'Femi', 'Greta', 'Hugo', 'Ines', 'Jonas'];
const LAST_NAMES = ['Adler', 'Brandt', 'Castro', 'Diallo', 'Evans', 'Fischer', 'Gupta', 'Hansen', 'Ito'];
const PLACES: readonly (readonly [city: string, state: string])[] = [
  ['Phoenix', 'AZ'],
  ['Los Angeles', 'CA'],
  ['San Francisco', 'CA'],
  ['Boise', 'ID'],
  ['Portland', 'OR'],
  ['Bend', 'OR'],
  ['Redmond', 'WA'],
  ['Seattle', 'WA'],
  ['Kent', 'WA'],
  ['Cheyenne', 'WY'],
];

export class NexmarkGenerator {
  readonly #draws: Draws;
  readonly #filler: Filler;
  readonly #msPerEvent: number;
  readonly #channels: boolean;

  constructor({ seed, eventsPerS, channels = false }: NexmarkOptions) {
    this.#channels = channels;
    this.#draws = new Draws(seed);
    this.#filler = new Filler(this.#draws);
    this.#msPerEvent = 1000 / eventsPerS;
  }

  /** Event `n` as one line of JSON, without its line feed. ASCII only. */
  line(n: number): string {
    const place = n % CYCLE;
    const cycle = (n - place) / CYCLE;
    const ts = this.#timeOf(n);
    this.#draws.begin(n + 1); // 0 is the filler's
    if (place === 0) return this.#person(cycle, ts);
    return place <= AUCTIONS_PER_CYCLE ? this.#auction(cycle * AUCTIONS_PER_CYCLE + place - 1, cycle, ts) : this.#bid(cycle, ts);
  }

  #timeOf(n: number): number {
    return NEXMARK_START_MS + Math.floor(n * this.#msPerEvent);
  }

  #person(index: number, ts: number): string {
    const draws = this.#draws;
    const name = `${draws.of(FIRST_NAMES)} ${draws.of(LAST_NAMES)}`;
    const email = `${this.#word(draws.below(7) + 3)}@${this.#word(draws.below(5) + 3)}.com`;
    const card = `${this.#digits()} ${this.#digits()} ${this.#digits()} ${this.#digits()}`;
    const [city, state] = draws.of(PLACES);
    const used = NUMBER_BYTES + name.length + email.length + card.length + city.length + state.length;
    const extra = this.#filler.take(draws, this.#about(PERSON_BYTES - used));
    return `{"type":"person","ts":${ts},"value":{"id":${FIRST_ID + index},"name":"${name}","emailAddress":"${email}","creditCard":"${card}","city":"${city}","state":"${state}","dateTime":${ts},"extra":"${extra}"}}`;
  }

  #auction(index: number, cycle: number, ts: number): string {
    const draws = this.#draws;
    const seller = draws.below(4) > 0 ? hot(cycle) : this.#recent(cycle, RECENT_PERSONS);
    const category = FIRST_CATEGORY + draws.below(CATEGORIES);
    const name = this.#words(3 + draws.below(17));
    const description = this.#words(3 + draws.below(97));
    const initialBid = this.#price();
    const reserve = initialBid + this.#price();
    const openMs = this.#msPerEvent * ((OPEN_AUCTIONS * CYCLE) / AUCTIONS_PER_CYCLE);
    const expires = ts + 1 + draws.below(Math.max(1, 2 * openMs));
    const extra = this.#filler.take(draws, this.#about(AUCTION_BYTES - 7 * NUMBER_BYTES - name.length - description.length));
    return `{"type":"auction","ts":${ts},"value":{"id":${FIRST_ID + index},"itemName":"${name}","description":"${description}","initialBid":${initialBid},"reserve":${reserve},"dateTime":${ts},"expires":${expires},"seller":${FIRST_ID + seller},"category":${category},"extra":"${extra}"}}`;
  }

  #bid(cycle: number, ts: number): string {
    const draws = this.#draws;
    const newest = cycle * AUCTIONS_PER_CYCLE + AUCTIONS_PER_CYCLE - 1;
    const auction = draws.below(2) > 0 ? hot(newest) : this.#recent(newest, RECENT_AUCTIONS);
    const bidder = draws.below(4) > 0 ? hot(cycle) + 1 : this.#recent(cycle, RECENT_PERSONS);
    const price = this.#price();
    const extra = this.#filler.take(draws, this.#about(BID_BYTES - 4 * NUMBER_BYTES));
    return `{"type":"bid","ts":${ts},"value":{"auction":${FIRST_ID + auction},"bidder":${FIRST_ID + bidder},"price":${price},"dateTime":${ts},"extra":"${extra}"${this.#channels ? this.#origin() : ''}}}`;
  }

  /** Drawn last, so that what was drawn before does not depend on it. */
  #origin(): string {
    const draws = this.#draws;
    const folders = `${this.#word(5)}/${this.#word(5)}/${this.#word(5)}`;
    const url = `https://www.nexmark.com/${folders}/item.htm?query=1`;
    if (draws.below(2) === 0) return `,"channel":"${draws.of(WELL_KNOWN)}","url":"${url}"`;
    const id = draws.below(OTHER_CHANNELS);
    return `,"channel":"channel-${id}","url":"${url}${draws.below(10) > 0 ? `&channel_id=${id}` : ''}"`;
  }

  /** One of the `count` newest indices up to `newest`, or one a little ahead (G4). */
  #recent(newest: number, count: number): number {
    const first = Math.max(0, newest - count + 1);
    return first + this.#draws.below(newest - first + 1 + IDS_AHEAD);
  }

  /** Cents, evenly spread over six orders of magnitude. */
  #price(): number {
    return Math.round(100 * 10 ** (this.#draws.share() * 6));
  }

  /** A size within a fifth of `target`. */
  #about(target: number): number {
    const least = Math.max(0, Math.round(target * 0.8));
    return least + this.#draws.below(Math.max(1, Math.round(target * 0.4)));
  }

  #word(length: number): string {
    let text = '';
    for (let i = 0; i < length; i++) text += String.fromCharCode(97 + this.#draws.below(26));
    return text;
  }

  /** Small letters with blanks between them. */
  #words(length: number): string {
    let text = this.#word(1);
    while (text.length < length - 1) text += this.#draws.below(12) === 0 ? ' ' : this.#word(1);
    return text + this.#word(1);
  }

  #digits(): string {
    return String(this.#draws.below(10_000)).padStart(4, '0');
  }
}

/** Index of the newest hot one (G3). */
function hot(newest: number): number {
  return newest - (newest % HOT_EVERY);
}
