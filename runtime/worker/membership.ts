// Who works on the job, and who owns what: each worker beats, the first of the living assigns.
//
// Keys of the directory: `worker.<id>` (heartbeat), `assignment`, `failure`, `completed`.
//   M1. A worker is alive while its heartbeat was seen to change within the lease, by this worker's own clock.
//   M2. The living worker with the lowest id writes the assignment, by compare-and-set; two that believe to be first
//       can't both win, and whatever they write, the fence keeps the tasks safe.

import type { Clock } from '../base/clock.ts';
import { HEARTBEAT_MS, LEASE_MS } from '../base/limits.ts';
import { assign } from './assignment.ts';
import type { Assignment, TaskRef } from './assignment.ts';
import type { Directory, Entry } from './directory.ts';

export type Heartbeat = {
  readonly worker: string;
  readonly beat: number;
  /** Tasks that it runs now. */
  readonly owned: readonly string[];
  /** Tasks that it has seen to be done. */
  readonly done: readonly string[];
  readonly draining: boolean;
};

export type Failure = { readonly code: string; readonly message: string; readonly fix: string; readonly task: string };

export type MembershipParts = {
  readonly worker: string;
  readonly tasks: readonly TaskRef[];
  /** Workers that were started together: the first assignment waits for them, but not longer than a lease. */
  readonly expectedWorkers: number;
  readonly directory: Directory;
  readonly clock: Clock;
  /** What this worker runs now. */
  readonly holds: () => { readonly owned: readonly string[]; readonly done: readonly string[]; readonly draining: boolean };
  /** The assignment or the living changed. */
  readonly onChange: () => void;
  readonly onTrouble: (error: unknown) => void;
};

type Peer = { readonly heartbeat: Heartbeat; readonly seenMs: number };

export class Membership {
  assignment: Assignment = {};
  failure: Failure | null = null;
  completed = false;
  readonly #parts: MembershipParts;
  readonly #peers = new Map<string, Peer>();
  #assignmentRevision = 0;
  #beat = 0;
  #startedMs = 0;
  #stopped = false;
  #unwatch: (() => Promise<void>) | null = null;
  #loop: Promise<void> | null = null;
  readonly #abort = new AbortController();

  constructor(parts: MembershipParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    this.#startedMs = this.#parts.clock.monotonicMs();
    await this.beat();
    this.#unwatch = await this.#parts.directory.watch((key, entry) => this.#note(key, entry));
    this.#loop = this.#run();
  }

  /** Tells the others at once what this worker holds. */
  async beat(): Promise<void> {
    const heartbeat: Heartbeat = { worker: this.#parts.worker, beat: ++this.#beat, ...this.#parts.holds() };
    await this.#parts.directory.put(`worker.${this.#parts.worker}`, heartbeat);
  }

  /** Says goodbye: the others need not wait for the lease. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#abort.abort();
    await this.#loop;
    await this.#unwatch?.();
    await this.#parts.directory.delete(`worker.${this.#parts.worker}`).catch(this.#parts.onTrouble);
  }

  async fail(failure: Failure): Promise<void> {
    await this.#parts.directory.put('failure', failure);
  }

  /** True while another living worker says that it runs `task`. */
  isHeldElsewhere(task: string): boolean {
    return this.#living().some((peer) => peer.worker !== this.#parts.worker && peer.owned.includes(task));
  }

  #living(): Heartbeat[] {
    const now = this.#parts.clock.monotonicMs();
    return [...this.#peers.values()].filter(({ seenMs }) => now - seenMs < LEASE_MS).map(({ heartbeat }) => heartbeat);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.beat();
        await this.#lead();
      } catch (error) {
        this.#parts.onTrouble(error);
      }
      this.#parts.onChange();
      await this.#parts.clock.sleep(this.#assignmentRevision === 0 ? HEARTBEAT_MS / 5 : HEARTBEAT_MS, this.#abort.signal);
    }
  }

  /** The first of the living keeps the assignment right, and says when all is done. */
  async #lead(): Promise<void> {
    const living = this.#living();
    const ready = living.filter(({ draining }) => !draining).map(({ worker }) => worker);
    const [first] = ready.sort();
    if (first !== this.#parts.worker) return;
    const done = new Set(living.flatMap((heartbeat) => heartbeat.done));
    if (!this.completed && this.#parts.tasks.every(({ name }) => done.has(name)))
      await this.#parts.directory.put('completed', { atMs: this.#parts.clock.nowMs() });
    const now = this.#parts.clock.monotonicMs();
    if (this.#assignmentRevision === 0 && ready.length < this.#parts.expectedWorkers && now - this.#startedMs < LEASE_MS) return;
    const wanted = assign(this.#parts.tasks, ready, this.assignment);
    if (JSON.stringify(wanted) === JSON.stringify(this.assignment)) return;
    const revision = await this.#parts.directory.update('assignment', wanted, this.#assignmentRevision);
    if (revision !== null && revision > this.#assignmentRevision) this.#setAssignment(wanted, revision);
  }

  #note(key: string, entry: Entry | null): void {
    if (key.startsWith('worker.')) this.#notePeer(key.slice('worker.'.length), entry);
    else if (key === 'assignment' && entry !== null && entry.revision > this.#assignmentRevision)
      this.#setAssignment(entry.value as Assignment, entry.revision);
    else if (key === 'failure') this.failure = entry === null ? null : (entry.value as Failure);
    else if (key === 'completed') this.completed = entry !== null;
    else return;
    this.#parts.onChange();
  }

  #notePeer(worker: string, entry: Entry | null): void {
    if (entry === null) this.#peers.delete(worker);
    else this.#peers.set(worker, { heartbeat: entry.value as Heartbeat, seenMs: this.#parts.clock.monotonicMs() });
  }

  #setAssignment(assignment: Assignment, revision: number): void {
    this.assignment = assignment;
    this.#assignmentRevision = revision;
  }
}
