import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { MemoryBlobStore } from '../../runtime/testing/memory-blob-store.ts';
import { MemoryJournal } from '../../runtime/testing/memory-journal.ts';
import { NO_FAULTS } from '../../runtime/testing/memory-faults.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { blobContract } from './blob-contract.ts';
import { journalContract } from './journal-contract.ts';

const journal = new MemoryJournal({ clock: systemClock, random: seededRandom(1), faults: { ...NO_FAULTS, latencyMs: [0, 1] } });

const bed = {
  open: () => Promise.resolve(journal),
  openBlobs: () => Promise.resolve(new MemoryBlobStore()),
  crash: async () => {
    journal.disconnect();
    journal.leaderAbsent(100);
    await systemClock.sleep(100);
  },
};

journalContract('model', () => bed);
blobContract('model', () => bed);
