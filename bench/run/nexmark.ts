// `npm run bench -- nexmark`: queries of the Nexmark suite from JetStream to JetStream, exactly once, with each number of workers.
//
//   N1. Every run's results are those of the query's slow model over all events; a run that gives others ends the benchmark.
//   N2. A run over an empty stream tells what starting and ending cost; CPU time is what a run took above that.
//   N3. When the time is over no further run begins, and what was left out is told.

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load, subjectsOf } from '../load.ts';
import type { Loaded } from '../load.ts';
import type { NexmarkOptions } from '../nexmark/generator.ts';
import type { NexmarkLine } from '../nexmark/models/model.ts';
import { needsChannels } from '../nexmark/models/models.ts';
import type { QueryName } from '../nexmark/models/models.ts';
import { generatedPieces } from '../nexmark/pieces.ts';
import { clearRun, measureRun, type MeasuredRun, type RunPlace } from './measure-run.ts';
import { NexmarkCheck } from './nexmark-check.ts';
import { NEXMARK_SINK, exampleOf, nexmarkJob } from './nexmark-job.ts';
import type { NexmarkSink } from './nexmark-job.ts';
import { readOutput } from './output.ts';
import { throughputRow } from './throughput-row.ts';
import type { ThroughputRow } from './throughput-row.ts';
import { withServer } from './with-server.ts';

export type NexmarkBenchOptions = NexmarkOptions & {
  readonly queries: readonly QueryName[];
  readonly events: number;
  readonly workers: readonly number[];
  readonly linesPerMessage: number;
  readonly sink: NexmarkSink;
  readonly minutesMax: number;
  readonly profileDir: string | null;
};
export type NexmarkRow = ThroughputRow & { readonly query: QueryName };
export type NexmarkResult = {
  readonly loaded: readonly Loaded[];
  readonly rows: readonly NexmarkRow[];
  /** N3 */ readonly leftOut: readonly string[];
};

const SPLITS = 4;
const PLAIN = { stream: 'NEXMARK', prefix: 'nexmark', splits: SPLITS };
const CHANNELS = { stream: 'NEXMARK-CHANNELS', prefix: 'nexmark-channels', splits: SPLITS };
const EMPTY = { stream: 'NEXMARK-EMPTY', prefix: 'nexmark-empty', splits: SPLITS };
const MINUTE_MS = 60_000;

export async function nexmark(options: NexmarkBenchOptions, log: (line: string) => void): Promise<NexmarkResult> {
  const endMs = Date.now() + options.minutesMax * MINUTE_MS;
  return withServer(async (place) => {
    const checks = options.queries.map((query) => new NexmarkCheck(query));
    await load(place.nc, [], { ...EMPTY, linesPerMessage: options.linesPerMessage });
    const loaded: Loaded[] = [];
    for (const stream of [PLAIN, CHANNELS]) {
      const some = checks.filter(({ query }) => streamOf(query) === stream);
      if (some.length > 0) loaded.push(await fill(place, options, { stream, checks: some, log }));
    }
    const [rows, leftOut]: [NexmarkRow[], string[]] = [[], []];
    for (const check of checks) {
      for (const workers of options.workers) {
        const name = `${check.query} with ${workers} worker${workers === 1 ? '' : 's'}`;
        if (Date.now() >= endMs) {
          leftOut.push(name); // N3
          continue;
        }
        log(`${name} …`);
        rows.push(await measure(place, options, { check, workers }));
      }
    }
    return { loaded, rows, leftOut };
  });
}

function streamOf(query: QueryName): typeof PLAIN {
  return needsChannels(query) ? CHANNELS : PLAIN;
}

async function fill(
  { nc }: RunPlace,
  { events, seed, eventsPerS, linesPerMessage }: NexmarkBenchOptions,
  {
    stream,
    checks,
    log,
  }: { readonly stream: typeof PLAIN; readonly checks: readonly NexmarkCheck[]; readonly log: (line: string) => void },
): Promise<Loaded> {
  const pieces = generatedPieces({ seed, eventsPerS, channels: stream === CHANNELS }, { from: 0, to: events });
  const loaded = await load(nc, told(pieces, checks), { ...stream, linesPerMessage });
  log(
    `${stream.stream}: ${events} events, ${loaded.bytes} bytes, in ${loaded.messages} messages, stored in ${Math.round(loaded.elapsedMs)} ms`,
  );
  checks.forEach((check) => check.seal());
  return loaded;
}

async function measure(
  place: RunPlace,
  options: NexmarkBenchOptions,
  { check, workers }: { readonly check: NexmarkCheck; readonly workers: number },
): Promise<NexmarkRow> {
  const { query } = check;
  const profileDir = options.profileDir === null ? null : join(options.profileDir, `${query}-${workers}`);
  const settings = (kind: 'empty' | 'full') => {
    const name = `nexmark-${query}-${workers}-${kind}`;
    const file = jobFile(place, options, { query, name, subjects: subjectsOf(kind === 'full' ? streamOf(query) : EMPTY) });
    return { file, name, workers, profileDir: kind === 'full' ? profileDir : null };
  };
  const empty = await measureRun(place, settings('empty'));
  await clearRun(place.nc, empty.plan);
  const run = await measureRun(place, settings('full'));
  const results = await checked(place, run, check);
  return { query, ...throughputRow(run, empty, { workers, events: options.events, results }) };
}

/** How many results there were; rejects when they are wrong (N1). */
async function checked(place: RunPlace, run: MeasuredRun, check: NexmarkCheck): Promise<number> {
  const found = check.begin();
  await readOutput(place.nc, run.plan, (line) => found.result(line), NEXMARK_SINK);
  const problem = found.problem();
  if (problem !== null) throw new Error(`${run.plan.job} gave wrong results: ${problem}`);
  await clearRun(place.nc, run.plan);
  return found.results;
}

function jobFile(
  { folder }: RunPlace,
  { sink }: NexmarkBenchOptions,
  { query, name, subjects }: { readonly query: QueryName; readonly name: string; readonly subjects: readonly string[] },
): string {
  const example = exampleOf(query);
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, nexmarkJob(readFileSync(example, 'utf8'), { subjects, sink, folder: dirname(example) }));
  return file;
}

/** The pieces, of which each check is told every event. */
function* told(pieces: Iterable<readonly string[]>, checks: readonly NexmarkCheck[]): Generator<readonly string[]> {
  for (const lines of pieces) {
    for (const line of lines) {
      const event = JSON.parse(line) as NexmarkLine;
      for (const check of checks) check.event(event);
    }
    yield lines;
  }
}
