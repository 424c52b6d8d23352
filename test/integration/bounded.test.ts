// A2: the same job over what ends and over what does not: the same answers, on a real server, though a worker dies meanwhile. The one ends
// as completed; of the other the last windows close by the clock.

import { expect, test } from 'vitest';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { withFolder } from '../support/flights-run.ts';
import { jobText, readSubject, runText } from '../support/job-run.ts';
import { Operated, until } from '../support/operated-job.ts';
import { operatorsServer } from '../support/operators-server.ts';

const nats = operatorsServer();

const STAGES = ['counts', 'visits', 'pairs'] as const;

const job = (name: string, source: string): string =>
  jobText(
    name,
    `
  partitions: 2
  sources:
    - name: rows
      nats: { subjects: [rows.*], startFrom: earliest${source}
      schema: { id: string, kind: string, n: int, at: timestamp }
      eventTime: { at: event.at, maxOutOfOrder: 300ms }
  stages:
    - { name: counts, from: rows, keyBy: event.id, window: { tumbling: { size: 1s } }, aggregate: { n: { count: {} }, sum: { sum: event.n } } }
    - { name: visits, from: rows, keyBy: event.id, window: { session: { gap: 400ms } }, aggregate: { n: { count: {} } } }
    - name: pairs
      from: rows
      keyBy: event.id
      pattern:
        within: 900ms
        steps: [{ name: a, where: 'event.kind == "a"' }, { name: b, where: 'event.kind == "b"' }]
        select: { id: key, a: 'matched.a[0].n', b: 'matched.b[0].n' }
  sinks:
${STAGES.map((stage) => `    - { name: ${stage}-out, from: ${stage}, nats: { subject: ${stage}.${name} } }`).join('\n')}
`,
  );

/** Two subjects, three keys, times up to 300 ms out of order and with gaps. */
const EVENTS = Array.from({ length: 400 }, (_, n) => ({
  id: `k${(n * 7) % 3}`,
  kind: 'abc'[(n * 5) % 4] ?? 'd',
  n,
  at: 1_000 + n * 23 + (n % 5) * 60 + Math.floor(n / 50) * 700,
}));

async function answers(name: string): Promise<readonly (readonly string[])[]> {
  const read = async (stage: string): Promise<readonly string[]> => {
    const values = await readSubject(nats.server.url, `${stage}.${name}`);
    return values.map((value) => JSON.stringify(value)).toSorted();
  };
  return Promise.all(STAGES.map(read));
}

test('A2 N1 what ends and what does not give the same answers', async () => {
  await callApi(Link.of(nats.admin), 'STREAM.CREATE.ROWS', { name: 'ROWS', subjects: ['rows.*'], storage: 'file', retention: 'limits' });
  for (const event of EVENTS) nats.admin.publish(`rows.${event.n % 2}`, JSON.stringify(event));
  await nats.admin.flush();

  await withFolder(async (folder) => {
    const { outcome } = await runText(folder, job('ends', ', bounded: true }'), { natsUrl: nats.server.url, workers: 2 });
    expect(outcome).toMatchObject({ ending: 'completed', failure: null });
  });
  const expected = await answers('ends');
  expect(expected.map((of) => of.length > 5)).toEqual([true, true, true]);

  const run = new Operated(nats.admin, nats.server.url, 'goes-on');
  await run.declare(job('goes-on', ' }\n      idle: { after: 2s, closeAfter: 4s }'));
  run.startPod('w1');
  await until(async () => (await answers('goes-on'))[0]!.length > 0);
  await run.pods.get('w1')?.end('SIGKILL');
  run.startPod('w2');
  await until(async () => (await answers('goes-on')).every((of, i) => of.length >= expected[i]!.length));
  expect(await answers('goes-on')).toEqual(expected);
  await run.endPods();
});
