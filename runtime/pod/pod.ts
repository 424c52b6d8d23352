// The life of a worker pod.
//
//   connecting ──▶ waiting ──record──▶ loading ──ready──▶ running ──▶ draining ──▶ ended
//                    ▲                    │ ▲ later          │
//                    │                    ▼ └──┘             │ higher revision ──▶ loading (the old one runs on meanwhile)
//                    │                 refused               │
//                    └──────── the record is gone ◀──────────┘
//
//   P1. Whatever is away (NATS, the directory, a stream, a right) is waited for; the pod does not die of it.
//   P2. A revision that cannot be run is told in the directory, once; what ran before runs on until another one comes.
//   P3. Another run of the job (its state was dropped) is begun by a new worker, after the old one has ended.
//   P4. `drain` ends it in bounded time, from any state.

import type { NatsConnection } from '@nats-io/transport-node';
import { attachDirectory } from '../adapters/nats/directory.ts';
import { Link } from '../adapters/nats/link.ts';
import { NatsBlobStore } from '../adapters/nats/nats-blob-store.ts';
import { connectPatiently, withoutSecrets } from '../adapters/nats/nats-connection.ts';
import { refusalIn } from '../adapters/nats/refusal.ts';
import { inboxPrefix } from '../adapters/nats/worker-permissions.ts';
import { systemClock } from '../adapters/node/clock.ts';
import { assert } from '../base/assert.ts';
import { MillraceError, type ErrorCode } from '../base/errors.ts';
import type { Directory, Entry } from '../worker/directory.ts';
import type { RevisionParts } from '../revision.ts';
import type { JobRecord } from '../worker/job-record.ts';
import { Signal } from '../worker/signal.ts';
import { followCredentials } from './credentials-file.ts';
import { JobRunner } from './job-runner.ts';
import { codeIn, errorLine, type Log } from './log.ts';
import type { PodOptions } from './pod-options.ts';
import { loadRevision, type LoaderParts } from './revision-loader.ts';

export type PodPhase = 'connecting' | 'waiting' | 'loading' | 'running' | 'refused' | 'draining' | 'ended';

/** What probes look at. */
export type PodView = {
  readonly phase: PodPhase;
  /** Why it is in this phase, for people. */
  readonly reason: string;
  readonly connected: boolean;
  /** Why the server does not let it in again; null: nothing was said. */
  readonly refusal: string | null;
  /** Times that the connection was made anew. */
  readonly reconnects: number;
  readonly runner: JobRunner | null;
};

/** SIGTERM to exit in less than 5 s: a worker takes less (worker.ts, K6), the rest is for the connection's end. */
const DRAIN_MAX_MS = 4_700;
const LATER_MS = 1_000;
/** What lasts is told again this often. */
const TELL_AGAIN_MS = 30_000;
/** A record that is there comes with the first answer of the watch. */
const FIRST_LOOK_MS = 2_000;

export class Pod {
  readonly #options: PodOptions;
  readonly #log: Log;
  readonly #abort = new AbortController();
  readonly #changed = new Signal();
  #connection: NatsConnection | null = null;
  #wanted: JobRecord | null = null;
  #refused = '';
  #runner: JobRunner | null = null;
  #phase: PodPhase = 'connecting';
  #reason = '';
  #reconnects = 0;

  constructor(options: PodOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  get view(): PodView {
    const link = this.#connection === null ? null : Link.of(this.#connection);
    const [connected, refusal] = [link?.up ?? false, link?.refusal ?? null];
    return { phase: this.#phase, reason: this.#reason, connected, refusal, reconnects: this.#reconnects, runner: this.#runner };
  }

  /** Resolves when it was drained: true, when everything was stored and handed over. */
  async run(): Promise<boolean> {
    const { natsUrl, credentials } = this.#options;
    this.#enter('connecting', `connects to NATS at ${withoutSecrets(natsUrl)}`);
    const connection = await this.#connect(credentials);
    if (connection === null) return true;
    this.#connection = connection;
    const unfollow = this.#follow(connection, credentials);
    try {
      return await this.#serve(connection);
    } finally {
      unfollow();
      await connection.close();
      this.#enter('ended', '');
    }
  }

  /** null: asked to end meanwhile. */
  #connect(credentials: string | null): Promise<NatsConnection | null> {
    const { natsUrl, job, worker } = this.#options;
    const onWait = ({ message, code }: MillraceError): void => {
      this.#reason = message;
      this.#log('warn', message, { code });
    };
    return connectPatiently(
      { url: natsUrl, name: `millrace ${job} ${worker}`, credentials: credentials ?? undefined, inboxPrefix: inboxPrefix(job) },
      { signal: this.#abort.signal, onWait },
    );
  }

  /** P4. */
  drain(): void {
    this.#abort.abort();
    this.#changed.notify();
  }

  async #serve(connection: NatsConnection): Promise<boolean> {
    const { job } = this.#options;
    this.#enter('waiting', 'looks for the job');
    const onWait = (problem: string): void => this.#log('info', problem, codeIn(problem));
    const directory = await attachDirectory(connection, job, { signal: this.#abort.signal, onWait });
    if (directory === null) return true;
    const unwatch = await directory.watch((key, entry) => this.#note(key, entry));
    await this.#pause(FIRST_LOOK_MS);
    while (!this.#abort.signal.aborted) {
      const pauseMs = await this.#step(connection, directory);
      if (!this.#abort.signal.aborted) await this.#pause(pauseMs);
    }
    const drained = await this.#end('draining', 'asked to end');
    await unwatch();
    return drained;
  }

  #note(key: string, entry: Entry | null): void {
    if (key === 'job') this.#wanted = entry === null ? null : (entry.value as JobRecord);
    // Who runs the job has taken the refusal away: what it named may be mended, outside of the revision.
    else if (key === 'failure' && entry === null) this.#refused = '';
    else return;
    this.#changed.notify();
  }

  /** One step towards what is wanted; returns after how long to look again at the latest. */
  async #step(connection: NatsConnection, directory: Directory): Promise<number> {
    const wanted = this.#wanted;
    if (wanted === null) {
      await this.#end('waiting', 'the job is not there');
      return Infinity;
    }
    if (this.#runner !== null && this.#runner.runId !== wanted.runId) await this.#end('loading', 'another run of the job has begun');
    if ((this.#runner?.revision ?? 0) >= wanted.revision || this.#refused === nameOf(wanted)) return Infinity;
    if (this.#runner === null) this.#enter('loading', `loads revision ${wanted.revision}`);
    const { job, filesDir, tracing } = this.#options;
    const blobs = NatsBlobStore.attach(connection, job);
    const parts: LoaderParts = { connection, blobs, job, filesDir, isTraced: tracing !== null };
    const loaded = await loadRevision(wanted, parts);
    if (this.#wanted !== wanted || this.#abort.signal.aborted) return 0;
    switch (loaded.kind) {
      case 'later':
        this.#log('info', `revision ${wanted.revision} ${loaded.reason}`, codeIn(loaded.reason));
        if (this.#runner === null) this.#enter('loading', loaded.reason);
        return LATER_MS;
      case 'refused':
        this.#refused = nameOf(wanted);
        this.#log('error', loaded.failure.message, { code: loaded.failure.code, fix: loaded.failure.fix });
        if (this.#runner === null) this.#enter('refused', loaded.failure.message);
        await directory.put('failure', { ...loaded.failure, revision: wanted.revision });
        return Infinity;
      case 'ready':
        for (const issue of loaded.parts.tableIssues) this.#log('warn', issue);
        await this.#run(wanted, { ...parts, directory }, loaded.parts);
        return Infinity;
    }
  }

  async #run(record: JobRecord, parts: LoaderParts & { readonly directory: Directory }, revision: RevisionParts): Promise<void> {
    const { worker, node, pool, failpoint, tracing } = this.#options;
    const log = (message: string): void => this.#log(levelOf(message), message, codeIn(message));
    const own = { ...parts, worker, node, pool, log, failpoint, tracing };
    if (this.#runner === null) this.#runner = await JobRunner.start(record, revision, own);
    else this.#runner.update(record, revision);
    this.#enter('running', `runs revision ${record.revision}`);
  }

  /** Ends the worker, when there is one. True: with everything stored. */
  async #end(phase: PodPhase, reason: string): Promise<boolean> {
    const runner = this.#runner;
    this.#enter(phase, reason);
    if (runner === null) return true;
    this.#runner = null;
    const drained = await runner.drain(DRAIN_MAX_MS);
    if (!drained) this.#log('error', `the worker did not end within ${DRAIN_MAX_MS} ms; what was in flight is left to the fence`);
    // A worker that hangs must not work beside the next one.
    assert(drained || phase === 'draining', 'a worker ends before another one begins');
    return drained;
  }

  async #pause(pauseMs: number): Promise<void> {
    if (pauseMs === 0) return;
    const timer = Number.isFinite(pauseMs) ? setTimeout(() => this.#changed.notify(), pauseMs) : undefined;
    await this.#changed.wait();
    clearTimeout(timer);
  }

  #follow(connection: NatsConnection, credentials: string | null): () => void {
    void this.#tellConnection(connection);
    if (credentials === null) return () => undefined;
    return followCredentials(credentials, {
      clock: systemClock,
      onChange: () => {
        this.#log('info', 'the credentials are new: connects again');
        connection.reconnect().catch((error: unknown) => this.#log('warn', errorLine(error).msg));
      },
    });
  }

  async #tellConnection(connection: NatsConnection): Promise<void> {
    let told = { refusal: '', atMs: 0 };
    for await (const status of connection.status()) {
      const refusal = refusalIn(connection, status);
      if (status.type === 'reconnect') {
        told = { refusal: '', atMs: 0 };
        this.#reconnects++;
        this.#log('info', 'connected to NATS again');
      } else if (refusal !== null) {
        // Each try ends so.
        if (told.refusal === refusal && performance.now() - told.atMs < TELL_AGAIN_MS) continue;
        told = { refusal, atMs: performance.now() };
        const { code, message } = new MillraceError('MR1003', { url: withoutSecrets(this.#options.natsUrl), problem: refusal });
        this.#log('warn', `${message}; tries again with the credentials that are there by then`, { code });
      } else if (status.type === 'disconnect') {
        if (told.refusal === '') this.#log('warn', 'the connection to NATS broke; connects again');
      } else if (status.type === 'error') this.#log('error', `NATS: ${status.error.message}`);
    }
  }

  #enter(phase: PodPhase, reason: string): void {
    if (phase === this.#phase && reason === this.#reason) return;
    this.#phase = phase;
    this.#reason = reason;
    if (reason !== '') this.#log('info', reason, { phase });
  }
}

function nameOf({ runId, revision }: JobRecord): string {
  return `${runId}/${revision}`;
}

/** Nothing goes on until somebody mends it. */
const STALLS: ReadonlySet<string> = new Set(['MR2111', 'MR2114'] satisfies ErrorCode[]);

function levelOf(message: string): 'error' | 'warn' | 'info' {
  const { code } = codeIn(message);
  if (message.includes('stopped the job') || (code !== undefined && STALLS.has(code))) return 'error';
  return code === undefined ? 'info' : 'warn';
}
