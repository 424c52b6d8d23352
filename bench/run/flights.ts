// `npm run bench -- flights`: the example's job over its rows, with each number of workers.
//
//   G1. Each number of workers gives the same results as the first, byte for byte but for their order. That these are right
//       is what `npm test` proves, by a slow computation over the same rows.

import { hash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { clearRun, measureRun } from './measure-run.ts';
import type { MeasuredRun, RunPlace } from './measure-run.ts';
import { throughputRow } from './throughput-row.ts';
import type { ThroughputRow } from './throughput-row.ts';
import { withServer } from './with-server.ts';

export type FlightsOptions = {
  readonly workers: readonly number[];
  /** Values of the job's parameters: other files of the same format. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly profileDir: string | null;
};

export type FlightsResult = { readonly events: number; readonly rows: readonly ThroughputRow[] };

const EXAMPLE = new URL('../../examples/flights/', import.meta.url);
const JOB = fileURLToPath(new URL('stream-job.yaml', EXAMPLE));
const JANUARY = fileURLToPath(new URL('data/flights-2013-01.csv.gz', EXAMPLE));

export async function flights(options: FlightsOptions, log: (line: string) => void): Promise<FlightsResult> {
  return withServer(async (place) => {
    const header = join(place.folder, 'header.csv');
    writeFileSync(header, firstLine(options.parameters['flights'] ?? JANUARY));
    const rows: ThroughputRow[] = [];
    let [events, first]: [number, string | null] = [0, null];
    for (const workers of options.workers) {
      log(`flights, ${workers} worker${workers === 1 ? '' : 's'} …`);
      const empty = await runOnce(place, options, { name: `flights-${workers}-empty`, workers, parameters: { flights: header } });
      const name = `flights-${workers}`;
      const run = await runOnce(place, options, { name, workers, parameters: {} });
      const results = hashOfResults(join(place.folder, name));
      first ??= results;
      if (results !== first) throw new Error(`${workers} workers gave other results than ${options.workers[0]}`); // G1
      events = run.report.eventsIn;
      rows.push(throughputRow(run, empty, { workers, events, results: run.report.eventsOut }));
    }
    return { events, rows };
  });
}

async function runOnce(
  place: RunPlace,
  { parameters, profileDir }: FlightsOptions,
  run: { readonly name: string; readonly workers: number; readonly parameters: Readonly<Record<string, string>> },
): Promise<MeasuredRun> {
  const isEmpty = 'flights' in run.parameters;
  const measured = await measureRun(place, {
    file: JOB,
    name: run.name,
    workers: run.workers,
    parameters: { ...parameters, ...run.parameters },
    profileDir: isEmpty || profileDir === null ? null : join(profileDir, run.name),
  });
  await clearRun(place.nc, measured.plan);
  return measured;
}

function firstLine(path: string): string {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text.slice(0, text.indexOf('\n') + 1);
}

function hashOfResults(folder: string): string {
  const names = readdirSync(folder).filter((name) => name.endsWith('.ndjson'));
  const texts = names.sort().map((name) => [name, ...readFileSync(join(folder, name), 'utf8').split('\n').sort()].join('\n'));
  return hash('sha256', texts.join('\n'));
}
