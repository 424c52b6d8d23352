// A lookup against a service that is slow, fails, hangs and goes away, while workers are killed: each event comes out once, in the
// order of its key, with its own answer.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withFolder } from '../support/flights-run.ts';
import { jobText, readDeadLetters, readLines, runText } from '../support/job-run.ts';

const EVENTS = 400;
const KEYS = 7;
const events = Array.from({ length: EVENTS }, (_, n) => ({ id: `k${n % KEYS}`, n }));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Answers n * 10, now and then late, wrong, or never; counts what it was asked. */
class Service {
  readonly asked = new Map<number, number>();
  isAway = false;
  readonly #server = createServer((request, response) => {
    const n = Number(new URL(request.url ?? '', 'http://x').searchParams.get('n'));
    const times = (this.asked.get(n) ?? 0) + 1;
    this.asked.set(n, times);
    if (this.isAway) return void request.socket.destroy();
    const fate = (n * 7919 + times * 104_729) % 10;
    if (fate === 0) return; // hangs
    if (fate === 1) return void response.writeHead(503).end();
    if (fate === 2) return void request.socket.destroy();
    setTimeout(() => response.setHeader('content-type', 'application/json').end(JSON.stringify({ of: n * 10 })), fate * 4);
  });

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function jobOf(base: string, lookup: string): string {
  return jobText(
    'ask',
    `
  partitions: 3
  sources:
    - { name: rows, file: { path: data/rows.ndjson }, schema: { id: string, n: int } }
  stages:
    - name: asked
      from: rows
      keyBy: event.id
      lookup: { http: { url: "'${base}/'", query: { n: event.n } }, as: answer, timeout: 300ms, backoff: 20ms, maxInFlight: 20, ${lookup} }
  sinks:
    - { name: out, from: asked, file: { path: out.ndjson } }
    - { name: failed, from: asked.failed, file: { path: failed.ndjson } }
`,
  );
}

test(
  'kill -9 of workers, and a service that fails and goes away: each event comes out once, in order, with its answer',
  () =>
    withFolder(async (folder) => {
      const service = new Service();
      try {
        const base = await service.start();
        await mkdir(join(folder, 'data'), { recursive: true });
        await writeFile(join(folder, 'data/rows.ndjson'), events.map((event) => JSON.stringify(event)).join('\n'));
        let kills = 0;
        const disturb = async (pids: () => readonly number[]): Promise<void> => {
          for (; kills < 5; kills++) {
            await sleep(500);
            const [pid] = pids();
            if (pid === undefined) return;
            process.kill(pid, 'SIGKILL');
            service.isAway = kills % 2 === 0;
            await sleep(150);
            service.isAway = false;
          }
        };
        const { outcome, outDir } = await runText(
          folder,
          jobOf(base, 'retries: 200, backoffMax: 100ms, breaker: { failures: 20, openFor: 100ms }'),
          { workers: 2, isolation: 'process' },
          { onWorkers: (_resize, pids) => void disturb(pids) },
        );
        expect(outcome).toMatchObject({ ending: 'completed', failure: null });
        expect(kills).toBeGreaterThan(0);
        const out = (await readLines(outDir, 'out.ndjson')) as { id: string; n: number; answer: unknown }[];
        for (let key = 0; key < KEYS; key++) {
          const own = out.filter(({ id }) => id === `k${key}`);
          expect(own).toEqual(events.filter(({ id }) => id === `k${key}`).map((event) => ({ ...event, answer: { of: event.n * 10 } })));
        }
        expect(await readLines(outDir, 'failed.ndjson')).toEqual([]);
      } finally {
        service.stop();
      }
    }),
  180_000,
);

test(
  'a service that is not there: what got no answer is told, on the output that is read for it',
  () =>
    withFolder(async (folder) => {
      await mkdir(join(folder, 'data'), { recursive: true });
      await writeFile(
        join(folder, 'data/rows.ndjson'),
        events
          .slice(0, 5)
          .map((event) => JSON.stringify(event))
          .join('\n'),
      );
      const { outcome, outDir } = await runText(folder, jobOf('http://127.0.0.1:1', 'retries: 1'));
      expect(outcome).toMatchObject({ ending: 'completed', failure: null });
      const failed = (await readLines(outDir, 'failed.ndjson')) as { event: { n: number }; problem: string }[];
      expect(failed.map(({ event }) => event.n).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
      expect(failed[0]?.problem).toMatch(/^MR3009 LookupFailed: asked got no answer after 2 tries: 127\.0\.0\.1:1 cannot be asked/);
      expect(await readDeadLetters(outDir).catch(() => [])).toEqual([]);
    }),
  60_000,
);
