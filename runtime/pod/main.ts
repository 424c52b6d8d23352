// Entry of the worker image: one pod of one job. See pod.ts for its life.
//
//   SIGTERM, SIGINT   drains and exits 0; when that takes too long, or at a second signal, exits 1
//   an error that nobody caught is told, and exits 1: the pod is started again

import { systemClock } from '../adapters/node/clock.ts';
import { readOrExit } from '../adapters/node/read-or-exit.ts';
import { returnMemoryWhenIdle } from './idle-memory.ts';
import { errorLine, makeLog } from './log.ts';
import { watchLoop } from './loop-watch.ts';
import { MetricsPage } from '../telemetry/metrics-page.ts';
import { workerMetrics } from './metrics.ts';
import { Pod } from './pod.ts';
import { readPodOptions } from './pod-options.ts';
import { startProbeServer } from './probe-server.ts';

/** The kubelet's patience is longer; who waits for the hand-over is not. */
const EXIT_MAX_MS = 4_900;

const options = readOrExit(readPodOptions);
const log = makeLog({ ...options, form: options.logForm, clock: systemClock, write: (line) => process.stdout.write(line) });

function die(what: string, error: unknown): never {
  const { msg, fields } = errorLine(error);
  log('error', `${what}: ${msg}`, fields);
  process.exit(1);
}
process.on('uncaughtException', (error) => die('an error that nobody caught', error));
process.on('unhandledRejection', (error) => die('a rejection that nobody caught', error));

const pod = new Pod(options, log);
const loop = watchLoop();
const memory = returnMemoryWhenIdle();
const page = new MetricsPage(() => workerMetrics(options.job, pod.view, systemClock.nowMs()), systemClock);
const server = await startProbeServer({
  port: options.httpPort,
  look: () => {
    const { phase, reason, connected, refusal, runner } = pod.view;
    return { phase, reason, connected, refusal, worker: runner?.health() ?? null, loopStoodMs: loop.stoodMs() };
  },
  metrics: (accept) => page.answer(accept),
}).catch((error: unknown) => die(`the probes' port ${options.httpPort} cannot be had`, error));
for (const problem of options.tracingProblems) log('warn', problem);
log('info', 'started', { port: server.port, node: process.version });

let asked = false;
function onSignal(signal: NodeJS.Signals): void {
  if (asked) {
    log('error', `${signal} again: exits at once`);
    process.exit(1);
  }
  asked = true;
  log('info', `${signal}: stores what is in flight and hands over`);
  setTimeout(() => {
    log('error', `did not end within ${EXIT_MAX_MS} ms`);
    process.exit(1);
  }, EXIT_MAX_MS).unref();
  pod.drain();
}
process.on('SIGTERM', onSignal);
process.on('SIGINT', onSignal);

const drained = await pod.run();
loop.stop();
memory.stop();
await server.close();
log('info', 'ended', { drained });
process.exit(drained ? 0 : 1);
