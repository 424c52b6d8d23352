// The workers of a local run: threads of this process, or processes of their own; replaced when they die.
//
//   S1. A worker that ends although nobody asked it to is replaced by one with a new id, after a pause; one that dies
//       again and again before anything is stored is given up (respawn.ts), and its death told to who started it.
//       One that ends without an error saw that the job has ended: who started it is given a moment to see that too.
//   S2. `drain` asks all of them to store what is in flight and waits; bounded, then they are ended.
//   S3. What a worker prints (code of the user's) is told like a message of ours: it neither tears the picture of a
//       running job nor mixes with a report on stdout.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { beginThread } from '../../runtime/adapters/node/begin-thread.ts';
import type { WorkerOptions } from '../../runtime/options.ts';
import type { Isolation } from '../../runtime/telemetry/progress.ts';
import { causeIn } from './cause.ts';
import { Respawn } from './respawn.ts';

export type SpawnParts = {
  readonly isolation: Isolation;
  readonly optionsFor: (place: number, generation: number) => WorkerOptions;
  /** `pauseMs`: when another takes its place; null: none does. */
  readonly onExit: (worker: string, reason: string, pauseMs: number | null) => void;
  readonly onLog: (worker: string, message: string) => void;
  readonly isServerUp: () => boolean;
  readonly onGivenUp: (worker: string, deaths: number, reason: string) => void;
};

type Ended = {
  readonly reason: string;
  /** By a signal from outside. */ readonly isKilled: boolean;
  /** By itself, without an error. */ readonly isClean: boolean;
};
type Member = { readonly worker: string; drain(): void; kill(): void; readonly exited: Promise<Ended>; readonly pid: number | null };

const MAIN = new URL('../../runtime/main.ts', import.meta.url);
/** Events live for a step: with room for a step's worth the collector copies next to nothing (6 % of CPU, passthrough;
 *  64 gave no more). A young generation has three such spaces. */
const SEMI_SPACE_MB = 32;
const DRAIN_MAX_MS = 20_000;
/** The end of a job is seen within this, also on a busy machine. */
const END_SEEN_MS = 2_000;
const CLEAN_REASON = 'ended';
/** Of what a dying process printed: where the error is looked for. */
const LAST_LINES_MAX = 60;

export class WorkerGroup {
  readonly #parts: SpawnParts;
  readonly #members = new Map<number, Member>();
  readonly #respawn = new Respawn();
  #generation = 0;
  #stopping = false;

  constructor(parts: SpawnParts) {
    this.#parts = parts;
  }

  get pids(): readonly number[] {
    return [...this.#members.values()].flatMap(({ pid }) => (pid === null ? [] : [pid]));
  }

  /** A worker told how many commits it has made since it began. */
  heard(worker: string, commits: number): void {
    this.#respawn.heard(worker, commits);
  }

  /** Starts or drains workers until `count` of them run. */
  async resize(count: number): Promise<void> {
    for (let place = 0; place < count; place++) if (!this.#members.has(place)) this.#start(place);
    const surplus = [...this.#members.keys()].filter((place) => place >= count);
    await Promise.all(surplus.map((place) => this.#drain(place)));
  }

  async drain(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#members.keys()].map((place) => this.#drain(place)));
  }

  #start(place: number): void {
    const options = this.#parts.optionsFor(place, this.#generation++);
    const member = this.#parts.isolation === 'thread' ? startThread(options, this.#parts) : startProcess(options, this.#parts);
    this.#members.set(place, member);
    void member.exited.then((ended) => this.#exited(place, member, ended));
  }

  #exited(place: number, member: Member, ended: Ended): void {
    if (this.#members.get(place) !== member) return;
    this.#members.delete(place);
    if (ended.isClean) setTimeout(() => this.#died(place, member, ended), END_SEEN_MS).unref();
    else this.#died(place, member, ended);
  }

  #died(place: number, member: Member, { reason, isKilled }: Ended): void {
    if (this.#stopping) return;
    const { onExit, onGivenUp, isServerUp } = this.#parts;
    const verdict = this.#respawn.died(place, { nowMs: performance.now(), isServerUp: isServerUp(), isKilled });
    onExit(member.worker, reason, verdict.kind === 'replace' ? verdict.pauseMs : null);
    if (verdict.kind === 'give-up') return onGivenUp(member.worker, verdict.deaths, causeIn(reason.split('\n')) || reason);
    setTimeout(() => {
      if (!this.#stopping && !this.#members.has(place)) this.#start(place);
    }, verdict.pauseMs);
  }

  async #drain(place: number): Promise<void> {
    const member = this.#members.get(place);
    if (member === undefined) return;
    this.#members.delete(place);
    member.drain();
    const timer = setTimeout(() => member.kill(), DRAIN_MAX_MS);
    await member.exited;
    clearTimeout(timer);
  }
}

function startThread(options: WorkerOptions, parts: SpawnParts): Member {
  const thread = beginThread(MAIN, {
    workerData: options,
    stdout: true,
    stderr: true,
    resourceLimits: { maxYoungGenerationSizeMb: 3 * SEMI_SPACE_MB },
  });
  for (const output of [thread.stdout, thread.stderr]) forward(output, options.worker, parts);
  let reason = CLEAN_REASON;
  thread.on('error', (error) => (reason = error instanceof Error ? (error.stack ?? error.message) : String(error)));
  thread.on('message', (message: { log?: string }) => message.log !== undefined && parts.onLog(options.worker, message.log));
  return {
    worker: options.worker,
    pid: null,
    drain: () => thread.postMessage('drain'),
    kill: () => void thread.terminate(),
    exited: new Promise((resolve) =>
      thread.on('exit', (code) => resolve({ reason, isKilled: false, isClean: code === 0 && reason === CLEAN_REASON })),
    ),
  };
}

function startProcess(options: WorkerOptions, parts: SpawnParts): Member {
  const child: ChildProcess = fork(fileURLToPath(MAIN), [], {
    env: { ...process.env, MILLRACE_WORKER_OPTIONS: JSON.stringify(options) },
    execArgv: [...process.execArgv, `--max-semi-space-size=${SEMI_SPACE_MB}`],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const output of [child.stdout, child.stderr]) if (output !== null) forward(output, options.worker, parts);
  const lastLines: string[] = [];
  if (child.stderr !== null)
    createInterface({ input: child.stderr }).on('line', (line) => lastLines.splice(0, lastLines.push(line) - LAST_LINES_MAX));
  child.on('message', (message: { log?: string }) => message.log !== undefined && parts.onLog(options.worker, message.log));
  return {
    worker: options.worker,
    pid: child.pid ?? null,
    drain: () => child.connected && child.send('drain', () => undefined), // who has just died needs none
    kill: () => void child.kill('SIGKILL'),
    exited: new Promise((resolve) =>
      child.on('close', (code, signal) =>
        resolve(signal === null ? { reason: exitReason(code, causeIn(lastLines)), isKilled: false, isClean: code === 0 } : killed(signal)),
      ),
    ),
  };
}

function killed(signal: NodeJS.Signals): Ended {
  return { reason: `signal ${signal}`, isKilled: signal === 'SIGKILL' || signal === 'SIGTERM', isClean: false };
}

function exitReason(code: number | null, cause: string): string {
  return cause === '' ? `exit code ${code}` : `exit code ${code}: ${cause}`;
}

/** S3. */
function forward(output: Readable, worker: string, parts: SpawnParts): void {
  createInterface({ input: output }).on('line', (line) => parts.onLog(worker, line));
}
