// Kills: whatever dies, and wherever, the results are those of a run without faults, to the byte of each line.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { FAILPOINTS } from '../../runtime/adapters/node/failpoint.ts';
import { RESULT_NAMES } from '../flights/compare-rows.ts';
import { startTestServer } from '../support/nats.ts';
import type { TestServer } from '../support/nats.ts';
import { runFlights, sortedLines, withFolder } from '../support/flights-run.ts';

/** January in about 12 s: long enough to be killed in. */
const SPEED = 220_000;
const KILLS = 20;
/** So that there are checkpoints, however few and large the records of a slow machine are. */
const CHECKPOINT_BYTES = 64 * 1024;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let undisturbed: Record<string, string[]>;
beforeAll(async () => {
  undisturbed = await withFolder(async (folder) => sortedLines((await runFlights(folder)).outDir));
});

describe('results are byte-equal to a run without faults', () => {
  test(`when workers are killed with SIGKILL up to ${KILLS} times at random moments`, () =>
    withFolder(async (folder) => {
      let kills = 0;
      const over = new AbortController();
      const { outcome, outDir } = await runFlights(
        folder,
        { speed: SPEED, workers: 2, isolation: 'process' },
        {
          onWorkers: (_resize, pids) =>
            void killAtRandom(pids, join(folder, 'out'), { over: over.signal, isEnough: () => ++kills >= KILLS }),
        },
      ).finally(() => over.abort());
      expect(outcome).toMatchObject({ ending: 'completed', failure: null });
      console.log(`killed ${kills} times at random, ${outcome.report.recoveries} tasks recovered`);
      // On a crowded machine it may be complete before so many were killed, and not each meets a worker that owns something already.
      expect(kills).toBeGreaterThanOrEqual(KILLS / 4);
      expect(outcome.report.recoveries).toBeGreaterThanOrEqual(KILLS / 4);
      expect(await sortedLines(outDir)).toEqual(undisturbed);
    }));

  test.each(FAILPOINTS.map((name) => ({ name })))('when the worker is killed at $name, again and again', ({ name }) =>
    withFolder(async (folder) => {
      const failpoints = [1, 2, 5, 11].map((nth) => `${name}:${nth}:kill`);
      const { outcome, outDir, logs } = await runFlights(folder, {
        speed: name.startsWith('checkpoint') ? 200_000 : 1_500_000,
        isolation: 'process',
        failpoints,
        checkpointBytes: CHECKPOINT_BYTES,
      });
      expect(outcome).toMatchObject({ ending: 'completed', failure: null });
      const kills = logs.filter((line) => line.includes('SIGKILL')).length;
      console.log(`killed at ${name} ${kills} times`);
      expect(kills).toBeGreaterThanOrEqual(1);
      expect(await sortedLines(outDir)).toEqual(undisturbed);
    }),
  );

  test('when the NATS server is killed 5 times and comes back', () =>
    withServer((server) =>
      withFolder(async (folder) => {
        const running = runFlights(folder, { speed: SPEED, workers: 2, natsUrl: server.url });
        for (let kill = 0; kill < 5; kill++) {
          await sleep(1_500);
          await server.kill();
          await sleep(300);
          await server.restart();
        }
        const { outcome, outDir } = await running;
        expect(outcome).toMatchObject({ ending: 'completed', failure: null });
        expect(await sortedLines(outDir)).toEqual(undisturbed);
      }),
    ));

  test('when a worker is suspended past its lease and goes on as a zombie', () =>
    withFolder(async (folder) => {
      let zombie = 0;
      const { outcome, outDir, logs } = await runFlights(
        folder,
        { speed: SPEED / 2, workers: 2, isolation: 'process' },
        { onWorkers: (_resize, pids) => void suspend(folder, pids, (pid) => (zombie = pid)) },
      );
      expect(outcome).toMatchObject({ ending: 'completed', failure: null });
      expect(zombie).toBeGreaterThan(0);
      expect(logs.join('\n')).toMatch(/was taken over by another worker; nothing of what was in flight here was written/);
      expect(await sortedLines(outDir)).toEqual(undisturbed);
    }));
});

/** `isEnough`: asked behind each kill. */
async function killAtRandom(
  pids: () => readonly number[],
  outDir: string,
  { over, isEnough }: { readonly over: AbortSignal; readonly isEnough: () => boolean },
): Promise<void> {
  for (let before = 0; !over.aborted; before = await bytesOf(outDir)) {
    await sleep(700 + Math.random() * 900);
    // Time to own something, not only to begin: on a crowded machine that takes longer.
    for (let looks = 0; looks < 200 && !over.aborted && (await bytesOf(outDir)) === before; looks++) await sleep(50);
    const alive = pids();
    const victim = alive[Math.floor(Math.random() * alive.length)];
    if (victim === undefined || over.aborted) continue;
    process.kill(victim, 'SIGKILL');
    if (isEnough()) return;
  }
}

/** Of the results that there are. */
async function bytesOf(outDir: string, names: readonly string[] = RESULT_NAMES): Promise<number> {
  const sizes = names.map((name) =>
    stat(join(outDir, `${name}.ndjson`)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** When there are results: then it owns something that another one will take over. */
async function suspend(folder: string, pids: () => readonly number[], tell: (pid: number) => void): Promise<void> {
  while ((await bytesOf(join(folder, 'out'), ['hourly'])) === 0) await sleep(100);
  await sleep(2_000);
  const [victim] = pids();
  if (victim === undefined) return;
  tell(victim);
  process.kill(victim, 'SIGSTOP');
  await sleep(6_000);
  process.kill(victim, 'SIGCONT');
}

async function withServer(use: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await startTestServer({});
  try {
    await use(server);
  } finally {
    await server.stop();
  }
}
