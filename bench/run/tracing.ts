// `npm run bench -- tracing`: what tracing a share of the events costs a whole job, from JetStream to its journal, with a collector that
// takes spans. Runs with and without take turns on one filled server, so what disturbs the machine disturbs both; every result is checked.

import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { load } from '../load.ts';
import { generatedPieces } from '../nexmark/pieces.ts';
import type { NexmarkOptions } from '../nexmark/generator.ts';
import { makeCheck } from './checks.ts';
import { checkedRun, seen } from './checked-run.ts';
import { aligned, counted } from './table.ts';
import { withServer } from './with-server.ts';

export type TracingBenchOptions = NexmarkOptions & { readonly events: number; readonly rounds: number; readonly sampling: number };

export type TracingRound = { readonly without: Figures; readonly traced: Figures };
type Figures = { readonly eventsPerS: number; readonly cpuSPerMillion: number };
export type TracingBenchResult = {
  readonly rounds: readonly TracingRound[];
  readonly spanBytes: number;
  /** Of the traced to the other, by their medians. */
  readonly throughputShare: number;
  readonly cpuShare: number;
};

const STREAM = { stream: 'NEXMARK', prefix: 'nexmark', splits: 4, linesPerMessage: 100 };
const JOB = fileURLToPath(new URL('../jobs/count.yaml', import.meta.url));

export async function tracing(options: TracingBenchOptions, log: (line: string) => void): Promise<TracingBenchResult> {
  return withServer(async (place) => {
    const collector = await startCollector();
    const check = makeCheck('count');
    await load(place.nc, seen(generatedPieces(options, { from: 0, to: options.events }), check), STREAM);
    const runOnce = async (name: string, sampling: number | null): Promise<Figures> => {
      const trace = sampling === null ? {} : { tracing: { endpoint: collector.url, sampling, environment: {} } };
      const run = await checkedRun(place, { file: JOB, name, workers: 1, profileDir: null, ...trace }, check);
      return {
        eventsPerS: options.events / ((run.spanMs ?? run.totalMs) / 1_000),
        cpuSPerMillion: run.workerCpuMs / 1_000 / (options.events / 1e6),
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
    return { rounds, spanBytes: collector.bytes(), ...shares };
  });
}

export function tracingTable({ rounds, throughputShare, cpuShare, spanBytes }: TracingBenchResult): string {
  const head = ['round', 'events/s without', 'traced', 'CPU-s/M without', 'traced'];
  const lines = rounds.map(({ without, traced }, round) => [
    String(round + 1),
    counted(without.eventsPerS),
    counted(traced.eventsPerS),
    without.cpuSPerMillion.toFixed(2),
    traced.cpuSPerMillion.toFixed(2),
  ]);
  const percent = (share: number): string => `${((share - 1) * 100).toFixed(1)} %`;
  return `${aligned([head, ...lines])}\n\nby the medians: throughput ${percent(throughputShare)}, CPU of the worker ${percent(cpuShare)}; ${counted(spanBytes)} bytes of spans`;
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
