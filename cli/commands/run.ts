// `millrace run FILE`: one job on this machine, until it is complete or Ctrl-C.

import { once } from 'node:events';
import { resolve } from 'node:path';
import { availableParallelism } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { addParameter } from '../parameter-option.ts';
import { wantsColor } from '../run/ink.ts';
import type { LocalConsole, LocalConsoleOptions } from '../run/local-console.ts';
import { liveView } from '../run/live-view.ts';
import { plainView } from '../run/plain-view.ts';
import { runJob } from '../run/run-job.ts';
import type { RunListener, RunOutcome } from '../run/run-job.ts';
import { summaryText } from '../run/summary.ts';
import type { SummaryContext } from '../run/summary.ts';
import { repositoryFolder } from '../setup/node-runtime.mjs';

export type RunOptions = {
  readonly workers: number;
  readonly nats?: string;
  readonly data: string;
  readonly out?: string;
  readonly speed?: number;
  readonly set: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly fresh: boolean;
  readonly freshIfChanged: boolean;
  readonly durability: 'machine' | 'process';
  readonly isolation: 'thread' | 'process';
  readonly report?: 'json';
  readonly traceEndpoint?: string;
  readonly traceSampling?: number;
  readonly console?: number;
  readonly stay: boolean;
  readonly jaegerUrl?: string;
};

const DATA_DEFAULT = '.millrace';
/** Where the console is looked for when no port is said. */
const CONSOLE_PORT_DEFAULT = 7337;
/** Width of text for files and programs. */
const COLUMNS_DEFAULT = 80;

export function register(program: Command): void {
  const command = program
    .command('run')
    .summary('run a job until it is complete, or until Ctrl-C')
    .description(
      'Runs a job on this machine, exactly once, through a NATS server of its own or the one at --nats.\nCtrl-C drains and commits: the same command goes on where it stopped.',
    );
  addRunOptions(command, DATA_DEFAULT).action(async (file: string, options: RunOptions) => {
    process.exitCode = await run(file, options);
  });
}

/** What a run can be told. `data`: where a server of its own keeps its data when nothing else is said. */
export function addRunOptions(command: Command, data: string): Command {
  return command
    .argument('<file>', 'the job: YAML, JSON or a TypeScript module')
    .option('-w, --workers <n>', 'worker threads, each an event loop of its own', positiveInteger, 1)
    .option('--nats <url>', 'a running NATS server (>= 2.15.2, JetStream); without it one is started')
    .option('--data <dir>', 'where the started server keeps its data', data)
    .option('--out <dir>', 'folder for file results (default: out/<job>)')
    .option('--speed <factor>', 'replay a bounded source in event-time order: 3600x is an hour a second', speedFactor)
    .option('--set <name=value>', 'value of a parameter of the job; may be given several times', addParameter, {})
    .option('--name <name>', 'run it under another name')
    .option('--fresh', 'start over: what an unfinished run of this job left is deleted', false)
    .option('--fresh-if-changed', 'start over only where the job has changed so that an unfinished run does not fit it', false)
    .addOption(
      new Option('--durability <what>', 'machine: every commit is synced to disk; process: survives processes, not power cuts')
        .choices(['machine', 'process'])
        .default('machine'),
    )
    .addOption(new Option('--isolation <how>', 'workers as threads or as processes').choices(['thread', 'process']).default('thread'))
    .option('--trace-endpoint <url>', 'send traces to this OpenTelemetry collector, such as http://localhost:4318 of Jaeger')
    .option('--trace-sampling <share>', 'share of events that are traced, 0 to 1 (default: 0.001)', share)
    .addOption(
      new Option('--console [port]', `serve a web page that shows the run, at http://localhost:${CONSOLE_PORT_DEFAULT} or that port`)
        .argParser(portNumber)
        .preset(CONSOLE_PORT_DEFAULT),
    )
    .addOption(
      new Option('--stay', 'serve that page when the run has ended, too, until Ctrl-C; with --console, or at its usual port')
        .default(false)
        .implies({ console: CONSOLE_PORT_DEFAULT }),
    )
    .option('--jaeger-url <url>', 'where traces are looked at, such as http://localhost:16686: the console links to them', webUrl)
    .addOption(new Option('--report <format>', 'print one JSON object last').choices(['json']));
}

async function run(file: string, options: RunOptions): Promise<number> {
  const isJson = options.report === 'json';
  const stream = isJson ? process.stderr : process.stdout; // --report json: stdout is the report's alone
  const view = viewOn(stream);
  const interrupt = new AbortController();
  let isEnded = false;
  const stop = onInterrupt(() => {
    if (!isEnded) view.onLog('Stopping: what is in flight is stored first. Ctrl-C again ends at once.');
    interrupt.abort();
  });
  let page: LocalConsole | null = null;
  try {
    page =
      options.console === undefined
        ? null
        : await openConsole({ port: options.console, file, isolation: options.isolation, jaegerUrl: options.jaegerUrl });
    if (page !== null) view.onLog(`console at ${page.url}`);
    const outcome = await runJob(
      {
        file,
        workers: options.workers,
        natsUrl: options.nats ?? null,
        dataDir: resolve(options.data),
        outDir: options.out === undefined ? null : resolve(options.out),
        speed: options.speed ?? null,
        parameters: options.set,
        name: options.name ?? null,
        fresh: options.fresh,
        freshIfChanged: options.freshIfChanged,
        durability: options.durability,
        isolation: options.isolation,
        tracing: { endpoint: options.traceEndpoint, sampling: options.traceSampling, environment: process.env },
      },
      page === null ? view : together(view, page.listener),
      { interrupt: interrupt.signal },
    );
    isEnded = true;
    view.end();
    stream.write(`${summaryText(outcome, contextOf(file, options, stream))}\n`);
    if (isJson) process.stdout.write(`${JSON.stringify(outcome.report)}\n`);
    if (page !== null && options.stay) await stay(page, outcome, interrupt.signal);
    return exitCodeOf(outcome);
  } finally {
    view.end();
    stop();
    await page?.close();
    if (process.connected) process.disconnect(); // by who watches over this (run-again.ts)
  }
}

/** Until Ctrl-C. */
async function stay(page: LocalConsole, outcome: RunOutcome, interrupt: AbortSignal): Promise<void> {
  page.ended(outcome);
  if (interrupt.aborted) return;
  process.stderr.write(`the run is ${outcome.ending}; its console stays at ${page.url}, Ctrl-C ends\n`);
  await once(interrupt, 'abort');
}

/** Loaded only when it is asked for: it brings a bundler along. */
async function openConsole(options: LocalConsoleOptions): Promise<LocalConsole> {
  const { LocalConsole } = await import('../run/local-console.ts');
  return LocalConsole.start(options);
}

/** Both are told everything. */
function together(first: RunListener, second: RunListener): RunListener {
  return {
    onJob: (job, reached) => (first.onJob?.(job, reached), second.onJob?.(job, reached)),
    onOpen: (opened) => (first.onOpen(opened), second.onOpen(opened)),
    onProgress: (progress) => (first.onProgress(progress), second.onProgress(progress)),
    onReport: (report) => (first.onReport?.(report), second.onReport?.(report)),
    onLog: (message) => (first.onLog(message), second.onLog(message)),
  };
}

/** A picture that moves where somebody looks at it, lines where a program reads them. */
function viewOn(stream: NodeJS.WriteStream): RunListener & { end(): void } {
  if (hasSize(stream) && process.env['TERM'] !== 'dumb') return liveView(stream);
  return { ...plainView((line) => void stream.write(`${line}\n`)), end: () => undefined };
}

/** Pseudo-terminals of programs often say that they are 0 wide. */
function hasSize({ isTTY, columns, rows }: NodeJS.WriteStream): boolean {
  return isTTY && columns > 0 && rows > 0;
}

function contextOf(file: string, options: RunOptions, stream: NodeJS.WriteStream): SummaryContext {
  return {
    from: { environment: process.env, cwd: process.cwd(), packageFolder: repositoryFolder },
    file,
    again: argumentsAgain(options),
    speed: options.speed ?? null,
    columns: hasSize(stream) ? stream.columns : COLUMNS_DEFAULT,
    color: wantsColor(stream, process.env),
  };
}

/** What the same job, with the same state and results, has to be told again. */
function argumentsAgain({ set, name, nats, data, out, durability }: RunOptions): string[] {
  return [
    ...Object.entries(set).flatMap(([parameter, value]) => ['--set', `${parameter}=${value}`]),
    ...(name === undefined ? [] : ['--name', name]),
    ...(nats === undefined ? [] : ['--nats', nats]),
    ...(data === DATA_DEFAULT ? [] : ['--data', data]),
    ...(out === undefined ? [] : ['--out', out]),
    ...(durability === 'machine' ? [] : ['--durability', durability]),
  ];
}

function exitCodeOf({ ending, report }: RunOutcome): number {
  if (report.unaccounted.length > 0) return exitCodes.failed;
  if (ending === 'completed') return exitCodes.ok;
  return ending === 'interrupted' ? exitCodes.interrupted : exitCodes.failed;
}

function webUrl(text: string): string {
  if (!/^https?:\/\/[^\s/]+(\/\S*)?$/.test(text)) throw new InvalidArgumentError('a URL of a web page, such as http://localhost:16686');
  return text.replace(/\/+$/, '');
}

/** Ctrl-C and SIGTERM ask once, and the end of a process that watches over this one; a second Ctrl-C ends at once. */
function onInterrupt(ask: () => void): () => void {
  let asked = 0;
  const handler = (): void => {
    if (++asked > 1) process.exit(exitCodes.interrupted);
    ask();
  };
  process.on('SIGINT', handler);
  process.on('SIGTERM', handler);
  process.on('disconnect', handler);
  return () => {
    process.off('SIGINT', handler);
    process.off('SIGTERM', handler);
    process.off('disconnect', handler);
  };
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 256)
    throw new InvalidArgumentError(
      `must be a whole number from 1 to 256 (this machine has ${availableParallelism()} cores), not ${JSON.stringify(text)}.`,
    );
  return value;
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError(`must be from 0 to 1, not ${JSON.stringify(text)}.`);
  return value;
}

function portNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError(`must be a port, not ${JSON.stringify(text)}.`);
  return value;
}

function speedFactor(text: string): number {
  const value = Number(text.replace(/x$/, ''));
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError(`must be a factor such as 3600x, not ${JSON.stringify(text)}.`);
  return value;
}
