// A job that a test runs as an operator does: its revisions are declared one behind the other, worker pods (processes) run it,
// events come on a subject at a pace, results are read from subjects.

import type { NatsConnection } from '@nats-io/transport-node';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { openBus } from '../../runtime/adapters/nats/directory.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import type { RecordHeader } from '../../runtime/journal/record.ts';
import { prepareJob, startPod, writeRecord } from '../../runtime/pod/pod-harness.ts';
import type { OperatedJob, PodProcess } from '../../runtime/pod/pod-harness.ts';
import type { JobRecord } from '../../runtime/worker/job-record.ts';
import type { TaskFigures } from '../../runtime/worker/task-figures.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';
import { streamOfSubject } from './job-run.ts';

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks again until it is so; throws when it takes too long. */
export async function until(holds: () => Promise<boolean>, limitMs = 150_000): Promise<void> {
  for (const endMs = performance.now() + limitMs; ; await sleep(100)) {
    if (await holds()) return;
    if (performance.now() > endMs) throw new Error(`not so after ${limitMs} ms: ${holds.toString()}`);
  }
}

/** A stream of that subject, and a way to fill it at a pace. */
export class Feed {
  sent = 0;
  readonly #connection: NatsConnection;
  readonly #subject: string;
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(connection: NatsConnection, subject: string) {
    this.#connection = connection;
    this.#subject = subject;
  }

  async open(): Promise<void> {
    const name = streamOfSubject(this.#subject);
    await callApi(Link.of(this.#connection), `STREAM.CREATE.${name}`, {
      name,
      subjects: [this.#subject],
      storage: 'file',
      retention: 'limits',
    });
  }

  /** `{ n, id, at }`, n counting up from 0, about so many a second until `stop`. */
  start(perSecond: number, keys = 7): void {
    this.#loop = (async () => {
      while (!this.#stopped) {
        for (let i = 0; i < perSecond / 50; i++) this.#connection.publish(this.#subject, JSON.stringify(eventOf(this.sent++, keys)));
        await this.#connection.flush();
        await sleep(20);
      }
    })();
  }

  /** Resolves with how many were sent. */
  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#loop;
    return this.sent;
  }
}

export function eventOf(n: number, keys = 7): { n: number; id: string; at: number } {
  return { n, id: `k${n % keys}`, at: n * 10 };
}

/** A module that sets the wall clock of a process off. */
function clockOff(aheadMs: number): string {
  return `data:text/javascript,${encodeURIComponent(`const now = Date.now; Date.now = () => now() + ${aheadMs};`)}`;
}

/** The job of one identity: what was declared last, its pods, what they report. */
export class Operated {
  readonly identity: string;
  readonly figures = new Map<string, TaskFigures>();
  /** Who runs a task, by its name: by the report of its newest epoch. */
  readonly workers = new Map<string, string>();
  readonly pods = new Map<string, PodProcess>();
  current: OperatedJob | null = null;
  record: JobRecord | null = null;
  readonly #admin: NatsConnection;
  readonly #url: string;
  /** Of all its pods. */
  readonly #environment: Readonly<Record<string, string>>;
  readonly #read = new Map<string, { readonly values: readonly unknown[]; readonly sequence: number }>();
  readonly #stopHearing: () => void;

  constructor(admin: NatsConnection, url: string, identity: string, environment: Readonly<Record<string, string>> = {}) {
    this.#admin = admin;
    this.#url = url;
    this.identity = identity;
    this.#environment = environment;
    this.#stopHearing = openBus(admin, identity).subscribe('report', (value) => {
      const { tasks, worker } = value as WorkerReport;
      for (const task of tasks) this.#hear(task, worker);
    });
  }

  /** Declares the next revision of the same run. */
  async declare(
    text: string,
    { restore = null, workers = 1 }: { readonly restore?: string | null; readonly workers?: number } = {},
  ): Promise<JobRecord> {
    const before = this.record === null ? null : (this.record.plan as OperatedJob['plan']);
    this.current = await prepareJob(this.#admin, text, { identity: this.identity, before });
    this.record = await writeRecord(this.current, {
      identity: this.identity,
      revision: (this.record?.revision ?? 0) + 1,
      workers: this.record?.workers ?? workers,
      restore: this.record?.restore ?? restore,
      ...(this.record === null ? {} : { runId: this.record.runId }),
    });
    return this.record;
  }

  /** `aheadMs`: its wall clock is so much ahead of the machine's; below 0: behind. */
  startPod(worker: string, failpoint?: string, pool?: string, aheadMs = 0): PodProcess {
    const environment = {
      ...this.#environment,
      ...(failpoint === undefined ? {} : { MILLRACE_FAILPOINT: failpoint }),
      ...(pool === undefined ? {} : { MILLRACE_POOL: pool }),
    };
    const pod = startPod({
      natsUrl: this.#url,
      job: this.identity,
      worker,
      environment,
      flags: aheadMs === 0 ? [] : [`--import=${clockOff(aheadMs)}`],
    });
    this.pods.set(worker, pod);
    return pod;
  }

  async endPods(): Promise<void> {
    await Promise.all([...this.pods.values()].map((pod) => pod.end()));
    this.pods.clear();
    this.#stopHearing();
  }

  /** Header of each task's last record. */
  async headers(): Promise<Readonly<Record<string, RecordHeader>>> {
    const journal = new NatsJournal(Link.of(this.#admin));
    const headers: Record<string, RecordHeader> = {};
    for (const { id, stream, subjectPrefix, partitionCount } of this.current?.plan.stages ?? []) {
      for (let partition = 0; partition < partitionCount; partition++) {
        const last = await journal.last(stream, `${subjectPrefix}.${partition}`);
        if (last !== null) headers[`${id}/${partition}`] = decodeHeader(last.bytes);
      }
    }
    return headers;
  }

  /** Epochs by stage: `rows: 2`, or `2-3` where its tasks differ. */
  async epochs(): Promise<Readonly<Record<string, string>>> {
    const byStage = Map.groupBy(Object.values(await this.headers()), ({ stage }) => stage);
    return Object.fromEntries(
      [...byStage].map(([stage, list]) => [stage, [...new Set(list.map(({ epoch }) => epoch))].toSorted((a, b) => a - b).join('-')]),
    );
  }

  /** Resolves when every task of what was declared last runs, by its reports, and of `workers` one at least. */
  async allRun(): Promise<void> {
    const names = (this.current?.plan.stages ?? []).flatMap(({ id, partitionCount }) =>
      Array.from({ length: partitionCount }, (_, p) => `${id}/${p}`),
    );
    await until(() => Promise.resolve(names.every((name) => this.figures.get(name)?.state === 'running')));
  }

  /** What stopped it; null: nothing. */
  async failure(): Promise<unknown> {
    return (await this.current?.directory.get('failure'))?.value ?? null;
  }

  /** What lies on `subject` now, in order: read on from where it was read up to before. */
  async results<T>(subject: string): Promise<readonly T[]> {
    const { values, sequence } = this.#read.get(subject) ?? { values: [], sequence: 0 };
    const stream = streamOfSubject(subject);
    const found = await callApi<{ state: { last_seq: number } }>(Link.of(this.#admin), `STREAM.INFO.${stream}`);
    const last = found.kind === 'ok' ? found.value.state.last_seq : 0;
    const fresh: unknown[] = [];
    if (last > sequence) {
      const reader = new NatsJournal(Link.of(this.#admin)).read(stream, { fromSequence: sequence + 1 });
      for (let at = sequence; at < last;) {
        for (const record of await reader.next({ bytesMax: 4 * 1024 * 1024, waitMs: 1_000 })) {
          at = record.sequence;
          const lines = Buffer.from(record.bytes).toString('utf8').split('\n');
          fresh.push(...lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown));
          if (at > last) throw new Error(`${stream} was read behind its end`);
          if (at === last) break;
        }
      }
      await reader.close();
    }
    const read = { values: [...values, ...fresh], sequence: Math.max(last, sequence) };
    this.#read.set(subject, read);
    return read.values as T[];
  }

  #hear(task: TaskFigures, worker: string): void {
    const known = this.figures.get(task.task);
    if (known === undefined || task.epoch > known.epoch || (task.epoch === known.epoch && task.number >= known.number)) {
      this.figures.set(task.task, task);
      this.workers.set(task.task, worker);
    }
  }
}
