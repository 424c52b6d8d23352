// Entry of the operator: reads what it is told, puts it together, runs until it is asked to stop or loses the lease.

import { startHealthServer } from './http/health-server.ts';
import { MetricsPage } from '../runtime/telemetry/metrics-page.ts';
import { systemClock } from '../runtime/adapters/node/clock.ts';
import { readOrExit } from '../runtime/adapters/node/read-or-exit.ts';
import { systemRandom } from '../runtime/adapters/node/random.ts';
import { loadKubeConnection } from './kube/kube-config.ts';
import { makeLog } from './log.ts';
import { openNats } from './open-nats.ts';
import { openConsole } from './console/open-console.ts';
import { Operator } from './operator.ts';
import { operatorOptions } from './options.ts';
import { RoundTraces } from './round-traces.ts';
import { closeTracer } from '../runtime/telemetry/close-tracer.ts';
import { TraceBudget } from '../runtime/telemetry/trace-budget.ts';
import { openTracer } from '../runtime/adapters/otel/open-tracing.ts';

const STOP_MAX_MS = 15_000;
const TRACES_MAX_MS = 1_500;

const options = readOrExit(operatorOptions);
const log = makeLog(options.log, (line) => void process.stdout.write(line));
const tracer = await openTracer(options.otlpEndpoint, { instance: options.pod, log: (message) => log('warn', message) });
const traces = tracer === null ? null : new RoundTraces({ tracer, budget: new TraceBudget(), clock: systemClock, random: systemRandom });
const parts = { options, clock: systemClock, random: systemRandom, log, traces };
const connection = loadKubeConnection();
const operator = new Operator({
  ...parts,
  connection,
  openNats: (client) => openNats({ ...parts, client }),
  onLost: (reason) => {
    log('error', `no longer leading: ${reason}`);
    process.exit(1);
  },
});
const page = new MetricsPage(() => operator.metrics(), systemClock);
const server = await startHealthServer({
  port: options.httpPort,
  notReady: () => operator.notReady(),
  metrics: (accept) => page.answer(accept),
});
const consoleServer =
  options.console === null ? null : await openConsole({ ...parts, options: options.console, connection, jobs: operator });
let stopping = false;
const stop = (): void => {
  if (stopping) return;
  stopping = true;
  log('info', 'stopping');
  setTimeout(() => process.exit(1), STOP_MAX_MS).unref();
  void operator.stop().then(async () => {
    if (tracer !== null) await closeTracer(tracer, TRACES_MAX_MS, (message) => log('warn', message));
    server.close();
    await consoleServer?.close();
    process.exit(0);
  });
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
await operator.start();
