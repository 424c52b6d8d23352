// `npm run bench -- tracing`: what tracing a share of the events costs a whole job, from JetStream to its journal, with a collector that
// takes spans. Runs with and without take turns on one filled server, so what disturbs the machine disturbs both; every result is checked.
//
//   T1. What starting a worker costs is measured over an empty stream, with and without, and told apart: it is paid once.

import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { load } from '../load.ts';
import { generatedPieces } from '../nexmark/pieces.ts';
import type { NexmarkOptions } from '../nexmark/generator.ts';
import { makeCheck } from './checks.ts';
import { checkedRun, seen } from './checked-run.ts';
import type { RunSettings } from './measure-run.ts';
import { aligned, counted } from './table.ts';
import { withServer } from './with-server.ts';

export type TracingBenchOptions = NexmarkOptions & { readonly events: number; readonly rounds: number; readonly sampling: number };

export type TracingRound = { readonly without: Figures; readonly traced: Figures };
/** CPU above that of an empty run (T1). */
type Figures = { readonly eventsPerS: number; readonly cpuSPerMillion: number };
export type TracingBenchResult = {
  readonly rounds: readonly TracingRound[];
  readonly spanBytes: number;
  /** CPU of a worker over an empty stream, ms (T1). */
  readonly emptyCpuMs: { readonly without: number; readonly traced: number };
  /** Of the traced to the other, by their medians. */
  readonly throughputShare: number;
  readonly cpuShare: number;
};

const STREAM = { stream: 'NEXMARK', prefix: 'nexmark', splits: 4, linesPerMessage: 100 };
/** Starting takes half a second of CPU, give or take a tenth. */
const EMPTY_RUNS = 5;
const JOB = fileURLToPath(new URL('../jobs/count.yaml', import.meta.url));

export async function tracing(options: TracingBenchOptions, log: (line: string) => void): Promise<TracingBenchResult> {
  return withServer(async (place) => {
    const collector = await startCollector();
    const check = makeCheck('count');
    const settingsOf = (name: string, sampling: number | null): RunSettings => {
      const trace = sampling === null ? {} : { tracing: { endpoint: collector.url, sampling, environment: {} } };
      return { file: JOB, name, workers: 1, profileDir: null, ...trace };
    };
    await load(place.nc, [], STREAM);
    const empty: { without: number[]; traced: number[] } = { without: [], traced: [] };
    for (let round = 0; round < EMPTY_RUNS; round++) {
      empty.without.push((await checkedRun(place, settingsOf(`empty-${round}-a`, null), null)).workerCpuMs);
      empty.traced.push((await checkedRun(place, settingsOf(`empty-${round}-b`, options.sampling), null)).workerCpuMs);
    }
    const emptyCpuMs = { without: median(empty.without), traced: median(empty.traced) };
    await load(place.nc, seen(generatedPieces(options, { from: 0, to: options.events }), check), STREAM);
    const runOnce = async (name: string, sampling: number | null): Promise<Figures> => {
      const run = await checkedRun(place, settingsOf(name, sampling), check);
      const cpuMs = run.workerCpuMs - emptyCpuMs[sampling === null ? 'without' : 'traced'];
      return {
        eventsPerS: options.events / ((run.spanMs ?? run.totalMs) / 1_000),
        cpuSPerMillion: cpuMs / 1_000 / (options.events / 1e6),
      };
    };
    const rounds: TracingRound[] = [];
    for (let round = 0; round < options.rounds; round++) {
      log(`round ${round + 1} of ${options.rounds} …`);
      const tracedFirst = round % 2 === 1;
      const first = await runOnce(`count-${round}-a`, tracedFirst ? options.sampling : null);
      const second = await runOnce(`count-${round}-b`, tracedFirst ? null : options.sampling);
      rounds.push(tracedFirst ? { traced: first, without: second } : { without: first, traced: second });
    }
    collector.stop();
    const share = (of: (figures: Figures) => number): number =>
      median(rounds.map(({ traced }) => of(traced))) / median(rounds.map(({ without }) => of(without)));
    const shares = { throughputShare: share(({ eventsPerS }) => eventsPerS), cpuShare: share(({ cpuSPerMillion }) => cpuSPerMillion) };
    return { rounds, spanBytes: collector.bytes(), emptyCpuMs, ...shares };
  });
}

export function tracingTable({ rounds, throughputShare, cpuShare, spanBytes, emptyCpuMs }: TracingBenchResult): string {
  const head = ['round', 'events/s without', 'traced', 'CPU-s/M without', 'traced'];
  const lines = rounds.map(({ without, traced }, round) => [
    String(round + 1),
    counted(without.eventsPerS),
    counted(traced.eventsPerS),
    without.cpuSPerMillion.toFixed(2),
    traced.cpuSPerMillion.toFixed(2),
  ]);
  const percent = (share: number): string => `${((share - 1) * 100).toFixed(1)} %`;
  return `${aligned([head, ...lines])}\n\nby the medians: throughput ${percent(throughputShare)}, CPU of the worker ${percent(cpuShare)}; ${counted(spanBytes)} bytes of spans\nan empty run: ${Math.round(emptyCpuMs.without)} ms of CPU without, ${Math.round(emptyCpuMs.traced)} ms with`;
}

/** Takes spans and throws them away. */
async function startCollector(): Promise<{ readonly url: string; readonly bytes: () => number; readonly stop: () => void }> {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on('data', (part: Buffer) => (bytes += part.length));
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, bytes: () => bytes, stop: () => server.close() };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
