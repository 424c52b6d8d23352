import { expect, test } from 'vitest';
import { NO_HASH } from '../journal/record-codec.ts';
import type { Journal } from '../journal/journal.ts';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { makeCommit } from '../testing/sample-records.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { LaneFeed, type Seen } from './lane-feed.ts';

const STREAM = 'MR_j_s';
const SUBJECT = 'mr.j.s.0';
const clock = new VirtualClock();

/** A lane of records that know so many exchanges each. */
async function laneOf(outputs: readonly number[]): Promise<Journal> {
  const journal = new MemoryJournal({ clock, random: seededRandom(1) });
  await journal.ensureLane({ stream: STREAM, subjects: ['mr.j.s.*'], bytesMax: -1 });
  let [previousHash, expected] = [NO_HASH, 0];
  for (const [place, count] of outputs.entries()) {
    const watermarks = Array.from({ length: count }, () => null);
    const { bytes, hash } = makeCommit({ body: Buffer.from('x'), number: place + 1, previousHash, stage: 's', watermarks });
    await journal.append(STREAM, SUBJECT, expected, bytes);
    [previousHash, expected] = [hash, place + 1];
  }
  return journal;
}

/** Record 3 is missing for who reads on from record 2, as if it had been purged meanwhile. */
function withGap(journal: Journal): Journal {
  return {
    ensureLane: (config) => journal.ensureLane(config),
    append: (...asked) => journal.append(...asked),
    last: (...asked) => journal.last(...asked),
    purge: (...asked) => journal.purge(...asked),
    figures: (stream) => journal.figures(stream),
    deleteLane: (stream) => journal.deleteLane(stream),
    read: (...asked) => {
      const reader = journal.read(...asked);
      return {
        ...reader,
        wake: () => reader.wake(),
        close: () => reader.close(),
        next: async (options) => (await reader.next(options)).filter(({ sequence }) => sequence !== 3),
      };
    },
  };
}

/** What a subscriber gets that reads exchange number `place`, and whether it was told of a gap. */
async function read(journal: Journal, place: number): Promise<{ got: number[]; missed: boolean }> {
  const got: number[] = [];
  let missed = false;
  const feed = new LaneFeed(withGap(journal), STREAM, () => undefined);
  await clock.run(
    (async () => {
      feed.subscribe(
        {
          offer: ({ sequence }) => void got.push(sequence),
          missed: () => (missed = true),
          needsBehind: ({ outputs }: Seen) => place < outputs,
          hasRoom: () => true,
          room: () => Promise.resolve(),
        },
        0,
      );
      await clock.sleep(100);
      await feed.close();
    })(),
  );
  return { got, missed };
}

test.each([
  {
    fact: 'of who has read the exchange all along, a gap is told, and nothing is offered behind it',
    outputs: [2, 2, 2, 2],
    place: 1,
    got: [1, 2],
    missed: true,
  },
  {
    fact: 'a new reader gets what is there behind records that knew nothing of it',
    outputs: [2, 2, 3, 3],
    place: 2,
    got: [1, 2, 4],
    missed: false,
  },
  { fact: 'behind the first record that knows it a gap is one', outputs: [2, 3, 3, 3], place: 2, got: [1, 2], missed: true },
])('$fact', async ({ outputs, place, got, missed }) => {
  expect(await read(await laneOf(outputs), place)).toEqual({ got, missed });
});
