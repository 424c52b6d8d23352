// The workers of a local run: threads of this process, or processes of their own; replaced when they die.
//
//   S1. A worker that ends although nobody asked it to is replaced by one with a new id, after a short pause.
//   S2. `drain` asks all of them to store what is in flight and waits; bounded, then they are ended.
//   S3. What a worker prints (code of the user's) is told like a message of ours: it neither tears the picture of a
//       running job nor mixes with a report on stdout.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { WorkerOptions } from '../../runtime/options.ts';

export type Isolation = 'thread' | 'process';

export type SpawnParts = {
  readonly isolation: Isolation;
  readonly optionsFor: (place: number, generation: number) => WorkerOptions;
  readonly onExit: (worker: string, reason: string) => void;
  readonly onLog: (worker: string, message: string) => void;
};

type Member = { readonly worker: string; drain(): void; kill(): void; readonly exited: Promise<string>; readonly pid: number | null };

const MAIN = new URL('../../runtime/main.ts', import.meta.url);
const RESPAWN_MS = 300;
const DRAIN_MAX_MS = 20_000;

export class WorkerGroup {
  readonly #parts: SpawnParts;
  readonly #members = new Map<number, Member>();
  #generation = 0;
  #stopping = false;

  constructor(parts: SpawnParts) {
    this.#parts = parts;
  }

  get pids(): readonly number[] {
    return [...this.#members.values()].flatMap(({ pid }) => (pid === null ? [] : [pid]));
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
    void member.exited.then((reason) => this.#exited(place, member, reason));
  }

  #exited(place: number, member: Member, reason: string): void {
    if (this.#members.get(place) !== member) return;
    this.#members.delete(place);
    if (this.#stopping) return;
    this.#parts.onExit(member.worker, reason);
    setTimeout(() => {
      if (!this.#stopping && !this.#members.has(place)) this.#start(place);
    }, RESPAWN_MS);
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
  const thread = new Worker(MAIN, { workerData: options, stdout: true, stderr: true });
  for (const output of [thread.stdout, thread.stderr]) forward(output, options.worker, parts);
  let reason = 'ended';
  thread.on('error', (error) => (reason = error instanceof Error ? (error.stack ?? error.message) : String(error)));
  thread.on('message', (message: { log?: string }) => message.log !== undefined && parts.onLog(options.worker, message.log));
  return {
    worker: options.worker,
    pid: null,
    drain: () => thread.postMessage('drain'),
    kill: () => void thread.terminate(),
    exited: new Promise((resolve) => thread.on('exit', () => resolve(reason))),
  };
}

function startProcess(options: WorkerOptions, parts: SpawnParts): Member {
  const child: ChildProcess = fork(fileURLToPath(MAIN), [], {
    env: { ...process.env, MILLRACE_WORKER_OPTIONS: JSON.stringify(options) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const output of [child.stdout, child.stderr]) if (output !== null) forward(output, options.worker, parts);
  child.on('message', (message: { log?: string }) => message.log !== undefined && parts.onLog(options.worker, message.log));
  return {
    worker: options.worker,
    pid: child.pid ?? null,
    drain: () => child.connected && child.send('drain'),
    kill: () => void child.kill('SIGKILL'),
    exited: new Promise((resolve) =>
      child.on('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`)),
    ),
  };
}

/** S3. */
function forward(output: Readable, worker: string, parts: SpawnParts): void {
  createInterface({ input: output }).on('line', (line) => parts.onLog(worker, line));
}
