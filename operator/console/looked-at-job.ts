// One job of the cluster while somebody looks at it: what its workers run, what they report, and what the cluster says of it.
//
//   LJ1. What is declared and what is live are of one revision: both change in one step.
//   LJ2. Nothing fails because NATS or the API server is away: the phase says so, and what was known stays.
//   LJ3. A moment is put together once for all who look.

import { stringify } from 'yaml';
import type { StreamJobStatus } from '../../crds/stream-job/status.ts';
import type { DeadLetters, Decided, DecideRequest, Declared, JobRef, Live, Phase, Story, TimelineEntry } from '../../console/api.ts';
import { DeadLetterBook } from '../../console/dead-letter-book.ts';
import { decideLetters } from '../../console/decide-letters.ts';
import { declaredOf } from '../../console/declared.ts';
import type { JobSource } from '../../console/job-source.ts';
import { type Fresh, keyStory } from '../../console/key-story.ts';
import { LiveBoard } from '../../console/live-board.ts';
import type { Clock, Random } from '../../runtime/base/clock.ts';
import type { DeadLetterDesk } from '../../runtime/dead-letter-desk.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { LOOK_TOPIC } from '../../runtime/worker/report-pace.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { AnyObject } from '../kube/kube-object.ts';
import { resources } from '../kube/resource.ts';
import type { JobView, JobViews } from '../nats/job-view.ts';
import { identityOf } from '../reconcile/stream-job-object.ts';
import { historyOf } from './job-history.ts';
import { toldLags, toldPools } from './told-pools.ts';

export type LookedAtParts = {
  readonly ref: JobRef;
  /** The StreamJob as it is now; undefined: gone. */
  readonly object: () => AnyObject | undefined;
  readonly nats: JobViews;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly jaegerUrl: string | null;
};

/** What workers run: null: nothing yet. */
type Running = { readonly run: string; readonly plan: PhysicalPlan };
type Shown = { readonly running: Running | null; readonly object: string; readonly declared: Declared; readonly board: LiveBoard };

const REFRESH_MS = 2_000;
const MOMENT_MS = 200;
const TIMELINE_MAX = 500;
const TEXT_CHARACTERS_MAX = 1024 * 1024;
const NOTHING_RUNS = 'Nothing runs yet: there is no plan.';

export class LookedAtJob implements JobSource {
  readonly #parts: LookedAtParts;
  readonly #stop = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  readonly #letters = new DeadLetterBook();
  #view: JobView | null = null;
  #running: Running | null = null;
  #stopHearing: (() => void) | null = null;
  #shown: Shown | null = null;
  #moment: { readonly atMs: number; readonly live: Live } | null = null;
  #events: readonly AnyObject[] = [];
  /** Why there is less than there could be. */
  #problem: string | null = null;

  constructor(parts: LookedAtParts) {
    this.#parts = parts;
    void this.#run();
  }

  close(): void {
    this.#stop.abort();
    this.#stopHearing?.();
  }

  async declared(): Promise<Declared> {
    await this.#first.promise;
    return this.#show().declared;
  }

  live(): Live | null {
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (this.#moment !== null && nowMs - this.#moment.atMs < MOMENT_MS) return this.#moment.live; // LJ3
    if (this.#shown === null) return null;
    const status = this.#status();
    const told = this.#show().board.live(this.#phase(), clock.nowMs(), nowMs, toldPools(status), toldLags(status));
    const live = { ...told, timeline: inOrder([...told.timeline, ...historyOf(this.#events, this.#status())]) };
    this.#moment = { atMs: nowMs, live };
    return live;
  }

  async story(node: string, key: string, fresh: Fresh | null = null): Promise<Story> {
    await this.#first.promise;
    const { clock, random } = this.#parts;
    if (this.#view === null || this.#running === null) return { kind: 'nobody', message: this.#problem ?? NOTHING_RUNS };
    const { bus } = this.#view;
    const sleep = (ms: number, signal: AbortSignal): Promise<void> => clock.sleep(ms, signal);
    return keyStory(node, key, { job: this.#running.plan.job, plan: this.#running.plan, bus, newId: () => random.id(), sleep }, fresh);
  }

  async deadLetters(): Promise<DeadLetters> {
    await this.#first.promise;
    const desk = await this.#desk();
    if (desk === null) return { total: 0, open: 0, groups: [], note: this.#problem ?? NOTHING_RUNS };
    return this.#letters.look(desk);
  }

  async decide(request: DecideRequest): Promise<Decided | { readonly problem: string }> {
    await this.#first.promise;
    const desk = await this.#desk();
    return desk === null ? { problem: this.#problem ?? NOTHING_RUNS } : decideLetters(desk, request);
  }

  async #desk(): Promise<DeadLetterDesk | null> {
    return this.#view === null || this.#running === null ? null : this.#view.desk();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#refresh();
        this.#problem = null;
      } catch (error) {
        this.#problem = error instanceof Error ? error.message : String(error); // LJ2
      }
      this.#show();
      this.#first.resolve();
      await this.#parts.clock.sleep(REFRESH_MS, signal);
    }
  }

  async #refresh(): Promise<void> {
    const { ref, nats, client } = this.#parts;
    const [viewed, events] = await Promise.all([
      nats.view(identityOf(ref)),
      client.list(resources.events, {
        namespace: ref.namespace,
        fieldSelector: `regarding.kind=StreamJob,regarding.name=${ref.name}`,
      }),
    ]);
    if (events.kind === 'ok') this.#events = events.object.items;
    if (viewed.kind === 'absent') throw new Error(`NATS: ${viewed.reason}`);
    this.#hear(viewed.view);
    viewed.view.bus.publish(LOOK_TOPIC, {});
    const record = await viewed.view.record();
    this.#running = record === null ? null : { run: `${record.runId} ${record.revision}`, plan: record.plan as PhysicalPlan };
  }

  /** A connection may be made anew. */
  #hear(view: JobView): void {
    if (this.#stop.signal.aborted || this.#view?.connection === view.connection) return;
    this.#stopHearing?.();
    this.#view = view;
    this.#stopHearing = view.onReport((report) => this.#shown?.board.hear(report, this.#parts.clock.monotonicMs()));
  }

  /** LJ1. */
  #show(): Shown {
    const { ref, clock } = this.#parts;
    const { metadata } = this.#parts.object() ?? {};
    const object = `${metadata?.uid} ${metadata?.generation}`;
    const [before, running] = [this.#shown, this.#running];
    const isSameRun = before !== null && before.running?.run === running?.run;
    if (isSameRun && before.object === object) return before;
    const plan = running?.plan ?? { job: identityOf(ref), stages: [], edges: [], tables: [], streams: [], fingerprint: '' };
    const declared = this.#declare(plan, `${running?.run} ${object}`);
    const timeline = before?.board.timeline ?? []; // what was seen outlives the revision that it happened to
    const begun = { plan, declared, isolation: 'process', startMs: clock.monotonicMs(), timeline } as const;
    const board = isSameRun ? before.board : new LiveBoard(begun);
    board.declare(declared);
    this.#moment = null;
    return (this.#shown = { running, object, declared, board });
  }

  #declare(plan: PhysicalPlan, run: string): Declared {
    const { ref, jaegerUrl } = this.#parts;
    const object = this.#parts.object();
    const { description = null } = (object?.['spec'] ?? {}) as { readonly description?: string };
    const declared = declaredOf({ ref, plan, description, text: textOf(ref, object), language: 'yaml', run, jaegerUrl });
    return plan.stages.length === 0 ? { ...declared, planText: NOTHING_RUNS } : declared;
  }

  #status(): StreamJobStatus {
    return (this.#parts.object()?.['status'] ?? {}) as StreamJobStatus;
  }

  #phase(): Phase {
    const { phase = 'Pending', conditions = [] } = this.#status();
    const of = (type: string) => conditions.find((one) => one.type === type);
    const [ready, degraded] = [of('Ready'), of('Degraded')];
    const isBad = phase === 'Failed' || this.#problem !== null || of('Stalled')?.status === 'True';
    const why = ready?.status === 'False' ? ready.message : degraded?.status === 'True' ? degraded.message : null;
    const isGood = (phase === 'Running' && ready?.status === 'True') || phase === 'Completed';
    return { name: phase, tone: isBad ? 'bad' : isGood ? 'good' : 'busy', message: this.#problem ?? why };
  }
}

/** As its author would write it: without what the cluster adds. */
function textOf({ namespace, name }: JobRef, object: AnyObject | undefined): string {
  if (object === undefined) return '';
  const { apiVersion, kind } = object;
  return stringify({ apiVersion, kind, metadata: { name, namespace }, spec: object['spec'] }, { lineWidth: 120 }).slice(
    0,
    TEXT_CHARACTERS_MAX,
  );
}

/** Newest first. */
function inOrder(entries: readonly TimelineEntry[]): readonly TimelineEntry[] {
  return entries.toSorted((a, b) => b.atMs - a.atMs).slice(0, TIMELINE_MAX);
}
