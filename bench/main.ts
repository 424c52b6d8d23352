// `npm run bench -- NAME [options]`: measures, prints a table, and writes bench/results/. See docs/operations/benchmarks.md.

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { addParameter } from '../cli/parameter-option.ts';
import { generate } from './generate.ts';
import { machineLine, writeResult } from './run/result-file.ts';
import { flights } from './run/flights.ts';
import { QUERY_NAMES } from './nexmark/models/models.ts';
import type { QueryName } from './nexmark/models/models.ts';
import { hotSpots } from './run/hot-spots.ts';
import { latency } from './run/latency.ts';
import type { LatencyResult } from './run/latency.ts';
import { nexmark } from './run/nexmark.ts';
import { nexmarkTable } from './run/nexmark-table.ts';
import { latencyTable, throughputTable } from './run/table.ts';
import { START_EVENTS, tracing, tracingTable } from './run/tracing.ts';
import { TURNS_EVENTS_MIN, tracingTurns, tracingTurnsTable } from './run/tracing-turns.ts';
import { twoPhase, twoPhaseTable } from './run/two-phase.ts';
import { SINKS, throughput } from './run/throughput.ts';
import type { CheckName } from './run/checks.ts';
import type { SinkVariant } from './run/throughput.ts';

const USAGE = `npm run bench -- NAME [options]
  generate      writes Nexmark events       --events N --out FILE[.gz] [--from N] [--seed N] [--rate EVENTS/S] [--channels]
  passthrough   events as they are          --events N --workers 1,2,4 --lines K --sink journal|batch|message --profile DIR
  count         keyed 10 s tumbling count   the same
  nexmark       queries of Nexmark          --queries q0,q5 --workers 1,2,4 --events N --minutes N --sink … --profile DIR
  flights       examples/flights            --workers 1,2,4 --set flights=FILE --set weather=FILE … --profile DIR
  latency       three stages, end to end    --pace EVENTS/S --seconds N --workers 1,2,4
  tracing       count, with and without     --events N --rounds N --sampling SHARE --profile DIR
  tracing-turns count, sampled and not in turns of one run   --events N --rounds N --sampling SHARE
  two-phase     count, summed up before the exchange and not, and with a hot key   --events N --rounds N
  hot-spots     of a profile                --file FILE.cpuprofile
  micro         parts on one core, without a server`;

/** What was typed can't be done. */
class BadOption extends Error {}

/** The compilers of the workers take that long to settle. */
const WARM_UP_S = 5;

const OPTIONS = {
  events: { type: 'string', default: '500000' },
  workers: { type: 'string', default: '1,2,4' },
  lines: { type: 'string', default: '100' },
  sink: { type: 'string', default: 'journal' },
  seed: { type: 'string', default: '1' },
  rate: { type: 'string', default: '10000' },
  from: { type: 'string', default: '0' },
  channels: { type: 'boolean', default: false },
  out: { type: 'string' },
  file: { type: 'string' },
  profile: { type: 'string' },
  set: { type: 'string', multiple: true, default: [] as string[] },
  queries: { type: 'string', default: QUERY_NAMES.join(',') },
  minutes: { type: 'string', default: '15' },
  pace: { type: 'string', default: '1000' },
  seconds: { type: 'string', default: '20' },
  rounds: { type: 'string', default: '7' },
  sampling: { type: 'string', default: '0.001' },
} as const;

const [name = '', ...args] = process.argv.slice(2);
const values = readOptions();

const commands: Readonly<Record<string, () => Promise<void>>> = {
  generate: async () => {
    if (values.out === undefined) throw new BadOption(`generate needs --out FILE`);
    await generate({ ...generator(), channels: values.channels, events: whole('events', 0), from: whole('from', 0), out: values.out });
  },
  passthrough: () => measureThroughput('passthrough'),
  count: () => measureThroughput('count'),
  nexmark: measureNexmark,
  flights: measureFlights,
  latency: measureLatency,
  tracing: measureTracing,
  'tracing-turns': measureTracingTurns,
  'two-phase': measureTwoPhase,
  'hot-spots': async () => {
    if (values.file === undefined) throw new BadOption(`hot-spots needs --file FILE.cpuprofile`);
    console.log(hotSpots(values.file));
  },
  micro: async () => runMicros(/\.ts$/),
};

try {
  const command = commands[name];
  if (command === undefined) throw new BadOption(name === '' ? 'no benchmark was named' : `there is no benchmark ${JSON.stringify(name)}`);
  await command();
} catch (error) {
  if (!(error instanceof BadOption)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}

function readOptions() {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function measureThroughput(job: CheckName): Promise<void> {
  const settings = {
    ...generator(),
    events: whole('events', 1),
    workers: workerCounts(),
    linesPerMessage: whole('lines', 1),
    sink: sinkVariant(),
  };
  const { loaded, rows } = await throughput({ ...settings, name: job, profileDir: values.profile ?? null }, console.error);
  console.log(throughputTable(job, rows));
  if (values.profile !== undefined) return console.log('not written to bench/results: it ran under the profiler');
  const suffix = `${settings.sink === 'journal' ? '' : `-${settings.sink}`}${values.lines === OPTIONS.lines.default ? '' : `-lines-${values.lines}`}`;
  console.log(writeResult(`${job}${suffix}`, { settings, loaded, rows }));
}

async function measureNexmark(): Promise<void> {
  const settings = {
    ...generator(),
    queries: queryNames(),
    events: whole('events', 1),
    workers: workerCounts(),
    linesPerMessage: whole('lines', 1),
    sink: sinkVariant(),
    minutesMax: whole('minutes', 1),
  };
  const { loaded, rows, leftOut } = await nexmark({ ...settings, profileDir: values.profile ?? null }, console.error);
  console.log(`${machineLine()}\n\n${nexmarkTable(rows, leftOut)}`);
  if (values.queries === OPTIONS.queries.default) runMicros(/^machine\.ts$/);
  if (values.profile !== undefined) return console.log('not written to bench/results: it ran under the profiler');
  console.log(writeResult('nexmark', { settings, loaded, rows, leftOut }));
}

async function measureLatency(): Promise<void> {
  const settings = { eventsPerS: whole('pace', 1), seconds: whole('seconds', 1), warmUpSeconds: WARM_UP_S, seed: whole('seed', 0) };
  const rows: LatencyResult[] = [];
  for (const workers of workerCounts()) rows.push(await latency({ ...settings, workers }));
  console.log(latencyTable(rows));
  console.log(writeResult('latency', { settings, rows }));
}

async function measureTracing(): Promise<void> {
  const settings = { ...generator(), events: whole('events', START_EVENTS + 1), rounds: whole('rounds', 1), sampling: samplingShare() };
  const result = await tracing({ ...settings, profileDir: values.profile ?? null }, console.error);
  console.log(`${machineLine()}\n\n${tracingTable(result)}`);
  if (values.profile !== undefined) return console.log('not written to bench/results: it ran under the profiler');
  console.log(writeResult('tracing', { settings, ...result }));
}

async function measureTracingTurns(): Promise<void> {
  const settings = { ...generator(), events: whole('events', TURNS_EVENTS_MIN), rounds: whole('rounds', 1), sampling: samplingShare() };
  const result = await tracingTurns(settings, console.error);
  console.log(`${machineLine()}\n\n${tracingTurnsTable(result)}`);
  console.log(writeResult('tracing-turns', { settings, ...result }));
}

function samplingShare(): number {
  const sampling = Number(values.sampling);
  if (!(sampling >= 0 && sampling <= 1)) throw new BadOption(`--sampling ${values.sampling} is not a share from 0 to 1`);
  return sampling;
}

async function measureTwoPhase(): Promise<void> {
  const settings = { ...generator(), events: whole('events', 1), rounds: whole('rounds', 1) };
  const result = await twoPhase(settings, console.error);
  console.log(`${machineLine()}\n\n${twoPhaseTable(result)}`);
  console.log(writeResult('two-phase', { settings, ...result }));
}

async function measureFlights(): Promise<void> {
  const parameters = values.set.reduce<Record<string, string>>((all, text) => addParameter(text, all), {});
  const settings = { workers: workerCounts(), parameters };
  const result = await flights({ ...settings, profileDir: values.profile ?? null }, console.error);
  console.log(throughputTable('flights', result.rows));
  if (values.profile === undefined)
    console.log(writeResult('flights', { events: result.events, workers: settings.workers, rows: result.rows }));
}

/** Each in a process of its own: what one warms up must not help the next. */
function runMicros(files: RegExp): void {
  const folder = new URL('./micro/', import.meta.url);
  for (const file of readdirSync(folder)
    .filter((name) => files.test(name))
    .sort()) {
    console.log(`\n${file}`);
    execFileSync(process.execPath, [fileURLToPath(new URL(file, folder))], { stdio: 'inherit' });
  }
}

function queryNames(): QueryName[] {
  return values.queries.split(',').map((text) => {
    const found = QUERY_NAMES.find((name) => name === text);
    if (found === undefined) throw new BadOption(`--queries ${text} is none of ${QUERY_NAMES.join(', ')}`);
    return found;
  });
}

function workerCounts(): number[] {
  return values.workers.split(',').map((text) => wholeOf('workers', text, 1));
}

function generator(): { readonly seed: number; readonly eventsPerS: number } {
  return { seed: whole('seed', 0), eventsPerS: whole('rate', 1) };
}

function sinkVariant(): SinkVariant {
  const found = SINKS.find((one) => one === values.sink);
  if (found === undefined) throw new BadOption(`--sink ${values.sink} is none of ${SINKS.join(', ')}`);
  return found;
}

function whole(option: 'events' | 'minutes' | 'rounds' | 'lines' | 'seed' | 'rate' | 'from' | 'pace' | 'seconds', least: number): number {
  return wholeOf(option, values[option], least);
}

function wholeOf(option: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new BadOption(`--${option} ${text} is not a whole number of at least ${least}`);
}
