import { expect, test } from 'vitest';
import { simulateRedrives } from './redrives.ts';

const SEEDS = 20;

test(`${SEEDS} runs in which two people put dead letters in again amid crashes: each event counts once, in order per key`, async () => {
  const total = { letters: 0, again: 0, kills: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { problems, letters, again, kills } = await simulateRedrives(seed);
    expect({ again: `npm run sim -- --of redrives --seed ${seed}`, problems }).toMatchObject({ problems: [] });
    total.letters += letters;
    total.again += again;
    total.kills += kills;
  }
  expect(total.letters - total.again).toBeGreaterThan(SEEDS * 20);
  expect(total.again).toBeGreaterThan(SEEDS); // what was put in before the job was mended failed again
  expect(total.kills).toBeGreaterThan(SEEDS);
}, 300_000);
