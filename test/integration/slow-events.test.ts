// An event that waits long for its answer from outside, and is sampled by nobody: its trace is kept because it was slow end to end, though no
// step took long.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withFolder } from '../support/flights-run.ts';
import { jobText, readLines, runText } from '../support/job-run.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';

const SLOW_MS = 11_000;

/** Answers `slow` after SLOW_MS, all else at once. */
async function startService(): Promise<{ readonly url: string; stop(): void }> {
  const server = createServer((request, response) => {
    const waitMs = request.url?.includes('slow') === true ? SLOW_MS : 0;
    setTimeout(() => response.setHeader('content-type', 'application/json').end('{}'), waitMs);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

test('an event that was long in the job is told by its last step, with how long; those that were not are not', () =>
  withFolder(async (folder) => {
    const [collector, service] = [await OtlpReceiver.start(), await startService()];
    try {
      await mkdir(join(folder, 'data'));
      await writeFile(join(folder, 'data/rows.ndjson'), '{"id":"quick"}\n{"id":"slow"}\n');
      const text = jobText(
        'patient',
        `
  sources: [{ name: rows, file: { path: data/rows.ndjson }, schema: { id: string } }]
  stages:
    - name: asked
      from: rows
      keyBy: event.id
      lookup: { http: { url: "'${service.url}/'", query: { id: event.id } }, as: answer, timeout: 30s, ordered: false }
  sinks: [{ name: out, from: asked, file: { path: out.ndjson } }]`,
      );
      const tracing = { endpoint: collector.url, sampling: 0, environment: {} };
      const { outcome } = await runText(folder, text, { tracing });
      expect(outcome.ending).toBe('completed');
      expect(await readLines(folder, 'out', 'out.ndjson')).toHaveLength(2);
      const kept = collector.spans.map(({ name, attributes: of }) => [name, of['millrace.trace.why'], Number(of['millrace.end_to_end_ms']) >= 10_000]);
      expect(kept).toEqual([['send out', 'slow', true]]);
    } finally {
      service.stop();
      await collector.stop();
    }
  }), 90_000); // prettier-ignore
