// Traces of events for which a service outside is asked, as a real OTLP collector gets them: each try that failed is told, with why, and how
// long it took until the next one.

import { headers as natsHeaders } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { withFolder } from '../support/flights-run.ts';
import { jobText, readDeadLetters, runText } from '../support/job-run.ts';
import { startTestServer } from '../support/nats.ts';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';

const PRODUCER = 'b'.repeat(16);
const TRACES = { first: 'a'.repeat(32), never: 'c'.repeat(32) };

const jobOf = (asked: string): string =>
  jobText(
    'asking',
    `
  sources:
    - { name: rows, nats: { subjects: [in.asking], bounded: true }, schema: { id: string } }
  stages:
    - name: asked
      from: rows
      keyBy: event.id
      lookup: { http: { url: "'${asked}/'", query: { id: event.id } }, as: answer, timeout: 60s, retries: 3, backoff: 20ms, backoffMax: 50ms }
  sinks:
    - { name: out, from: asked, file: { path: out.ndjson } }
`,
  );

test('tries that failed are events of a span below that of the event; without a trace it gets one', () =>
  withFolder(async (folder) => {
    const times = new Map<string, number>();
    const firstMs = new Map<string, number>();
    const service = createServer((request, response) => {
      const id = new URL(request.url ?? '', 'http://x').searchParams.get('id') ?? '';
      const time = (times.get(id) ?? 0) + 1;
      times.set(id, time);
      if (time === 1) firstMs.set(id, Date.now());
      const isAway = id === 'never' || (id !== 'at once' && time <= 2);
      response.writeHead(isAway ? 503 : 200, { 'content-type': 'application/json' }).end(isAway ? `away ${time}` : '{"of":1}');
    });
    service.listen(0, '127.0.0.1');
    await once(service, 'listening');
    const [server, collector] = await Promise.all([startTestServer(), OtlpReceiver.start()]);
    try {
      const nc = await connectNats({ url: server.url, name: 'test' });
      await (await jetstreamManager(nc)).streams.add({ name: 'asking', subjects: ['in.asking'] });
      for (const [id, traceId] of [['first', TRACES.first], ['never', TRACES.never], ['untraced', null], ['at once', null]] as const) {
        const headers = natsHeaders();
        if (traceId !== null) headers.set('traceparent', `00-${traceId}-${PRODUCER}-01`);
        await jetstream(nc).publish('in.asking', JSON.stringify({ id }), { headers });
      }
      await nc.close();
      const who = `127.0.0.1:${(service.address() as AddressInfo).port}`;
      const tracing = { endpoint: collector.url, sampling: 0, environment: {} };
      const { outcome } = await runText(folder, jobOf(`http://${who}`), { natsUrl: server.url, tracing });
      expect(outcome.ending).toBe('completed');

      const failed = (attempt: number, waitMs: number): unknown => ({
        'millrace.attempt': attempt,
        'millrace.next_try_ms': waitMs,
        'exception.type': 'LookupFailed',
        'exception.message': `${who} answered 503: away ${attempt}`,
      });
      const first = asked(collector.trace(TRACES.first));
      expect(retries(first)).toEqual([failed(1, 20), failed(2, 40)]);
      expect(first.attributes).toMatchObject({ 'millrace.transform': 'asked' });
      expect([first.name, first.isError]).toEqual(['process asked', false]);
      expect(collector.trace(TRACES.first).find(({ spanId }) => spanId === first.parentSpanId)?.name).toBe('process asked');
      expect(Number(first.startNs / 1_000_000n)).toBeLessThanOrEqual(firstMs.get('first') ?? 0); // it begins before it was asked first
      // The last try is told by the dead letter.
      const never = asked(collector.trace(TRACES.never));
      expect(retries(never)).toEqual([failed(1, 20), failed(2, 40), failed(3, 50)]);
      expect([never.isError, never.attributes['millrace.dead_letter.code']]).toEqual([true, 'MR3009']);
      expect(await readDeadLetters(join(folder, 'out'))).toMatchObject([{ code: 'MR3009', traceId: TRACES.never, spanId: never.spanId }]);
      // What came at once has none, as nothing is sampled.
      const others = collector.spans.filter(({ traceId }) => !Object.values(TRACES).includes(traceId));
      const untraced = asked(others);
      expect(untraced.attributes['millrace.trace.why']).toBe('error');
      expect(retries(untraced)).toEqual([failed(1, 20), failed(2, 40)]);
      expect(others.filter(({ name }) => name === 'send out').map(({ parentSpanId }) => parentSpanId)).toContain(untraced.spanId);
    } finally {
      service.closeAllConnections();
      service.close();
      await Promise.all([server.stop(), collector.stop()]);
    }
  }), 120_000); // prettier-ignore

const retries = ({ events }: ReceivedSpan): unknown[] => events.filter(({ name }) => name === 'retry').map(({ attributes }) => attributes);

/** The only one in which a try failed. */
function asked(spans: readonly ReceivedSpan[]): ReceivedSpan {
  const found = spans.filter((span) => retries(span).length > 0);
  expect(found).toHaveLength(1);
  return found[0]!;
}
