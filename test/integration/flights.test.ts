// The flights job, as a user runs it, equals a slow and obvious computation over the same rows, row for row.

import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { JANUARY, differences, runFlights, withFolder } from '../support/flights-run.ts';

/** Of the lines of each file of results, sorted: whoever changes a byte of them changes what somebody reads. */
const DIGESTS = {
  'dead-letters.ndjson': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'hourly.ndjson': 'b634fe8e6e7aed26941cd236101cf57d53684c1658203f22560da16144e21d3f',
  'knock-on.ndjson': '629cd8a0961a23e6e04d64ee6fc14a3cf199a9e444cf10e07bc5cfeebc86bf24',
  'lost.ndjson': '33ff31cc1d2d8ce07c2098a3a9cd37a5d1a7afba928db1d881dfcc3a451f78f6',
  'sessions.ndjson': '14feba9258bb0af43abbf65f93de1b16c0064e9cffaa56de865cd4a3a09268da',
  'sliding.ndjson': 'e6b5e84bd22f52031b59b853f976f51d1109d6d8a8dd280d5c174a391519f836',
};

async function digestsOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.ndjson')).toSorted()) {
    const lines = (await readFile(join(folder, file), 'utf8')).trimEnd().split('\n');
    found[file] = createHash('sha256').update(lines.toSorted().join('\n')).digest('hex');
  }
  return found;
}

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
      expect(await digestsOf(outDir)).toEqual(DIGESTS);
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
