import { expect, test } from 'vitest';
import { NO_FAULTS } from '../testing/memory-faults.ts';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { decideOnce } from './decide-once.ts';
import type { RedriveEntry } from './redrive-entry.ts';
import { decodeRedriveEntry } from './redrive-entry.ts';

const LANE = { stream: 'MR_j_redrive', subjects: ['mr.j.redrive.*'], bytesMax: -1 };
const PLACE = { stream: LANE.stream, subject: 'mr.j.redrive.1-0' };
const drop = (reason: string): RedriveEntry => ({ kind: 'drop', reason, atMs: 1 });

test('the first decision stays, whoever asks again, though answers are lost', async () => {
  const random = seededRandom(3);
  const clock = new VirtualClock(0);
  await clock.run(
    (async () => {
      for (let round = 0; round < 50; round++) {
        const faults = { ...NO_FAULTS, answerLost: 0.2, requestLost: 0.1, inFlight: 0.05 };
        const journal = new MemoryJournal({ clock, random, faults });
        await journal.ensureLane(LANE);
        const waiting = { clock, signal: new AbortController().signal };
        const decided = await Promise.all(['a', 'b', 'c'].map((who) => decideOnce(journal, PLACE, drop(who), waiting)));
        const stored = journal.lane(LANE.stream).read(1, [PLACE.subject], Infinity);
        expect(stored).toHaveLength(1);
        expect(decided.filter(({ kind }) => kind === 'stored')).toHaveLength(1);
        const winner = decided.findIndex(({ kind }) => kind === 'stored');
        expect(decodeRedriveEntry(stored[0]!.bytes)).toEqual(drop('abc'[winner]!));
      }
    })(),
  );
});

test('when nobody answers for long, it is not known (MR2102)', async () => {
  const clock = new VirtualClock(0);
  await clock.run(
    (async () => {
      const journal = new MemoryJournal({ clock, random: seededRandom(1), faults: { ...NO_FAULTS, requestLost: 1 } });
      await journal.ensureLane(LANE);
      const waiting = { clock, signal: new AbortController().signal };
      await expect(decideOnce(journal, PLACE, drop('a'), waiting)).rejects.toMatchObject({ code: 'MR2102' });
    })(),
  );
});
