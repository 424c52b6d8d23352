// Splits of several workers that tell each other how far they have come, by messages that are lost, while splits move and workers die.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryBus } from '../testing/memory-directory.ts';
import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Alignment, TELL_MS } from './alignment.ts';
import type { Bus } from './directory.ts';
import type { SplitAlignment } from './split-alignment.ts';

const SPLITS = 4;
const MAX_DRIFT_MS = 1_000;
const LIMIT_MS = 600_000;

const source = (name: string, subjects: readonly string[]): object => ({
  name,
  nats: { subjects },
  eventTime: { at: 'event.at' },
  alignment: { maxDrift: '1s', group: 'all' },
});
const plan = planOfSpec({
  sources: [source('rows', ['a', 'b']), source('more', ['c', 'd'])],
  sinks: [{ name: 'out', from: ['rows', 'more'], nats: { subject: 'out' } }],
});

/** A split, read by whoever owns it: how far it has come, and how far that is stored. */
type Split = {
  readonly times: readonly number[];
  owner: number;
  epoch: number;
  at: number;
  stored: number;
  furthest: number;
  isEnded: boolean;
};
type Played = { readonly problems: readonly string[]; readonly held: number; readonly isThrough: boolean };

type Trouble = { readonly lost: number; readonly moves: number };

class World {
  readonly #clock = new VirtualClock();
  readonly #bus = new MemoryBus();
  readonly #random;
  readonly #trouble: Trouble;
  readonly #splits: Split[];
  readonly #workers: Alignment[] = [];
  readonly #problems: string[] = [];
  #held = 0;

  constructor(seed: number, times: readonly (readonly number[])[], trouble: Trouble) {
    this.#random = seededRandom(seed);
    this.#trouble = trouble;
    this.#splits = times.map((own, i) => ({
      times: own,
      owner: i % 3,
      epoch: 0,
      at: 0,
      stored: 0,
      furthest: WATERMARK_MIN,
      isEnded: false,
    }));
    for (let i = 0; i < 3; i++) this.#workers.push(this.#bear());
  }

  play(): Promise<Played> {
    return this.#clock.run(this.#play());
  }

  async #play(): Promise<Played> {
    for (const split of this.#splits) void this.#read(split);
    let left = this.#trouble.moves;
    while (this.#clock.nowMs() < LIMIT_MS && !this.#splits.every(({ isEnded }) => isEnded)) {
      for (const worker of this.#workers) worker.tell();
      await this.#clock.sleep(TELL_MS);
      if (left > 0 && this.#random.next() < 0.2) {
        left--;
        this.#move();
      }
    }
    return { problems: this.#problems, held: this.#held, isThrough: this.#splits.every(({ isEnded }) => isEnded) };
  }

  /** A worker that knows nothing yet. What it hears may be lost. */
  #bear(): Alignment {
    const bus: Bus = {
      publish: (topic, value) => this.#bus.publish(topic, value),
      subscribe: (topic, listener) =>
        this.#bus.subscribe(topic, (value) => (this.#random.next() < this.#trouble.lost ? undefined : listener(value))),
      isHeard: () => Promise.resolve(true),
    };
    const worker = new Alignment({ bus, clock: this.#clock });
    worker.update(plan);
    worker.listen();
    return worker;
  }

  /** A split goes to another worker, or one dies, and one that knows nothing takes its place. */
  #move(): void {
    const place = Math.floor(this.#random.next() * 3);
    if (this.#random.next() < 0.5) {
      this.#workers[place] = this.#bear();
      for (const split of this.#splits) if (split.owner === place) void this.#read(split);
      return;
    }
    const split = this.#splits[Math.floor(this.#random.next() * SPLITS)]!;
    split.owner = place;
    void this.#read(split);
  }

  /** Who owns it from now on begins at what is stored. */
  async #read(split: Split): Promise<void> {
    const epoch = ++split.epoch;
    const i = this.#splits.indexOf(split);
    let wake = (): void => undefined;
    const stage = plan.stages.find(({ id }) => id === (i < 2 ? 'rows' : 'more'))!;
    const own = this.#workers[split.owner]!.join(stage, i % 2, () => wake())!;
    split.at = split.stored;
    split.isEnded = false;
    this.#tell(split, own);
    while (split.epoch === epoch && split.at < split.times.length) {
      own.wait(own.isAhead);
      if (own.isAhead) {
        this.#held++;
        await Promise.race([new Promise<void>((resolve) => (wake = resolve)), this.#clock.sleep(LIMIT_MS)]);
        continue;
      }
      this.#take(split, own);
      await this.#clock.sleep(this.#random.next() * 50);
    }
    own.leave();
  }

  #take(split: Split, own: SplitAlignment): void {
    const before = split.at === 0 ? WATERMARK_MIN : split.times[split.at - 1]!;
    const lowest = Math.min(...this.#splits.map(({ furthest, isEnded }) => (isEnded ? WATERMARK_MAX : furthest)));
    if (before !== WATERMARK_MIN && before > lowest + MAX_DRIFT_MS)
      this.#problems.push(`${before} was read on while another was at ${lowest}`);
    const events = Math.min(own.pieceEvents, split.times.length - split.at);
    split.at += events;
    own.took(events, split.times[split.at - 1]!);
    if (this.#random.next() < 0.3 || split.at === split.times.length) split.stored = split.at; // its end is told when it is stored
    this.#tell(split, own);
  }

  #tell(split: Split, own: SplitAlignment): void {
    const watermark = split.at === 0 ? WATERMARK_MIN : split.times[split.at - 1]!;
    split.furthest = Math.max(split.furthest, watermark);
    split.isEnded = split.at === split.times.length;
    if (split.isEnded) own.end(split.epoch);
    else own.came(split.epoch, watermark, false);
  }
}

const rates = fc.array(fc.record({ stepMs: fc.integer({ min: 1, max: 900 }), events: fc.integer({ min: 0, max: 120 }) }), {
  minLength: SPLITS,
  maxLength: SPLITS,
});

test('E3 no split is read on that is ahead of what others have ever come to, and all are read to their end, whatever is lost and whoever dies', async () => {
  let held = 0;
  await fc.assert(
    fc.asyncProperty(
      rates,
      fc.integer({ min: 0, max: 1_000_000 }),
      fc.double({ min: 0, max: 0.8, noNaN: true }),
      async (splits, seed, lost) => {
        const times = splits.map(({ stepMs, events }) => Array.from({ length: events }, (_, i) => (i + 1) * stepMs));
        const played = await new World(seed, times, { lost, moves: 12 }).play();
        held += played.held;
        expect(played).toMatchObject({ problems: [], isThrough: true });
      },
    ),
    { numRuns: 60 },
  );
  expect(held).toBeGreaterThan(60); // else nothing was asked of it
});

test('a piece leads about an eighth of the drift, and its first is an event', async () => {
  const alignment = new Alignment({ bus: new MemoryBus(), clock: new VirtualClock() });
  alignment.update(plan);
  const split = alignment.join(
    plan.stages.find(({ id }) => id === 'rows')!,
    0,
    () => undefined,
  )!;
  const pieces: number[] = [];
  let at = 0;
  for (let i = 0; i < 8; i++) {
    pieces.push(split.pieceEvents);
    at += split.pieceEvents * 10; // 10 ms from event to event
    split.took(split.pieceEvents, at);
    split.came(1, at, false);
  }
  expect(pieces).toEqual([1, 2, 4, 8, 12, 12, 12, 12]);
});
