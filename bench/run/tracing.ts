// `npm run bench -- tracing`: what tracing a share of the events costs a whole job, from JetStream to its journal, with a collector that
// takes spans. Runs with and without take turns on one filled server, so what disturbs the machine disturbs both; every result is checked.
//
//   T1. What starting a worker costs is measured over the first events of the stream, with and without, and told apart: it is paid once. There are
//       so many of them that some are sampled. CPU time is that until the worker has ended: a run as short as this may send its spans after its
//       last report.
//   T2. What differs is told of the pairs together, with an interval (paired.ts); turns change, AB BA. On a machine that has other things to do
//       CPU time says what throughput can't: of the engine's thread, by which a job is bound that has cores to spare, and of all processes, the
//       collector too, by which it is bound where nothing is left.
//   T3. Throughput is told twice: of the whole run, in which a traced one starts its thread and loads what that needs, beside events; and behind
//       half of the events, when that has long been done: what sampling costs a job that goes on.

import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from '../load.ts';
import { generatedPieces } from '../nexmark/pieces.ts';
import type { NexmarkOptions } from '../nexmark/generator.ts';
import { makeCheck } from './checks.ts';
import { checkedRun, seen } from './checked-run.ts';
import type { MeasuredRun, RunSettings } from './measure-run.ts';
import { pairedShare, toldShare, type PairedShare } from './paired.ts';
import { aligned, counted } from './table.ts';
import { withServer } from './with-server.ts';

export type TracingBenchOptions = NexmarkOptions & {
  readonly events: number;
  readonly rounds: number;
  readonly sampling: number;
  readonly profileDir: string | null;
};

export type TracingRound = { readonly without: Figures; readonly traced: Figures };
/** CPU above that of the first events (T1): of the worker's process, of its main thread, and of all processes: worker, server, and what runs both and
 *  takes spans. */
type Figures = {
  readonly eventsPerS: number;
  /** T3. */
  readonly settledEventsPerS: number;
  readonly cpuSPerMillion: number;
  readonly engineCpuSPerMillion: number;
  readonly allCpuSPerMillion: number;
};
type Cpu = { readonly endedCpuMs: number; readonly engineCpuMs: number; readonly allCpuMs: number };
export type TracingBenchResult = {
  readonly rounds: readonly TracingRound[];
  readonly spanBytes: number;
  /** CPU of a worker over the first events (T1). */
  readonly start: { readonly without: Cpu; readonly traced: Cpu };
  /** Of the traced to the other (T2). */
  readonly shares: Readonly<Record<keyof Figures, PairedShare>>;
};

export const STREAM = { stream: 'NEXMARK', prefix: 'nexmark', splits: 4, linesPerMessage: 100 };
/** Starting takes half a second of CPU, give or take a tenth. */
const START_RUNS = 5;
/** T3. */
const SETTLED_SHARE = 0.5;
/** T1. */
export const START_EVENTS = 10_000;
export const COUNT_JOB = fileURLToPath(new URL('../jobs/count.yaml', import.meta.url));

export async function tracing(options: TracingBenchOptions, log: (line: string) => void): Promise<TracingBenchResult> {
  return withServer(async (place) => {
    const collector = await startCollector();
    const check = makeCheck('count');
    const settingsOf = (name: string, sampling: number | null, profileDir: string | null = null): RunSettings => {
      const trace = sampling === null ? {} : { tracing: { endpoint: collector.url, sampling, environment: {} } };
      return { file: COUNT_JOB, name, workers: 1, profileDir, ...trace };
    };
    const events = (from: number, to: number) => seen(generatedPieces(options, { from, to }), check);
    await load(place.nc, events(0, START_EVENTS), STREAM);
    const startRuns: { without: Cpu[]; traced: Cpu[] } = { without: [], traced: [] };
    for (let round = 0; round < START_RUNS; round++) {
      startRuns.without.push(cpuOf(await checkedRun(place, settingsOf(`start-${round}-a`, null), check)));
      startRuns.traced.push(cpuOf(await checkedRun(place, settingsOf(`start-${round}-b`, options.sampling), check)));
    }
    const start = { without: middleOf(startRuns.without), traced: middleOf(startRuns.traced) };
    await load(place.nc, events(START_EVENTS, options.events), STREAM);
    const runOnce = async (name: string, sampling: number | null): Promise<Figures> => {
      const profileDir = options.profileDir && join(options.profileDir, sampling === null ? 'without' : 'traced');
      const settledAfter = options.events * SETTLED_SHARE;
      const run = await checkedRun(place, { ...settingsOf(name, sampling, profileDir), settledAfter }, check);
      const { afterEvents, spanMs } = run.settled ?? { afterEvents: NaN, spanMs: NaN };
      const started = start[sampling === null ? 'without' : 'traced'];
      const perMillion = (ms: number): number => ms / 1_000 / ((options.events - START_EVENTS) / 1e6);
      return {
        eventsPerS: options.events / ((run.spanMs ?? run.totalMs) / 1_000),
        settledEventsPerS: (options.events - afterEvents) / (spanMs / 1_000),
        cpuSPerMillion: perMillion(run.endedCpuMs - started.endedCpuMs),
        engineCpuSPerMillion: perMillion(run.engineCpuMs - started.engineCpuMs),
        allCpuSPerMillion: perMillion(cpuOf(run).allCpuMs - started.allCpuMs),
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
    const share = (name: keyof Figures): PairedShare => pairedShare(rounds.map(({ traced, without }) => traced[name] / without[name]));
    const shares = {
      eventsPerS: share('eventsPerS'),
      settledEventsPerS: share('settledEventsPerS'),
      cpuSPerMillion: share('cpuSPerMillion'),
      engineCpuSPerMillion: share('engineCpuSPerMillion'),
      allCpuSPerMillion: share('allCpuSPerMillion'),
    };
    return { rounds, spanBytes: collector.bytes(), start, shares };
  });
}

export function tracingTable({ rounds, shares, spanBytes, start }: TracingBenchResult): string {
  const head = [
    'round',
    'events/s without',
    'traced',
    'settled without',
    'traced',
    'CPU-s/M without',
    'traced',
    "engine's thread without",
    'traced',
  ];
  const lines = rounds.map(({ without, traced }, round) => [
    String(round + 1),
    counted(without.eventsPerS),
    counted(traced.eventsPerS),
    counted(without.settledEventsPerS),
    counted(traced.settledEventsPerS),
    without.cpuSPerMillion.toFixed(2),
    traced.cpuSPerMillion.toFixed(2),
    without.engineCpuSPerMillion.toFixed(2),
    traced.engineCpuSPerMillion.toFixed(2),
  ]);
  const cpu = ({ endedCpuMs, engineCpuMs }: Cpu): string =>
    `${Math.round(endedCpuMs)} ms, ${Math.round(engineCpuMs)} ms of the engine's thread`;
  return [
    aligned([head, ...lines]),
    '',
    `traced beside without, ${rounds.length} pairs together:`,
    `  throughput, settled     ${toldShare(shares.settledEventsPerS)}`,
    `  throughput, whole run   ${toldShare(shares.eventsPerS)}`,
    `  CPU, engine's thread    ${toldShare(shares.engineCpuSPerMillion)}`,
    `  CPU, worker's process   ${toldShare(shares.cpuSPerMillion)}`,
    `  CPU, all processes      ${toldShare(shares.allCpuSPerMillion)}`,
    `settled: the second half of the events. CPU: above that of a run over the first ${counted(START_EVENTS)}`,
    `${counted(spanBytes)} bytes of spans`,
    `paid once, CPU of such a run: without ${cpu(start.without)}; traced ${cpu(start.traced)}`,
  ].join('\n');
}

/** Takes spans and throws them away. */
export async function startCollector(): Promise<{ readonly url: string; readonly bytes: () => number; readonly stop: () => void }> {
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

function cpuOf({ endedCpuMs, engineCpuMs, serverCpuMs, runnerCpuMs }: MeasuredRun): Cpu {
  return { endedCpuMs, engineCpuMs, allCpuMs: endedCpuMs + serverCpuMs + runnerCpuMs };
}

function middleOf(runs: readonly Cpu[]): Cpu {
  const middle = (name: keyof Cpu): number => runs.map((run) => run[name]).toSorted((a, b) => a - b)[Math.floor(runs.length / 2)]!;
  return { endedCpuMs: middle('endedCpuMs'), engineCpuMs: middle('engineCpuMs'), allCpuMs: middle('allCpuMs') };
}
