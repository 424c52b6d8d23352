import { expect, test } from 'vitest';
import { simulateRevisionsOf, simulateSavepointOf } from './going-on.ts';
import { OTHER_JOBS } from './other-jobs.ts';

type Name = keyof typeof OTHER_JOBS;

const NAMES = Object.keys(OTHER_JOBS) as Name[];
const SEEDS: readonly number[] = [1]; // more of them: `npm run sim -- --of NAME --on revisions --seed 1 --seeds 60`
// Seeds that found something:
//   lookups on savepoint, 1: a lookup that was full took nothing in, and while the job was paused none of it went on: no savepoint came.
//   clocks on savepoint, 2: an owner's claim behind a part of the savepoint let the clock go on, and what was due then came twice.
//   clocks on savepoint, 8: the same by watermarks that settled behind a take-over.
const FOUND: Partial<Readonly<Record<Name, readonly number[]>>> = { clocks: [2, 8] };

test.each([
  { fact: 'is declared anew while it works', on: 'revisions', play: simulateRevisionsOf, found: {} },
  { fact: 'goes on from a savepoint under another name', on: 'savepoint', play: simulateSavepointOf, found: FOUND },
])(
  'each simulated job that $fact gives what it gives when nothing happens, though workers die',
  async ({ on, play, found }) => {
    let amidst = 0;
    for (const name of NAMES) {
      for (const seed of [...SEEDS, ...((found as typeof FOUND)[name] ?? [])]) {
        const again = `npm run sim -- --of ${name} --on ${on} --seed ${seed}`;
        const { problems, isAmidst } = await play(OTHER_JOBS[name], seed);
        expect({ again, problems }).toEqual({ again, problems: [] });
        if (isAmidst) amidst++;
      }
    }
    expect(amidst).toBeGreaterThan(NAMES.length / 3);
  },
  900_000,
);
