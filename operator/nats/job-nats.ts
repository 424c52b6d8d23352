// All that reconciling does for jobs in NATS, by connections of the operator's own: for one job in its account and that of its namespace
// (tenant-nats.ts), or for all where there is one account.
//
//   N1. Nothing here throws because NATS is away: calls end as `absent`, in bounded time.
//   N2. Every call can be made again: what is done already is left as it is.
//   N3. A stream that had records and is gone is never made anew silently: its fence went with it (journal rule J6).
//
//   what is gone            what becomes of it
//   a lane of a stage       lost: the job stops with the reason; what was in it was nowhere else
//   the directory           made again where the status still tells what ran (decide.ts, adoption), else lost
//   blobs                   made again, empty: a task that needs its checkpoint stops the job and says which (MR2106)
//   a sink's stream         made again, empty: what was in it was the user's
//   a source's stream       waited for: it is the user's to make
//   settings of ours        set back
//   a source's consumer     made again: it holds nothing that is needed

import type { NatsConnection } from '@nats-io/transport-node';
import { findDirectory, openDirectory } from '../../runtime/adapters/nats/directory.ts';
import { ensureJobStreams, removeJob } from '../../runtime/adapters/nats/job-streams.ts';
import { accountOfStream, type JobConnections } from '../../runtime/adapters/nats/job-connections.ts';
import { directoryStream } from '../../runtime/adapters/nats/kv-stream.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import { blobStream, NatsBlobStore } from '../../runtime/adapters/nats/nats-blob-store.ts';
import { importsOf, type ImportedSubject } from '../../runtime/adapters/nats/imported-subjects.ts';
import type { StockOwner } from '../../runtime/adapters/nats/stock-consumer.ts';
import { importingRights, workerPermissions } from '../../runtime/adapters/nats/worker-permissions.ts';
import type { Clock, Random } from '../../runtime/base/clock.ts';
import { MillraceError } from '../../runtime/base/errors.ts';
import { BadDeclaration } from '../../runtime/base/issues.ts';
import { removeDeadLetters } from '../../runtime/connectors/nats/dead-letter-stream.ts';
import { ensureUserStreams } from '../../runtime/connectors/nats/plan-streams.ts';
import { planToJson } from '../../runtime/job/code-marks.ts';
import { putBytes } from '../../runtime/journal/blob-bytes.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { poolOf } from '../../runtime/plan/pools.ts';
import { STREAM_ROOT } from '../../runtime/plan/plan-names.ts';
import type { Directory } from '../../runtime/worker/directory.ts';
import type { JobRecord } from '../../runtime/worker/job-record.ts';
import type { Failure } from '../../runtime/worker/membership.ts';
import type { JobFigures } from '../lifecycle/figures.ts';
import type { Backlogs, NatsObserved } from '../lifecycle/observed.ts';
import type { RevisionStatus } from '../../crds/stream-job/status.ts';
import type {
  Done,
  JobCredentials,
  JobSide,
  LoadAsked,
  LoadObserved,
  Resolved,
  RevisionToWrite,
  SavepointProgress,
} from '../reconcile/nats-side.ts';
import { ConservationWatch } from './conservation-watch.ts';
import type { DurabilityLook } from './durability.ts';
import { GONE_AFTER_MS, GoneStreams, type Names, type Wanted } from './gone-streams.ts';
import { changedSettings, mendSettings } from './lane-settings.ts';
import { type JobViews, openView, type Viewed } from './job-view.ts';
import { LoadSampler } from './load-sampler.ts';
import { rightsHash, signedCredentials } from './nats-keys.ts';
import { keptRevisions, revisionAgain, writeRevision } from './revisions.ts';
import { advanceSavepoint, PauseWatch, prepareRestore, removeSavepoint, type SavepointJob } from './savepoints.ts';
import { CREDENTIALS_FIX, type SharedCredentials } from './shared-credentials.ts';
import { changedStock, dropStock, ensureStock, removeStock } from './stock.ts';
import { StockLook } from './stock-look.ts';
import { StreamNames } from './stream-names.ts';
import { REPORT_MS, type WorkerReports } from './worker-reports.ts';

/** What the job's account is to import of that of its namespace. Never rejects: while servers can't be told, workers wait for their
 *  streams, and the next call tries again. */
export type SetImports = (imports: readonly ImportedSubject[]) => Promise<void>;

/** How workers prove who they are: credentials made for each job and signed by its account's key, one text for all, or none. */
export type Login =
  | { readonly kind: 'signed'; readonly seed: string; readonly setImports: SetImports }
  | { readonly kind: 'shared'; readonly credentials: SharedCredentials }
  | { readonly kind: 'none' };

export type JobNatsParts = {
  readonly connections: JobConnections;
  /** Where savepoints are kept: made when one is asked for. */
  readonly savepoints: () => Promise<NatsConnection>;
  readonly reports: WorkerReports;
  readonly login: Login;
  readonly replicas: 1 | 3;
  readonly durability: DurabilityLook;
  readonly clock: Clock;
  readonly random: Random;
};

/** A file store is bounded by its disk (the server's max_file): a bound for each stream would have to be guessed. */
const LANE_BYTES_MAX = -1;
const RESOLVED_MS = 20_000;
/** One call a job lists its streams with their settings; with a round after it, drift is mended within 10 s. */
const SETTINGS_MS = 5_000;

type Kept<T> = { readonly untilMs: number; readonly value: T };

export class JobNats implements JobSide, JobViews {
  readonly #pauses = new PauseWatch();
  readonly #parts: JobNatsParts;
  readonly #link: Link;
  readonly #streamsLink: Link;
  readonly #names: StreamNames;
  readonly #streamsNames: StreamNames;
  readonly #stockLook: StockLook;
  readonly #load: LoadSampler;
  readonly #resolved = new Map<string, Kept<{ readonly of: string; readonly plan: PhysicalPlan }>>();
  readonly #credentials = new Map<string, JobCredentials>();
  readonly #settings = new Map<string, Kept<readonly string[]>>();
  /** Runs of jobs as they were seen or written last. */
  readonly #runs = new Map<string, string>();
  readonly #gone = new GoneStreams();
  readonly #listeners: ((identity: string) => void)[] = [];
  readonly #conservation: ConservationWatch;

  constructor(parts: JobNatsParts) {
    this.#parts = parts;
    this.#link = Link.of(parts.connections.job);
    this.#streamsLink = Link.of(parts.connections.streams);
    this.#names = StreamNames.of(this.#link, parts.clock);
    this.#streamsNames = StreamNames.of(this.#streamsLink, parts.clock);
    this.#stockLook = StockLook.of(this.#streamsLink, parts.clock);
    const onChange = (identity: string): void => this.#listeners.forEach((listener) => listener(identity));
    this.#conservation = new ConservationWatch({ link: this.#link, clock: parts.clock, onChange });
    this.#load = new LoadSampler({ link: this.#link, streams: this.#streamsLink, reports: parts.reports, clock: parts.clock });
  }

  get up(): boolean {
    return this.#link.up && this.#streamsLink.up;
  }

  get #downReason(): string {
    const { downReason, refusal } = this.#link.up ? this.#streamsLink : this.#link;
    return refusal !== null && this.#parts.login.kind === 'shared' ? `${downReason}; ${CREDENTIALS_FIX}` : downReason;
  }

  async observe(identity: string): Promise<NatsObserved> {
    const [job, streams] = this.up
      ? await Promise.all([this.#names.get(), this.#streamsNames.get()])
      : [this.#downReason, this.#downReason];
    if (typeof job === 'string') return this.#unseen(job);
    if (typeof streams === 'string') return this.#unseen(streams);
    // No worker has a word to say of a job that has no directory.
    if (job.has(directoryStream(identity))) await this.#parts.reports.settled();
    try {
      return await this.#observe(identity, { job, streams });
    } catch (error) {
      return absent(error);
    }
  }

  #unseen(reason: string): NatsObserved {
    this.#gone.reset();
    return { kind: 'absent', reason };
  }

  async #observe(identity: string, names: Names): Promise<NatsObserved> {
    const { login } = this.#parts;
    const hasDirectory = names.job.has(directoryStream(identity));
    const directory = hasDirectory ? await findDirectory(this.#parts.connections.job, identity) : null;
    const [job, failure, completed, kept] =
      directory === null
        ? [null, null, null, []]
        : await Promise.all([directory.get('job'), directory.get('failure'), directory.get('completed'), keptRevisions(directory)]);
    const record = (job?.value ?? null) as JobRecord | null;
    const plan = record === null ? null : (record.plan as PhysicalPlan);
    if (record !== null) this.#runs.set(identity, record.runId);
    const gone = plan === null ? [] : this.#goneOf(identity, plan, names);
    return {
      kind: 'present',
      record,
      revision: kept.find(({ number }) => number === record?.revision) ?? null,
      kept: kept.map(({ number }) => number),
      failure: (failure?.value ?? null) as (Failure & { revision: number }) | null,
      completed: completed !== null,
      hasLanes: plan !== null || (await this.#hasRecords(identity, names.job)),
      lost: gone.filter((stream) => plan?.streams.includes(stream)).map((stream) => `the journal ${stream} is gone`),
      drift:
        plan === null
          ? []
          : [...driftOf(identity, plan, gone), ...(await this.#settingsOf(identity)), ...(await this.#changedStock(identity, plan))],
      durability: await this.#parts.durability.look(),
      credentialsTrouble: login.kind === 'shared' ? login.credentials.trouble : null,
      conservation: record === null || gone.length > 0 ? null : this.#conservation.verdict(identity, record),
    };
  }

  /** N3: of all streams that the plan needs. What is only missing yet is looked for again in time. */
  #goneOf(identity: string, plan: PhysicalPlan, names: Names): readonly string[] {
    const wanted = [...plan.streams, blobStream(identity)].map((stream) => ({ stream, account: 'job' as const }));
    const { gone, missing } = this.#gone.look([...wanted, ...sinksOf(plan)], names, this.#parts.clock.monotonicMs());
    if (missing.length > 0)
      void this.#parts.clock.sleep(GONE_AFTER_MS).then(() => this.#listeners.forEach((listener) => listener(identity)));
    return gone;
  }

  /** Lanes that were made by a deployment that did not come to its end are empty: nothing went with their directory. */
  async #hasRecords(identity: string, names: ReadonlySet<string>): Promise<boolean> {
    const journal = new NatsJournal(this.#link);
    for (const name of names) if (isLaneOf(name, identity) && (await journal.figures(name)).lastSequence > 0) return true;
    return false;
  }

  /** null: workers make consumers for themselves, in the one account that there is, or there is no run yet. */
  #stockOwner(identity: string): StockOwner | null {
    const runId = this.#runs.get(identity);
    return runId === undefined || !this.#importsStreams ? null : { identity, runId };
  }

  get #importsStreams(): boolean {
    const { job, streams } = this.#parts.connections;
    return job !== streams;
  }

  async #settingsOf(identity: string): Promise<readonly string[]> {
    const nowMs = this.#parts.clock.monotonicMs();
    const known = this.#settings.get(identity);
    if (known !== undefined && nowMs < known.untilMs) return known.value;
    const value = await changedSettings(this.#link, identity);
    this.#settings.set(identity, { untilMs: nowMs + SETTINGS_MS, value });
    return value;
  }

  async #changedStock(identity: string, plan: PhysicalPlan): Promise<readonly string[]> {
    const owner = this.#stockOwner(identity);
    return owner === null ? [] : changedStock({ link: this.#streamsLink, look: this.#stockLook }, owner, plan);
  }

  async resolve(identity: string, plan: PhysicalPlan): Promise<Resolved> {
    const nowMs = this.#parts.clock.monotonicMs();
    // Who runs a stage is in the plan, and not in its fingerprint.
    const of = `${plan.fingerprint} ${plan.stages.map(poolOf).join()}`;
    const known = this.#resolved.get(identity);
    if (known !== undefined && known.untilMs > nowMs && known.value.of === of) return { kind: 'resolved', plan: known.value.plan };
    if (!this.up) return { kind: 'absent', reason: this.#downReason };
    try {
      const named = await ensureUserStreams(this.#parts.connections, plan, { replicas: this.#parts.replicas });
      this.#resolved.set(identity, { untilMs: nowMs + RESOLVED_MS, value: { of, plan: named } });
      return { kind: 'resolved', plan: named };
    } catch (error) {
      if (!(error instanceof BadDeclaration)) return absent(error);
      return { kind: 'waiting', reasons: sentences(error) };
    }
  }

  figures(identity: string, plan: PhysicalPlan): JobFigures | null {
    return this.#parts.reports.figures(identity, plan);
  }

  async load(identity: string, plan: PhysicalPlan, asked: LoadAsked): Promise<LoadObserved> {
    if (!this.up) return { kind: 'absent', reason: this.#downReason };
    try {
      return { kind: 'known', sample: await this.#load.sample(identity, plan, asked) };
    } catch (error) {
      return absent(error);
    }
  }

  async backlogs(identity: string, plan: PhysicalPlan): Promise<Backlogs> {
    return this.up ? this.#load.backlogs(identity, plan) : new Map();
  }

  ensure(identity: string, plan: PhysicalPlan): Promise<Done> {
    const { connections, replicas } = this.#parts;
    return this.#do(async () => {
      await mendSettings(this.#link, identity);
      this.#settings.delete(identity);
      await ensureJobStreams(connections.job, plan, { replicas, laneBytesMax: LANE_BYTES_MAX });
      const named = await ensureUserStreams(connections, plan, { replicas });
      await this.#ensureStock(identity, named);
      this.#names.forget();
      this.#streamsNames.forget();
      this.#stockLook.forget();
    });
  }

  /** Of the plan that is wanted, and of the one that runs. */
  async #ensureStock(identity: string, wanted: PhysicalPlan): Promise<void> {
    if (!this.#importsStreams) return;
    const running = ((await (await findDirectory(this.#parts.connections.job, identity))?.get('job'))?.value ?? null) as JobRecord | null;
    if (running === null) return; // writeRevision makes them: the first run has no name yet
    const owner = { identity, runId: running.runId };
    await ensureStock(this.#streamsLink, owner, [running.plan as PhysicalPlan, wanted]);
  }

  /** Before workers hear of it, and what only the revision before has afterwards. */
  async #writeRecord(directory: Directory, revision: RevisionStatus, record: JobRecord, before: JobRecord | null): Promise<void> {
    const plan = record.plan as PhysicalPlan;
    const owner = { identity: plan.job, runId: record.runId };
    const isSameRun = before !== null && before.runId === record.runId;
    const plans = isSameRun ? [before.plan as PhysicalPlan, plan] : [plan];
    if (record.importsStreams) await ensureStock(this.#streamsLink, owner, plans);
    await writeRevision(directory, revision, record);
    this.#runs.set(plan.job, record.runId);
    if (record.importsStreams && isSameRun) await dropStock(this.#streamsLink, owner, { before: before.plan as PhysicalPlan, plan });
  }

  writeRevision({ identity, revision, plan, code, parameters, workers, run, runId, restore }: RevisionToWrite): Promise<Done> {
    const { connections, clock, random } = this.#parts;
    return this.#do(async () => {
      const directory = await openDirectory(connections.job, identity);
      const before = (await directory.get('job'))?.value as JobRecord | undefined;
      const blob = code === null ? null : `code.${code.sha256}`;
      if (code !== null && blob !== null) await putBytes(await NatsBlobStore.open(connections.job, identity), blob, code.bytes);
      const kept = run === 'new' ? null : (before?.runId ?? runId);
      const record: JobRecord = {
        runId: kept ?? random.id(),
        revision: revision.number,
        plan: planToJson(plan),
        module: null,
        code: code === null || blob === null ? null : { blob, sha256: code.sha256, parameters },
        splitCounts: {},
        baseDir: '/data',
        outDir: '/tmp',
        importsStreams: this.#importsStreams,
        isReplay: false,
        speed: null,
        workers,
        reportMs: REPORT_MS,
        restore: restore ?? (run === 'new' ? null : (before?.restore ?? null)),
        fingerprint: plan.fingerprint,
        startedMs: before?.startedMs ?? clock.nowMs(),
      };
      await this.#writeRecord(directory, revision, record, before ?? null);
    });
  }

  restoreRevision(identity: string, from: number, revision: RevisionStatus): Promise<Done> {
    return this.#do(async () => {
      const directory = await openDirectory(this.#parts.connections.job, identity);
      const current = ((await directory.get('job'))?.value ?? null) as JobRecord | null;
      const record = await revisionAgain(directory, from, revision.number, current);
      if (record === null) return { kind: 'refused', message: `revision ${from} is not kept any more` };
      await this.#writeRecord(directory, revision, record, current);
      return { kind: 'done' };
    });
  }

  clearFailure(identity: string): Promise<Done> {
    return this.#do(async () => (await findDirectory(this.#parts.connections.job, identity))?.delete('failure'));
  }

  removeState(identity: string, of: 'run' | 'job'): Promise<Done> {
    return this.#do(async () => {
      await removeJob(this.#parts.connections.job, identity);
      if (of === 'job') await removeDeadLetters(this.#link, identity);
      if (of === 'job' && this.#parts.login.kind === 'signed') await this.#parts.login.setImports([]);
      if (this.#importsStreams) await this.#removeStock(identity);
      this.#resolved.delete(identity);
      this.#credentials.delete(identity);
      this.#settings.delete(identity);
      this.#runs.delete(identity);
      this.#parts.reports.forget(identity);
      this.#conservation.forget(identity);
      this.#load.forget(identity);
      this.#gone.forget(`MR_${identity}_`);
      this.#names.forget();
    });
  }

  async #removeStock(identity: string): Promise<void> {
    this.#streamsNames.forget();
    const streams = await this.#streamsNames.get();
    if (typeof streams === 'string') throw new MillraceError('MR1003', { url: this.#link.nc.getServer(), problem: streams });
    await removeStock(this.#streamsLink, identity, streams);
  }

  async credentials(identity: string, plan: PhysicalPlan): Promise<JobCredentials | null> {
    const { login } = this.#parts;
    if (login.kind === 'none') return null;
    if (login.kind === 'shared') return login.credentials.read();
    // Before the first run is written no worker reads anything.
    const permissions = workerPermissions({ identity, plans: [plan], importedBy: this.#runs.get(identity) ?? '' });
    await login.setImports(importsOf(permissions.streams));
    const rights = importingRights(permissions);
    const known = this.#credentials.get(identity);
    if (known?.hash === rightsHash(login.seed, identity, rights)) return known;
    const made = await signedCredentials(login.seed, identity, rights);
    this.#credentials.set(identity, made);
    return made;
  }

  prepareRestore(savepoint: string, identity: string): Promise<Done> {
    return this.#do(async () => prepareRestore(this.#jobOf(identity), await this.#savepoints(), savepoint));
  }

  async advanceSavepoint(savepoint: string, identity: string): Promise<SavepointProgress> {
    if (!this.up) return { kind: 'absent', reason: this.#downReason };
    try {
      const parts = { ...this.#parts, ...this.#jobOf(identity), savepoints: await this.#savepoints(), pauses: this.#pauses };
      return await advanceSavepoint(parts, savepoint);
    } catch (error) {
      return absent(error);
    }
  }

  removeSavepoint(savepoint: string, identity: string): Promise<Done> {
    return this.#do(async () => removeSavepoint(this.#jobOf(identity), await this.#savepoints(), savepoint));
  }

  #jobOf(identity: string): SavepointJob {
    return { identity, connection: this.#parts.connections.job };
  }

  async #savepoints(): Promise<NatsConnection> {
    try {
      return await this.#parts.savepoints();
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      throw new MillraceError('MR1003', { url: this.#link.nc.getServer(), problem: (error as Error).message }, error);
    }
  }

  view(identity: string): Promise<Viewed> {
    return Promise.resolve(
      this.up ? { kind: 'open', view: openView(this.#parts.connections.job, identity) } : { kind: 'absent', reason: this.#downReason },
    );
  }

  onChange(listener: (identity: string) => void): void {
    this.#listeners.push(listener);
    for (const key of ['failure', 'completed'])
      this.#parts.connections.job.subscribe(`$KV.*.${key}`, {
        callback: (error, message) => {
          // A subscription that is refused comes here as an error without a message.
          const [, bucket = ''] = error === null ? message.subject.split('.') : [];
          if (bucket.startsWith('MR_')) listener(bucket.slice('MR_'.length));
        },
      });
  }

  async #do(work: () => Promise<Done | void>): Promise<Done> {
    if (!this.up) return { kind: 'absent', reason: this.#downReason };
    try {
      return (await work()) ?? { kind: 'done' };
    } catch (error) {
      if (error instanceof MillraceError && error.reaction !== 'retry')
        return { kind: 'refused', message: `${error.code}: ${error.message}` };
      if (error instanceof BadDeclaration) return { kind: 'refused', message: sentences(error).join('; ') };
      return absent(error);
    }
  }
}

/** What is gone and can be made again without harm: workers hold what was in it, or it is the user's own. */
function driftOf(identity: string, plan: PhysicalPlan, gone: readonly string[]): readonly string[] {
  const blobs = gone.includes(blobStream(identity)) ? [`stream ${blobStream(identity)} (checkpoints) was gone`] : [];
  const sinks = sinksOf(plan).filter(({ stream }) => gone.includes(stream));
  return [...blobs, ...sinks.map(({ name, stream }) => `stream ${stream} of sink ${name} was gone`)];
}

function sinksOf({ stages }: PhysicalPlan): readonly (Wanted & { readonly name: string })[] {
  return stages.flatMap(({ nodes }) =>
    nodes.flatMap(({ op }) =>
      op.kind === 'sink' && op.spec.nats?.stream !== undefined
        ? [{ name: op.spec.name, stream: op.spec.nats.stream, account: accountOfStream(op.spec) }]
        : [],
    ),
  );
}

/** A savepoint of the job's name has a stream that begins alike: no part behind a job has a `_`. */
function isLaneOf(stream: string, identity: string): boolean {
  const prefix = `${STREAM_ROOT}${identity}_`;
  return stream.startsWith(prefix) && !stream.slice(prefix.length).includes('_') && stream !== blobStream(identity);
}

function sentences({ issues }: BadDeclaration): readonly string[] {
  return issues.map(({ path, message, fix }) => `${path}: ${message}${fix === undefined ? '' : ` (${fix})`}`);
}

/** What the world did; anything else is a defect, and goes on as one. */
function absent(error: unknown): { readonly kind: 'absent'; readonly reason: string } {
  if (error instanceof MillraceError) return { kind: 'absent', reason: error.message };
  throw error;
}
