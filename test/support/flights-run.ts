// One run of the flights example for a test: its results held against the slow computation, or against another run.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runJob } from '../../cli/run/run-job.ts';
import type { RunControl, RunOutcome, RunRequest } from '../../cli/run/run-job.ts';
import { RESULT_NAMES, compareRows, parseRows } from '../flights/compare-rows.ts';
import { readFlightFile } from '../flights/slow-csv.ts';
import { slowFlights } from '../flights/slow-flights.ts';

export const FLIGHTS_JOB = fileURLToPath(new URL('../../examples/flights/stream-job.yaml', import.meta.url));
export const JANUARY = fileURLToPath(new URL('../../examples/flights/data/flights-2013-01.csv.gz', import.meta.url));

export type FlightsRun = { readonly outcome: RunOutcome; readonly outDir: string; readonly logs: readonly string[] };

/** A folder that is removed after `use`. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Runs the example in `folder` with what `options` change. */
export async function runFlights(
  folder: string,
  options: Partial<RunRequest> = {},
  control: Partial<RunControl> = {},
): Promise<FlightsRun> {
  const logs: string[] = [];
  const outDir = options.outDir ?? join(folder, 'out');
  const request: RunRequest = {
    file: FLIGHTS_JOB,
    workers: 1,
    natsUrl: null,
    dataDir: join(folder, 'data'),
    speed: null,
    parameters: {},
    name: null,
    fresh: false,
    durability: 'process',
    isolation: 'thread',
    ...options,
    outDir,
  };
  const outcome = await runJob(
    request,
    { onOpen: () => undefined, onProgress: () => undefined, onLog: (line) => logs.push(line) },
    { interrupt: new AbortController().signal, ...control },
  );
  const { unaccounted } = outcome.report;
  if (unaccounted.length > 0) throw new Error(`not every event is accounted for: ${unaccounted.join('; ')}`);
  return { outcome, outDir, logs };
}

/** Sentences on what differs from the slow computation over the rows of `file`; empty: equal, row for row. */
export async function differences(outDir: string, file: string): Promise<string[]> {
  const expected = slowFlights(readFlightFile(file).rows);
  const found = await Promise.all(
    RESULT_NAMES.map(async (name) => compareRows(name, expected[name], parseRows(await readFile(join(outDir, `${name}.ndjson`), 'utf8')))),
  );
  return found.filter((difference) => difference !== null);
}

/** All result files as sorted lines: equal for equal runs, whatever the order in which results came. */
export async function sortedLines(outDir: string): Promise<Record<string, string[]>> {
  const files = await Promise.all(
    RESULT_NAMES.map(
      async (name) =>
        [
          name,
          (await readFile(join(outDir, `${name}.ndjson`), 'utf8'))
            .split('\n')
            .filter((line) => line !== '')
            .sort(),
        ] as const,
    ),
  );
  return Object.fromEntries(files);
}
