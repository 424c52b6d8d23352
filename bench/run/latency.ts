// `npm run bench -- latency`: how long after it was sent an event's result is there for others, at a steady pace.
//
//   L1. The clock of both ends is that of one process: the time of sending stands in the event, the time of arrival is
//       taken when an ordinary JetStream consumer of the sink's stream has the result. So it was stored, exactly once.
//   L2. Sending never waits for the system that is measured: what it holds up counts in full.
//   L4. The source's stream is kept in memory: a disk takes about 2,000 synced messages a second, and what feeds a job is not
//       what is measured. Journals and results are synced, each of them.
//   L3. Every event must come out once, with counts by auction and by bidder that were not given before.

import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { ConsumerMessages } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { FinalReport } from '../../cli/run/final-report.ts';
import { runJob } from '../../cli/run/run-job.ts';
import { AckWindow } from '../ack-window.ts';
import { load } from '../load.ts';
import { NexmarkGenerator } from '../nexmark/generator.ts';
import { syncWriteMs } from './disk-probe.ts';
import type { RunPlace } from './measure-run.ts';
import { SINK_SUBJECT } from './output.ts';
import { cpuMsOf } from './process-usage.ts';
import { quantilesOf } from './quantiles.ts';
import type { LatencyQuantiles } from './quantiles.ts';
import { withServer } from './with-server.ts';

export type LatencyOptions = {
  readonly eventsPerS: number;
  readonly seconds: number;
  /** Before that, at the same pace, for the workers' compilers; not in the figures. */
  readonly warmUpSeconds: number;
  readonly workers: number;
  readonly seed: number;
};

export type LatencyResult = {
  readonly workers: number;
  readonly sent: number;
  readonly arrived: number;
  /** From sending to arrival, of what was sent after the warm-up (L1). */
  readonly endToEndMs: LatencyQuantiles;
  /** From sending to the acknowledgement that the source's stream holds it: a part of the above. */
  readonly storedMs: LatencyQuantiles;
  /** The same with no job running: what the server and the disk alone make of that pace. */
  readonly storedAloneMs: LatencyQuantiles;
  /** A synced write of 4 KB on the same disk, before the run: what each of the hops has to wait for. */
  readonly syncWriteMs: LatencyQuantiles;
  /** Messages stored a second by all streams together while the job ran, each synced: the source's, records, results. */
  readonly storedMessagesPerS: number;
  readonly commitMs: FinalReport['commitMs'];
  readonly workerCpuMs: number;
  readonly serverCpuMs: number;
};

const SPLITS = 1;
const STREAM = { stream: 'BIDS', prefix: 'bids', splits: SPLITS, linesPerMessage: 1, storage: 'memory' } as const;
/** A result that takes longer is not late but lost. */
const ARRIVE_MAX_MS = 15_000;
const ALONE_S = 4;
const START_MAX_MS = 30_000;
const CYCLE = 50;
const OTHERS_PER_CYCLE = 4;

type Result = {
  readonly id: number;
  readonly sentMs: number;
  readonly auction: number;
  readonly ofAuction: number;
  readonly bidder: number;
  readonly ofBidder: number;
};

export async function latency(options: LatencyOptions): Promise<LatencyResult> {
  return withServer(async (place) => {
    const diskMs = await syncWriteMs(place.folder);
    const storedAloneMs = await sendAlone(place.nc, options);
    await load(place.nc, [], STREAM);
    const stop = new AbortController();
    const ready = Promise.withResolvers<void>();
    const serverBeforeMs = cpuMsOf(place.server.pid);
    const running = start(place, options, ready.resolve, stop.signal);
    try {
      await Promise.race([ready.promise, running, failAfter(START_MAX_MS, 'the workers did not begin to read', stop.signal)]);
      const before = await storedMessages(place.nc);
      const figures = await sendAndHear(place.nc, options);
      const storedMessagesPerS = ((await storedMessages(place.nc)) - before) / (options.seconds + options.warmUpSeconds);
      stop.abort();
      const { report } = await running;
      if (report.deadLetters > 0) throw new Error(`${report.deadLetters} dead letters: ${report.firstDeadLetter?.message ?? ''}`);
      return {
        workers: options.workers,
        ...figures,
        storedMessagesPerS,
        storedAloneMs,
        syncWriteMs: diskMs,
        commitMs: report.commitMs,
        workerCpuMs: report.cpuMs,
        serverCpuMs: cpuMsOf(place.server.pid) - serverBeforeMs,
      };
    } finally {
      stop.abort();
      await running.catch(() => undefined); // told by whoever awaited it first
    }
  });
}

function start(
  { server, folder }: RunPlace,
  { workers }: LatencyOptions,
  onReady: () => void,
  interrupt: AbortSignal,
): ReturnType<typeof runJob> {
  return runJob(
    {
      file: fileURLToPath(new URL('../jobs/latency.yaml', import.meta.url)),
      workers,
      natsUrl: server.url,
      dataDir: folder,
      outDir: `${folder}/out`,
      speed: null,
      parameters: {},
      name: null,
      fresh: true,
      durability: 'machine',
      isolation: 'process',
    },
    {
      onOpen: () => undefined,
      onProgress: ({ stages }) => {
        if (stages.every(({ partitions }) => partitions.every(({ state }) => state === 'running'))) onReady();
      },
      onLog: (message) => console.error(message),
    },
    { interrupt },
  );
}

async function sendAndHear(
  nc: NatsConnection,
  options: LatencyOptions,
): Promise<Pick<LatencyResult, 'sent' | 'arrived' | 'endToEndMs' | 'storedMs'>> {
  const { eventsPerS, seconds, warmUpSeconds } = options;
  const [total, warmUp] = [eventsPerS * (seconds + warmUpSeconds), eventsPerS * warmUpSeconds];
  const stream = await (await jetstreamManager(nc)).streams.find(SINK_SUBJECT);
  const messages = await (await jetstream(nc).consumers.get(stream, { filter_subjects: SINK_SUBJECT })).consume({ max_messages: 5_000 });
  const hearing = hear(messages, total);
  const stored = await send(nc, options, { prefix: STREAM.prefix, total });
  await Promise.race([hearing, sleep(ARRIVE_MAX_MS, undefined, { ref: false })]);
  messages.stop();
  const { delays, problem } = await hearing;
  if (problem !== null) throw new Error(problem);
  return {
    sent: total - warmUp,
    arrived: delays.length - warmUp,
    endToEndMs: quantilesOf(delays.slice(warmUp)),
    storedMs: quantilesOf(stored.slice(warmUp)),
  };
}

async function sendAlone(nc: NatsConnection, options: LatencyOptions): Promise<LatencyQuantiles> {
  const stream = { ...STREAM, stream: 'ALONE', prefix: 'alone' };
  await load(nc, [], stream);
  const stored = await send(nc, options, { prefix: stream.prefix, total: options.eventsPerS * ALONE_S });
  await (await jetstreamManager(nc)).streams.delete(stream.stream);
  return quantilesOf(stored);
}

/** How many messages all streams have ever stored. */
async function storedMessages(nc: NatsConnection): Promise<number> {
  let stored = 0;
  for await (const { state } of (await jetstreamManager(nc)).streams.list()) stored += state.last_seq;
  return stored;
}

/** Sends at an even pace (L2); gives what each took until it was acknowledged. */
async function send(
  nc: NatsConnection,
  { eventsPerS, seed }: LatencyOptions,
  { prefix, total }: { readonly prefix: string; readonly total: number },
): Promise<Float64Array> {
  const generator = new NexmarkGenerator({ seed, eventsPerS });
  const window = new AckWindow(nc);
  const stored = new Float64Array(total);
  const startMs = nowMs();
  for (let n = 0; n < total;) {
    const due = Math.min(total, Math.ceil(((nowMs() - startMs) / 1000) * eventsPerS));
    for (; n < due; n++) {
      const [id, sentMs] = [n, nowMs()];
      const event = `{"id":${id},"sentMs":${sentMs},"bid":${generator.line(bidNumber(id))}}`;
      window.publish(`${prefix}.${id % SPLITS}`, Buffer.from(event), () => (stored[id] = nowMs() - sentMs));
    }
    await sleep(1);
  }
  await window.close();
  return stored;
}

/** L3. Ends when all have come, or the messages end. Delays are in the order of ids. */
async function hear(
  messages: ConsumerMessages,
  total: number,
): Promise<{ readonly delays: Float64Array; readonly problem: string | null }> {
  const delays = new Float64Array(total).fill(Number.NaN);
  const counts = new Set<string>();
  let arrived = 0;
  let problem: string | null = null;
  for await (const message of messages) {
    const atMs = nowMs();
    for (const line of message
      .string()
      .split('\n')
      .filter((text) => text !== '')) {
      const result = JSON.parse(line) as Result;
      if (!Number.isNaN(delays[result.id])) problem ??= `the result of event ${result.id} came twice`;
      for (const count of [`auction ${result.auction} ${result.ofAuction}`, `bidder ${result.bidder} ${result.ofBidder}`]) {
        if (counts.has(count)) problem ??= `two results count the same: ${count}`;
        counts.add(count);
      }
      delays[result.id] = atMs - result.sentMs;
      arrived++;
    }
    if (arrived >= total) break;
  }
  if (arrived < total) problem ??= `${total - arrived} of ${total} results did not come within ${ARRIVE_MAX_MS} ms`;
  return { delays, problem };
}

/** Number of the nth bid among the generator's events. */
function bidNumber(n: number): number {
  const bids = CYCLE - OTHERS_PER_CYCLE;
  return Math.floor(n / bids) * CYCLE + OTHERS_PER_CYCLE + (n % bids);
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

async function failAfter(ms: number, problem: string, signal: AbortSignal): Promise<never> {
  await sleep(ms, undefined, { signal });
  throw new Error(`${problem} within ${ms} ms`);
}
