// Up to which time nothing that goes round can be older: the watermark of what comes back.
//
// Each record of a task says how far its other inputs have come, up to where it has taken in the lane of its own stage, and the lowest
// time of what it sends round itself.
//
//   LH1. What a partition sends round was caused by what comes to it from elsewhere, which its other inputs bound, or by what came back.
//   LH2. What lies in a record that all partitions have taken in comes back no more: of the others the lowest time bounds.
//   LH3. So it rises whenever what is old is through, however much goes round: a number of rounds is bounded, and nothing waits for a
//        watermark on its way.
//   LH4. What is known may be older, or less exact, than what another task knows: then it is lower, and right as well.

import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';
import { together, type Together } from '../time/watermark.ts';

/** What a partition's last record says. */
export type LoopStanding = {
  readonly watermark: number;
  readonly isIdle: boolean;
  /** Last sequence of the own lane that it has taken in. */ readonly sequence: number;
};

type UnderWay = { readonly sequence: number; readonly lowMs: number };

const NOTHING: LoopStanding = { watermark: WATERMARK_MIN, isIdle: false, sequence: 0 };
const STANDING_NUMBERS = 3;
/** Each record holds what is known (task/feedback.ts, FB3): more of them are told as one (LH4). */
const UNDER_WAY_MAX = 32;

export class LoopHold {
  readonly #partitions: LoopStanding[];
  /** By sequence, and so by time: what is behind a lower one needs no place of its own. */
  #underWay: UnderWay[] = [];

  constructor(partitionCount: number) {
    this.#partitions = Array.from({ length: partitionCount }, () => NOTHING);
  }

  /** Of the record at `sequence`. `lowMs`: null, it sends nothing round that could be late. */
  note(partition: number, standing: LoopStanding, sent: { readonly sequence: number; readonly lowMs: number | null }): void {
    this.#partitions[partition] = standing;
    const { sequence, lowMs } = sent;
    if (lowMs !== null) {
      while ((this.#underWay.at(-1)?.lowMs ?? -Infinity) >= lowMs) this.#underWay.pop();
      this.#underWay.push({ sequence, lowMs });
    }
    const taken = Math.min(...this.#partitions.map((one) => one.sequence));
    const first = this.#underWay.findIndex((one) => one.sequence > taken); // LH2
    this.#underWay.splice(0, first < 0 ? this.#underWay.length : first);
    while (this.#underWay.length > UNDER_WAY_MAX) {
      const [one, next, ...rest] = this.#underWay as [UnderWay, UnderWay, ...UnderWay[]];
      this.#underWay = [{ sequence: next.sequence, lowMs: one.lowMs }, ...rest];
    }
  }

  /** No event that comes back later is at or before it. */
  get together(): Together {
    const outer = together(
      this.#partitions.map(({ watermark }) => watermark),
      this.#partitions.map(({ isIdle }) => isIdle),
    );
    const [first] = this.#underWay;
    return first === undefined ? outer : { watermark: Math.min(outer.watermark, first.lowMs - 1), isIdle: false };
  }

  numbers(): number[] {
    return [
      ...this.#partitions.flatMap(({ watermark, isIdle, sequence }) => [watermark, isIdle ? 1 : 0, sequence]),
      ...this.#underWay.flatMap(({ sequence, lowMs }) => [sequence, lowMs]),
    ];
  }

  /** `isSameLane`: sequences mean what they meant. In another (of a savepoint) nothing is under way. */
  restore(numbers: readonly (number | null)[], isSameLane: boolean): void {
    const standings = this.#partitions.length * STANDING_NUMBERS;
    if (numbers.length < standings) return;
    this.#partitions.forEach((_, partition) => {
      const [watermark, idle, sequence] = numbers.slice(partition * STANDING_NUMBERS, (partition + 1) * STANDING_NUMBERS);
      this.#partitions[partition] = {
        watermark: watermark ?? WATERMARK_MIN,
        isIdle: idle === 1,
        sequence: isSameLane ? (sequence ?? 0) : 0,
      };
    });
    const rest = isSameLane ? numbers.slice(standings) : [];
    this.#underWay = Array.from({ length: Math.floor(rest.length / 2) }, (_, i) => ({
      sequence: rest[2 * i] as number,
      lowMs: rest[2 * i + 1] as number,
    }));
  }
}

/** The lowest of `times` behind `watermark`; null: there is none, what is late already holds nobody up. */
export function lowestBehind(watermark: number, times: readonly number[]): number | null {
  let low = WATERMARK_MAX;
  for (const time of times) if (time > watermark && time < low) low = time;
  return low === WATERMARK_MAX ? null : low;
}
