// A partition with a sizeable state moves to a new pod, and its owner is killed: results are exact. How long each key of the job got
// no result meanwhile is printed, not judged; `MILLRACE_STATE_MB=100` measures it with that much state in each partition.

import { expect, test } from 'vitest';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { directoryStream, keySubject } from '../../runtime/adapters/nats/kv-stream.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import type { AssignmentRecord, Heartbeat } from '../../runtime/worker/membership.ts';
import { jobText, streamOfSubject } from '../support/job-run.ts';
import { Operated, sleep, until } from '../support/operated-job.ts';
import { operatorsServer } from '../support/operators-server.ts';

const nats = operatorsServer();

const STATE_MB = Number(process.env['MILLRACE_STATE_MB'] ?? 5);
const PARTITIONS = 2;
const TEXT_BYTES = 2_000;
const KEYS = Math.round((STATE_MB * PARTITIONS * 1e6) / TEXT_BYTES);
/** Keys that get an event every PROBE_MS, to see when nothing comes. */
const PROBES = 16;
const PROBE_MS = 20;
const LIMIT_MS = 120_000;

const job = (name: string, standbyReplicas: 0 | 1): string =>
  jobText(
    name,
    `
  partitions: ${PARTITIONS}
  standbyReplicas: ${standbyReplicas}
  sources:
    - { name: rows, nats: { subjects: [in.${name}], format: ndjson }, schema: { id: string, text: string } }
  stages:
    - name: kept
      from: rows
      keyBy: event.id
      machine:
        eventType: "'add'"
        context: { n: 0, text: '' }
        initial: keeping
        states:
          keeping:
            on:
              add:
                actions:
                  - assign: { n: context.n + 1, text: event.text }
                  - emit: { output: count, value: { id: key, n: context.n } }
  sinks:
    - { name: counts, from: kept.count, nats: { subject: out.${name} } }
`,
  );

type Counted = { readonly id: string; readonly n: number };

/** The job with its input, and what has come out of it. */
class Kept {
  readonly job: Operated;
  readonly #name: string;
  readonly #sent = new Map<string, number>();
  readonly #found = new Map<string, { n: number; atMs: number; gapMs: number }>();
  readonly problems: string[] = [];
  #read = 0;
  readonly #stop = new AbortController();
  #feeding: Promise<void> = Promise.resolve();

  constructor(name: string) {
    this.#name = name;
    this.job = new Operated(nats.admin, nats.server.url, `ns_${name}`);
  }

  async open({ standbyReplicas = 0 }: { readonly standbyReplicas?: 0 | 1 } = {}): Promise<void> {
    const name = streamOfSubject(`in.${this.#name}`);
    await callApi(Link.of(nats.admin), `STREAM.CREATE.${name}`, {
      name,
      subjects: [`in.${this.#name}`],
      storage: 'file',
      retention: 'limits',
    });
    await this.job.declare(job(this.#name, standbyReplicas), { workers: 1 });
  }

  /** Resolves when the server has stored it. */
  async send(ids: readonly string[], text: string): Promise<void> {
    const lines = ids.map((id) => JSON.stringify({ id, text }));
    const answer = await Link.of(nats.admin).request(`in.${this.#name}`, Buffer.from(lines.join('\n')), { timeoutMs: LIMIT_MS });
    if (answer.kind !== 'message') throw new Error(`in.${this.#name}: ${answer.kind}`);
    for (const id of ids) this.#sent.set(id, (this.#sent.get(id) ?? 0) + 1);
  }

  async fill(): Promise<void> {
    const text = 'x'.repeat(TEXT_BYTES);
    const ids = Array.from({ length: KEYS }, (_, key) => `s${key}`);
    for (let from = 0; from < KEYS; from += 250) await this.send(ids.slice(from, from + 250), text);
  }

  probe(): void {
    const ids = Array.from({ length: PROBES }, (_, key) => `p${key}`);
    this.#feeding = (async () => {
      for (; !this.#stop.signal.aborted; await sleep(PROBE_MS)) await this.send(ids, '');
    })();
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#feeding;
  }

  /** Reads what has come out since; a key's counts must go up by one. */
  async look(): Promise<void> {
    const stream = streamOfSubject(`out.${this.#name}`);
    const info = await callApi<{ state: { last_seq: number } }>(Link.of(nats.admin), `STREAM.INFO.${stream}`);
    const last = info.kind === 'ok' ? info.value.state.last_seq : 0;
    if (last <= this.#read) return;
    const reader = new NatsJournal(Link.of(nats.admin)).read(stream, { fromSequence: this.#read + 1 });
    while (this.#read < last)
      for (const { bytes, sequence, storedMs } of await reader.next({ bytesMax: 4 * 1024 * 1024, waitMs: 1_000 })) {
        for (const line of Buffer.from(bytes).toString('utf8').split('\n'))
          if (line !== '') this.#note(JSON.parse(line) as Counted, storedMs);
        this.#read = sequence;
      }
    await reader.close();
  }

  get isComplete(): boolean {
    return [...this.#sent].every(([id, n]) => (this.#found.get(id)?.n ?? 0) >= n);
  }

  async settled(): Promise<void> {
    await until(async () => {
      await this.look();
      return this.isComplete;
    }, LIMIT_MS);
  }

  /** Longest time without a result of each probed key since the last call, shortest key first, ms. */
  takeGaps(): readonly number[] {
    const gaps = Array.from({ length: PROBES }, (_, key) => this.#found.get(`p${key}`)?.gapMs ?? 0);
    for (const found of this.#found.values()) found.gapMs = 0;
    return gaps.map(Math.round).toSorted((a, b) => a - b);
  }

  #note({ id, n }: Counted, atMs: number): void {
    const before = this.#found.get(id);
    if (n !== (before?.n ?? 0) + 1) this.problems.push(`${id}: ${n} behind ${before?.n ?? 0}`);
    this.#found.set(id, { n, atMs, gapMs: Math.max(before?.gapMs ?? 0, before === undefined ? 0 : atMs - before.atMs) });
  }
}

/** Of each claim of that worker: from the record before to the claim, and from the claim to the first record behind it, ms. */
async function pausesOf(kept: Kept, owner: string): Promise<readonly string[]> {
  const pauses: string[] = [];
  const stage = kept.job.current?.plan.stages.find(({ id }) => id === 'kept');
  for (const [task, { owner: last, number }] of Object.entries(await kept.job.headers())) {
    if (stage === undefined || !task.startsWith('kept/') || last !== owner) continue;
    const subjects = [`${stage.subjectPrefix}.${task.slice('kept/'.length)}`];
    const reader = new NatsJournal(Link.of(nats.admin)).read(stage.stream, { fromSequence: 1, subjects });
    const times = new Map<number, number>();
    for (let claimed = 0, at = 0; at < number;)
      for (const { bytes, storedMs } of await reader.next({ bytesMax: 4 * 1024 * 1024, waitMs: 1_000 })) {
        const header = decodeHeader(bytes);
        at = header.number;
        times.set(at, storedMs);
        if (header.kind === 'claim' && header.owner === owner) claimed = at;
        else if (at === claimed + 1) {
          const [before, claim] = [times.get(at - 2) ?? NaN, times.get(at - 1) ?? NaN];
          pauses.push(`${task} ${Math.round(claim - before)} + ${Math.round(storedMs - claim)}`);
        }
      }
    await reader.close();
  }
  return pauses;
}

/** By worker: which partitions of `kept` it says to run. */
async function ownersOf(kept: Kept): Promise<readonly string[]> {
  const headers = await kept.job.headers();
  return Array.from({ length: PARTITIONS }, (_, partition) => headers[`kept/${partition}`]?.owner ?? '');
}

async function warmStarts(kept: Kept, worker: string): Promise<number> {
  const text = (await kept.job.pods.get(worker)?.metrics()) ?? '';
  return Number(/^millrace_stage_warm_starts_total\{[^}]*stage="kept"[^}]*\} (\d+)/m.exec(text)?.[1] ?? 0);
}

test(`partitions of ${STATE_MB} MB move to a new pod while events flow, and back when its owner is killed: results are exact`, async () => {
  const kept = new Kept('take');
  await kept.open();
  kept.job.startPod('w-0');
  await kept.job.allRun();
  await kept.fill();
  await kept.settled();
  kept.probe();
  await sleep(500);
  await kept.look();
  kept.takeGaps();

  kept.job.startPod('w-1');
  await until(async () => (await ownersOf(kept)).includes('w-1'), LIMIT_MS);
  await sleep(1_000);
  await kept.look();
  console.log(`claims (ms from the record before + to the one behind): ${(await pausesOf(kept, 'w-1')).join(', ')}`);
  console.log(`moved live: no result for ${kept.takeGaps().join(' ')} ms by key`);
  console.log(`${await warmStarts(kept, 'w-1')} partitions were warm when they were claimed`);

  const killedMs = Date.now();
  await kept.job.pods.get('w-1')?.end('SIGKILL');
  await until(async () => (await ownersOf(kept)).every((owner) => owner === 'w-0'), LIMIT_MS);
  await sleep(500);
  console.log(`claims: ${(await pausesOf(kept, 'w-0')).join(', ')}`);
  console.log(`taken over within ${Date.now() - killedMs - 500} ms of the kill`);
  await kept.end();
  await kept.settled();
  console.log(`killed: no result for ${kept.takeGaps().join(' ')} ms by key`);
  expect(kept.problems).toEqual([]);
  expect(await kept.job.failure()).toBeNull();
}, 300_000);

type Told = { readonly key: string; readonly atMs: number };

/** What is written to the job's directory from now on, with the server's time. */
function toldOf(kept: Kept): { readonly told: readonly Told[]; close(): Promise<void> } {
  const stream = directoryStream(kept.job.identity);
  const prefix = keySubject(kept.job.identity, '').length;
  const reader = new NatsJournal(Link.of(nats.admin)).read(stream, { fromSequence: 1 });
  const told: Told[] = [];
  let isOpen = true;
  const loop = (async () => {
    while (isOpen)
      for (const { subject, bytes, storedMs } of await reader.next({ bytesMax: 1024 * 1024, waitMs: 200 }))
        told.push({ key: `${bytes.length === 0 ? '-' : ''}${subject.slice(prefix)}`, atMs: storedMs });
  })();
  return {
    told,
    close: async () => {
      isOpen = false;
      reader.wake();
      await loop;
      await reader.close();
    },
  };
}

async function standbysOf(kept: Kept): Promise<Readonly<Record<string, string>>> {
  const { owners = {}, standbys = {} } = ((await kept.job.current?.directory.get('assignment'))?.value ?? {}) as Partial<AssignmentRecord>;
  const warm = await Promise.all(
    [...kept.job.pods.keys()].map(async (worker) => {
      const beat = (await kept.job.current?.directory.get(`worker.${worker}`))?.value as Heartbeat | undefined;
      return [worker, beat?.warm ?? []] as const;
    }),
  );
  const isWarm = (task: string, worker: string): boolean => warm.some(([id, tasks]) => id === worker && tasks.includes(task));
  return Object.fromEntries(Object.entries(standbys).filter(([task, worker]) => owners[task] !== worker && isWarm(task, worker)));
}

test.each(['w-1', 'w-0'])(
  `with standby replicas the kill of %s, which owns a partition of ${STATE_MB} MB, is taken over by who has followed it`,
  async (victim) => {
    const kept = new Kept(`stand${victim.replace('-', '')}`);
    await kept.open({ standbyReplicas: 1 });
    for (const worker of ['w-0', 'w-1']) kept.job.startPod(worker);
    await kept.job.allRun();
    await kept.fill();
    await kept.settled();
    await until(
      async () => Object.keys(await standbysOf(kept)).length === PARTITIONS && new Set(await ownersOf(kept)).size === 2,
      LIMIT_MS,
    );
    kept.probe();
    await sleep(1_000);
    await kept.look();
    kept.takeGaps();
    const log = toldOf(kept);

    const other = victim === 'w-0' ? 'w-1' : 'w-0';
    const [had, warmBefore] = [(await ownersOf(kept)).indexOf(victim), await warmStarts(kept, other)];
    const killedMs = Date.now();
    await kept.job.pods.get(victim)?.end('SIGKILL');
    await until(async () => (await ownersOf(kept)).every((owner) => owner === other), LIMIT_MS);
    await sleep(1_000);
    await log.close();
    const after = (key: string): number =>
      Math.round((log.told.find((each) => each.key === key && each.atMs >= killedMs)?.atMs ?? NaN) - killedMs);
    console.log(`ms after the kill: ${victim} is gone at ${after(`-worker.${victim}`)}, assigned anew at ${after('assignment')}`);
    console.log(`claims (ms from the record before + to the one behind): ${(await pausesOf(kept, other)).join(', ')}`);
    expect(await warmStarts(kept, other)).toBeGreaterThan(warmBefore);
    await kept.end();
    await kept.settled();
    console.log(`kept/${had} killed with its owner: no result for ${kept.takeGaps().join(' ')} ms by key`);
    expect(kept.problems).toEqual([]);
    expect(await kept.job.failure()).toBeNull();
  },
  300_000,
);
