// The jobs of the cluster for the console: those that the operator watches, each looked at only while somebody does.
//
//   CC1. A job is heard, and its Events are read, from the first look on; IDLE_MS after the last one nothing of it is kept.

import type { JobRef } from '../../console/api.ts';
import type { Asker, ConsoleSource, Entry, JobSource } from '../../console/job-source.ts';
import type { Clock, Random } from '../../runtime/base/clock.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { AnyObject } from '../kube/kube-object.ts';
import type { JobViews } from '../nats/job-view.ts';
import { ClusterAccess } from './cluster-access.ts';
import { LookedAtJob } from './looked-at-job.ts';

/** The operator, as far as the console needs it. */
export interface WatchedJobs extends JobViews {
  readonly streamJobs: {
    list(): readonly AnyObject[];
    get(namespace: string | null, name: string): AnyObject | undefined;
  };
}

export type ClusterConsoleParts = {
  readonly jobs: WatchedJobs;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly jaegerUrl: string | null;
  /** Those who may change a job may decide about its dead letters here; false: nobody may. */
  readonly allowRedrive: boolean;
};

const IDLE_MS = 30_000;
const SWEEP_MS = 5_000;
const READ_ONLY = 'The console of this cluster only reads; the chart\u2019s console.allowRedrive lets it decide about dead letters';

type LookedAt = { readonly job: LookedAtJob; readonly source: JobSource; atMs: number };

export class ClusterConsole implements ConsoleSource {
  readonly #parts: ClusterConsoleParts;
  readonly #access: ClusterAccess;
  readonly #lookedAt = new Map<string, LookedAt>();
  readonly #stop = new AbortController();

  constructor(parts: ClusterConsoleParts) {
    this.#parts = parts;
    this.#access = new ClusterAccess(parts);
    void this.#sweep();
  }

  close(): void {
    this.#stop.abort();
    for (const { job } of this.#lookedAt.values()) job.close();
    this.#lookedAt.clear();
  }

  entry(asker: Asker, namespace: string | null): Promise<Entry> {
    return this.#access.entry(asker, namespace);
  }

  deciding(asker: Asker, namespace: string): Promise<Entry> {
    if (this.#parts.allowRedrive) return this.#access.changing(asker, namespace);
    return Promise.resolve({ kind: 'refused', status: 403, message: READ_ONLY });
  }

  jobs(): readonly JobRef[] {
    const refs = this.#parts.jobs.streamJobs.list().map(({ metadata }) => ({ namespace: metadata.namespace ?? '', name: metadata.name }));
    return refs.toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
  }

  job(ref: JobRef): JobSource | null {
    const { jobs, clock } = this.#parts;
    if (jobs.streamJobs.get(ref.namespace, ref.name) === undefined) return null;
    const key = `${ref.namespace}/${ref.name}`;
    const known = this.#lookedAt.get(key) ?? this.#open(ref);
    known.atMs = clock.monotonicMs();
    this.#lookedAt.set(key, known);
    return known.source;
  }

  #open(ref: JobRef): LookedAt {
    const { jobs, clock } = this.#parts;
    const job = new LookedAtJob({ ...this.#parts, ref, nats: jobs, object: () => jobs.streamJobs.get(ref.namespace, ref.name) });
    const source: JobSource = {
      declared: () => job.declared(),
      live: () => {
        lookedAt.atMs = clock.monotonicMs(); // a stream asks once for the job and looks for as long as it lasts
        return job.live();
      },
      story: (node, key) => job.story(node, key),
      deadLetters: () => job.deadLetters(),
      decide: (request) => job.decide(request),
    };
    const lookedAt: LookedAt = { job, source, atMs: clock.monotonicMs() };
    return lookedAt;
  }

  /** CC1. */
  async #sweep(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await clock.sleep(SWEEP_MS, signal);
      for (const [key, { job, atMs }] of this.#lookedAt) {
        if (clock.monotonicMs() - atMs <= IDLE_MS) continue;
        job.close();
        this.#lookedAt.delete(key);
      }
    }
  }
}
