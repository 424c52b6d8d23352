// `npm run bench -- passthrough|count`: fills JetStream with Nexmark events, runs the job over them with each number of
// workers, checks every result, and gives the figures.
//
//   T1. A run over an empty stream tells what starting and ending cost; what a run took above that is the events'.

import { fileURLToPath } from 'node:url';
import { load } from '../load.ts';
import type { Loaded } from '../load.ts';
import type { NexmarkOptions } from '../nexmark/generator.ts';
import { generatedPieces } from '../nexmark/pieces.ts';
import { makeCheck } from './checks.ts';
import type { Check, CheckName } from './checks.ts';
import { checkedRun, seen } from './checked-run.ts';
import type { MeasuredRun, RunPlace } from './measure-run.ts';
import { throughputRow } from './throughput-row.ts';
import type { ThroughputRow } from './throughput-row.ts';
import { withServer } from './with-server.ts';

export const SINKS = ['journal', 'batch', 'message'] as const;
export type SinkVariant = (typeof SINKS)[number];

export type ThroughputOptions = NexmarkOptions & {
  readonly name: CheckName;
  readonly events: number;
  readonly workers: readonly number[];
  readonly linesPerMessage: number;
  readonly sink: SinkVariant;
  readonly profileDir: string | null;
};

export type ThroughputResult = { readonly loaded: Loaded; readonly rows: readonly ThroughputRow[] };

const SPLITS = 4;
const STREAM = { stream: 'NEXMARK', prefix: 'nexmark', splits: SPLITS };

export async function throughput(options: ThroughputOptions, log: (line: string) => void): Promise<ThroughputResult> {
  return withServer(async (place) => {
    const check = makeCheck(options.name);
    const { linesPerMessage, events } = options;
    await load(place.nc, [], { ...STREAM, linesPerMessage });
    const empty = new Map<number, MeasuredRun>();
    for (const workers of options.workers) empty.set(workers, await runOnce(place, options, { workers, kind: 'empty' }));
    const pieces = seen(generatedPieces(options, { from: 0, to: events }), check);
    const loaded = await load(place.nc, pieces, { ...STREAM, linesPerMessage });
    log(`${events} events, ${loaded.bytes} bytes, in ${loaded.messages} messages, stored in ${Math.round(loaded.elapsedMs)} ms`);
    const rows: ThroughputRow[] = [];
    for (const workers of options.workers) {
      log(`${options.name}, ${workers} worker${workers === 1 ? '' : 's'} …`);
      const run = await runOnce(place, options, { workers, kind: 'full' }, check);
      rows.push(throughputRow(run, empty.get(workers) as MeasuredRun, { workers, events, results: check.results }));
    }
    return { loaded, rows };
  });
}

async function runOnce(
  place: RunPlace,
  { name, sink, profileDir }: ThroughputOptions,
  { workers, kind }: { readonly workers: number; readonly kind: 'empty' | 'full' },
  check: Check | null = null,
): Promise<MeasuredRun> {
  const settings = {
    file: fileURLToPath(new URL(`../jobs/${sink === 'journal' ? name : `${name}-${sink}`}.yaml`, import.meta.url)),
    name: `${name}-${workers}-${kind}`,
    workers,
    profileDir: kind === 'full' && profileDir !== null ? `${profileDir}/${name}-${sink}-${workers}` : null,
  };
  return checkedRun(place, settings, check);
}
