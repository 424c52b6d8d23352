// The operator's HTTP side: probes that say why, and figures.
//
//   H1. live: the event loop turns. Nothing outside decides it: an API server that is away restarts nobody.
//   H2. ready: the caches are filled. A standby that does not lead is ready too: it can take over at once.
//   H3. Who asks and does not read holds a connection for IDLE_MS at the most, and one page: a connection has one request.

import { createServer, type Server } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import type { Page } from '../../runtime/telemetry/metrics-page.ts';

export type HealthParts = {
  readonly port: number;
  /** null: all is well; else why not. */
  readonly notReady: () => string | null;
  /** What is answered to who accepts that. */
  readonly metrics: (accept: string | undefined) => Page;
  /** H3; for tests. */
  readonly idleMs?: number;
};

const DELAY_MAX_MS = 10_000;
/** Longer than anybody waits who scrapes or probes. */
const IDLE_MS = 30_000;

export function startHealthServer({ port, notReady, metrics, idleMs = IDLE_MS }: HealthParts): Promise<Server> {
  const delay = monitorEventLoopDelay({ resolution: 100 });
  delay.enable();
  const server = createServer((request, response) => {
    const answer = (code: number, text: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(code, { 'content-type': type }).end(text);
    };
    switch (request.url) {
      case '/livez': {
        const worstMs = delay.max / 1e6;
        delay.reset();
        return answer(
          worstMs < DELAY_MAX_MS ? 200 : 503,
          worstMs < DELAY_MAX_MS ? 'ok\n' : `the event loop stood still for ${Math.round(worstMs)} ms\n`,
        );
      }
      case '/startupz':
      case '/readyz': {
        const reason = notReady();
        return answer(reason === null ? 200 : 503, `${reason ?? 'ok'}\n`);
      }
      case '/metrics': {
        const { type, body } = metrics(request.headers.accept);
        return answer(200, body, type);
      }
      default:
        return answer(404, 'there are /livez, /readyz, /startupz and /metrics\n');
    }
  });
  server.setTimeout(idleMs);
  server.maxRequestsPerSocket = 1; // who sends many at once, and reads none, has one page written for it
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => resolve(server));
  });
}
