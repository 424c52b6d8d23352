// Who works on the job, and who owns what: each worker beats, the first of the living assigns.
//
// Keys of the directory: `worker.<id>` (heartbeat), `assignment`, `failure`, `completed`; `pause`, `savepoint` and `trace` (job-record.ts).
//   M1. A worker is alive while its heartbeat was seen to change within the lease, by this worker's own clock.
//   M2. The living worker with the lowest id writes the assignment, by compare-and-set; two that believe to be first
//       can't both win, and whatever they write, the fence keeps the tasks safe.
//   M3. Of workers that run different revisions of the job the newest lead. The others keep their tasks for a lease, in which
//       they learn of it; then they get none. Who sees an assignment of a newer revision than its own begins nothing.
//   M4. A failure or an end is one of a revision: for any other it says nothing.
//   M5. With standbys a worker is also gone as soon as nobody listens behind its name (peer-watch.ts): who leads says goodbye for it.
//       If it lives it is back with its next beat, and has lost tasks at most.

import type { Clock } from '../base/clock.ts';
import { HEARTBEAT_MS, LEASE_MS } from '../base/limits.ts';
import { poolOf } from '../plan/pools.ts';
import { assignInPools } from './assignment.ts';
import type { Assignment, TaskRef } from './assignment.ts';
import type { Bus, Directory, Entry } from './directory.ts';
import type { FollowedKeys, Pause, SavepointRequest } from './job-record.ts';
import { PeerWatch } from './peer-watch.ts';
import { standbysInPools } from './standbys.ts';

export type Heartbeat = {
  readonly worker: string;
  readonly beat: number;
  /** Tasks that it runs now. */
  readonly owned: readonly string[];
  /** Tasks that it has seen to be done. */
  readonly done: readonly string[];
  readonly draining: boolean;
  /** Revision of the job that it runs. */
  readonly revision: number;
  /** Tasks that it is to have, of which it has a warm copy (hand-over.ts). Older workers know of none: absent. */
  readonly warm?: readonly string[];
  /** It listens behind its name: when nobody does any more, it is gone. */
  readonly listens?: true;
  /** Where it runs, if it knows. */
  readonly node?: string;
  /** Whose tasks it may be given; absent: the default pool's. */
  readonly pool?: string;
};

export type Failure = {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
  readonly task: string;
  /** Of the job, under which it failed; 1 when absent. */
  readonly revision?: number;
};
/** The directory's key `completed`. */
export type Completed = { readonly atMs: number; /** 1 when absent. */ readonly revision?: number };
/** The directory's key `assignment`. */
export type AssignmentRecord = {
  readonly revision: number;
  readonly owners: Assignment;
  /** Absent: none. */ readonly standbys?: Assignment;
};

export type WorkerPlace = {
  /** The machine that it runs on, if known. */
  readonly node?: string | undefined;
  /** Whose tasks it runs; absent: those of all pools. */
  readonly pool?: string | undefined;
};

export type MembershipParts = {
  readonly worker: string;
  /** Where this worker stands; absent: nothing is known of it. */
  readonly place?: WorkerPlace;
  readonly tasks: readonly TaskRef[];
  readonly revision: number;
  /** Workers that were started together: the first assignment waits for them, but not longer than a lease. */
  readonly expectedWorkers: number;
  readonly directory: Directory;
  readonly bus: Bus;
  readonly clock: Clock;
  /** What this worker runs now. */
  readonly holds: () => Pick<Heartbeat, 'owned' | 'done' | 'draining' | 'warm'>;
  /** The assignment or the living changed. */
  readonly onChange: () => void;
  readonly onTrouble: (error: unknown) => void;
};

type Peer = { readonly heartbeat: Heartbeat; readonly seenMs: number };

export class Membership {
  assignment: Assignment = {};
  standbys: Assignment = {};
  pause: Pause | null = null;
  savepoint: SavepointRequest | null = null;
  followed: FollowedKeys | null = null;
  /** When a beat was stored last, by the clock; null: never yet. */
  beatenMs: number | null = null;
  readonly #parts: MembershipParts;
  #tasks: readonly TaskRef[];
  #revision: number;
  #revisedMs = -Infinity;
  #failure: Failure | null = null;
  #completed: Completed | null = null;
  #assignedUnder = 0;
  readonly #peers = new Map<string, Peer>();
  #assignmentRevision = 0;
  #beat = 0;
  #startedMs = 0;
  #stopped = false;
  readonly #watch: PeerWatch;
  /** Told to be gone by nobody but this worker. */
  readonly #gone = new Set<string>();
  #unwatch: (() => Promise<void>) | null = null;
  #loop: Promise<void> | null = null;
  /** Ends the wait for the next beat. */
  #wake = new AbortController();

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    this.#tasks = parts.tasks;
    this.#revision = parts.revision;
    this.#watch = new PeerWatch({ ...parts, watched: () => this.#watched(), onGone: (worker) => this.#lose(worker) });
  }

  /** What stopped the revision that runs here. */
  get failure(): Failure | null {
    return (this.#failure?.revision ?? 1) === this.#revision ? this.#failure : null;
  }

  /** The revision that runs here has come to its end. */
  get completed(): boolean {
    return this.#completed !== null && (this.#completed.revision ?? 1) === this.#revision;
  }

  /** An assignment was seen. */
  get isAssigned(): boolean {
    return this.#assignmentRevision > 0;
  }

  /** The assignment is of a newer revision than runs here: nothing may be begun by it. */
  get isBehind(): boolean {
    return this.#assignedUnder > this.#revision;
  }

  /** From now on another revision runs here, which has these tasks. */
  update(tasks: readonly TaskRef[], revision: number): void {
    this.#tasks = tasks;
    this.#revision = revision;
    this.#revisedMs = this.#parts.clock.monotonicMs();
    if (this.#hasStandbys) this.#watch.start();
    this.#wake.abort();
  }

  get #hasStandbys(): boolean {
    return this.#tasks.some(({ isFollowed }) => isFollowed === true);
  }

  async start(): Promise<void> {
    this.#startedMs = this.#parts.clock.monotonicMs();
    if (this.#hasStandbys) this.#watch.start();
    await this.beat();
    this.#unwatch = await this.#parts.directory.watch((key, entry) => this.#note(key, entry));
    this.#loop = this.#run();
  }

  /** Tells the others at once what this worker holds. */
  async beat(): Promise<void> {
    const { node, pool } = this.#parts.place ?? {};
    const heartbeat: Heartbeat = {
      worker: this.#parts.worker,
      beat: ++this.#beat,
      revision: this.#revision,
      ...(pool === undefined ? {} : { pool }),
      ...this.#parts.holds(),
      ...(this.#watch.listens ? { listens: true } : {}),
      ...(node === undefined ? {} : { node }),
    };
    await this.#parts.directory.put(`worker.${this.#parts.worker}`, heartbeat);
    this.beatenMs = this.#parts.clock.monotonicMs();
  }

  /** Says goodbye: the others need not wait for the lease. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake.abort();
    await this.#loop;
    await this.#unwatch?.();
    await this.#parts.directory.delete(`worker.${this.#parts.worker}`).catch(this.#parts.onTrouble);
    this.#watch.stop(); // not sooner: nobody would listen behind a name that is still there
  }

  async fail(failure: Failure): Promise<void> {
    if (this.#failure !== null && (this.#failure.revision ?? 1) > this.#revision) return; // what happens to an older revision is over
    await this.#parts.directory.put('failure', { ...failure, revision: this.#revision } satisfies Failure);
  }

  /** True while another living worker says that it runs `task`. */
  isHeldElsewhere(task: string): boolean {
    return this.#living().some((peer) => peer.worker !== this.#parts.worker && peer.owned.includes(task));
  }

  /** The heartbeat of another worker that lives. */
  peer(worker: string): Heartbeat | null {
    return this.#living().find((heartbeat) => heartbeat.worker === worker) ?? null;
  }

  /** Another worker lives, and stays, that runs no older revision and is of the pool of something that runs here: what this one gives
   *  up will be taken. */
  get hasSuccessor(): boolean {
    const owned = new Set(this.#parts.holds().owned);
    const pools = new Set(this.#tasks.flatMap((task) => (owned.has(task.name) ? [poolOf(task)] : [])));
    return this.#living().some(
      (peer) => peer.worker !== this.#parts.worker && !peer.draining && revisionOf(peer) >= this.#revision && pools.has(poolOf(peer)),
    );
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
      if (this.#stopped) return;
      this.#wake = new AbortController();
      await this.#parts.clock.sleep(this.#assignmentRevision === 0 ? HEARTBEAT_MS / 5 : HEARTBEAT_MS, this.#wake.signal);
    }
  }

  /** The first of the living keeps the assignment right, and says when all is done (M3). */
  async #lead(): Promise<void> {
    const living = this.#living();
    const newest = Math.max(this.#revision, ...living.map(revisionOf));
    const current = living.filter((heartbeat) => revisionOf(heartbeat) === newest);
    const [first] = current.flatMap(({ draining, worker }) => (draining ? [] : [worker])).sort();
    if (first !== this.#parts.worker) return;
    await this.#dismiss();
    const now = this.#parts.clock.monotonicMs();
    const done = new Set(current.flatMap((heartbeat) => heartbeat.done));
    if (!this.completed && this.#tasks.every(({ name }) => done.has(name)))
      await this.#parts.directory.put('completed', { atMs: this.#parts.clock.nowMs(), revision: this.#revision } satisfies Completed);
    const waits = now - this.#revisedMs < LEASE_MS;
    const ready = (waits ? living : current).filter(({ draining }) => !draining).sort((a, b) => (a.worker < b.worker ? -1 : 1));
    if (this.#assignmentRevision === 0 && ready.length < this.#parts.expectedWorkers && now - this.#startedMs < LEASE_MS) return;
    const wanted = this.#assign(ready);
    if (this.#assignedUnder === this.#revision && JSON.stringify(wanted) === JSON.stringify(this.#assigned())) return;
    const revision = await this.#parts.directory.update('assignment', wanted, this.#assignmentRevision);
    if (revision !== null && revision > this.#assignmentRevision) this.#setAssignment(wanted, revision);
  }

  #assign(candidates: readonly Heartbeat[]): AssignmentRecord {
    const owners = assignInPools(this.#tasks, candidates, this.assignment, this.standbys);
    if (!this.#hasStandbys) return { revision: this.#revision, owners };
    const nodeOf = (worker: string): string | null => this.#peers.get(worker)?.heartbeat.node ?? null;
    const standbys = standbysInPools(this.#tasks, { candidates, nodeOf }, owners, this.standbys);
    return { revision: this.#revision, owners, standbys };
  }

  /** As it stands, in the form of what is wanted. */
  #assigned(): AssignmentRecord {
    const standbys = this.#hasStandbys ? { standbys: this.standbys } : {};
    return { revision: this.#revision, owners: this.assignment, ...standbys };
  }

  /** Who leads watches all others, the others watch who leads: so nobody has to watch everybody. */
  #watched(): readonly string[] {
    if (!this.#hasStandbys) return [];
    const living = this.#living().filter(({ listens }) => listens === true);
    const [first] = living.map(({ worker }) => worker).sort();
    const others = living.map(({ worker }) => worker).filter((worker) => worker !== this.#parts.worker);
    return first === undefined || first >= this.#parts.worker ? others : [first];
  }

  /** M5. */
  #lose(worker: string): void {
    if (!this.#peers.delete(worker)) return;
    this.#gone.add(worker);
    this.#wake.abort();
  }

  async #dismiss(): Promise<void> {
    for (const worker of this.#gone) {
      await this.#parts.directory.delete(`worker.${worker}`);
      this.#gone.delete(worker);
    }
  }

  #note(key: string, entry: Entry | null): void {
    const value = entry?.value ?? null;
    if (key.startsWith('worker.')) this.#notePeer(key.slice('worker.'.length), entry);
    else if (key === 'assignment' && entry !== null && entry.revision > this.#assignmentRevision)
      this.#setAssignment(value as Partial<AssignmentRecord>, entry.revision);
    else if (key === 'failure') this.#failure = value as Failure | null;
    else if (key === 'completed') this.#completed = value as Completed | null;
    else if (key === 'pause') this.pause = value as Pause | null;
    else if (key === 'savepoint') this.savepoint = value as SavepointRequest | null;
    else if (key === 'trace') this.followed = value as FollowedKeys | null;
    else return;
    this.#parts.onChange();
  }

  #notePeer(worker: string, entry: Entry | null): void {
    const known = this.#peers.get(worker)?.heartbeat;
    const heartbeat = entry === null ? null : (entry.value as Heartbeat);
    this.#gone.delete(worker);
    if (heartbeat === null) this.#peers.delete(worker);
    else this.#peers.set(worker, { heartbeat, seenMs: this.#parts.clock.monotonicMs() });
    // Who goes has little time to hand over what it runs: it is given to others at once.
    if (known?.draining !== true && heartbeat?.draining === true) this.#wake.abort();
  }

  /** (Of an older version of Millrace an assignment has another form: then there is none yet.) */
  #setAssignment({ revision: under = 0, owners = {}, standbys = {} }: Partial<AssignmentRecord>, revision: number): void {
    this.assignment = owners;
    this.standbys = standbys;
    this.#assignedUnder = under;
    this.#assignmentRevision = revision;
  }
}

function revisionOf({ revision }: Partial<Heartbeat>): number {
  return revision ?? 1;
}
