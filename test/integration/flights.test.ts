// The flights job, as a user runs it, equals a slow and obvious computation over the same rows, row for row.

import { describe, expect, test } from 'vitest';
import { JANUARY, differences, runFlights, withFolder } from '../support/flights-run.ts';

describe('the flights job', () => {
  test.each([{ workers: 1 }, { workers: 2 }, { workers: 4 }])('with $workers workers equals the slow computation', ({ workers }) =>
    withFolder(async (folder) => {
      const { outcome, outDir } = await runFlights(folder, { workers });
      expect(outcome).toMatchObject({
        ending: 'completed',
        failure: null,
        report: { eventsIn: 27_004, late: 0, deadLetters: 0 },
      });
      expect(await differences(outDir, JANUARY)).toEqual([]);
    }),
  );

  test('rescaled in mid-run from 1 to 4 to 2 workers gives equal results', () =>
    withFolder(async (folder) => {
      const { outcome, outDir } = await runFlights(folder, { speed: 300_000 }, { onWorkers: (resize) => void rescale(resize) });
      expect(outcome).toMatchObject({ ending: 'completed', report: { late: 0, deadLetters: 0 } });
      expect(outcome.report.recoveries).toBeGreaterThan(0);
      expect(await differences(outDir, JANUARY)).toEqual([]);
    }));

  test('a replay in event-time order gives equal results', () =>
    withFolder(async (folder) => {
      const { outcome, outDir } = await runFlights(folder, { speed: 2_000_000 });
      expect(outcome).toMatchObject({ ending: 'completed', report: { eventsIn: 27_004, late: 0 } });
      expect(await differences(outDir, JANUARY)).toEqual([]);
    }));
});

async function rescale(resize: (count: number) => Promise<void>): Promise<void> {
  for (const count of [4, 2]) {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await resize(count);
  }
}
