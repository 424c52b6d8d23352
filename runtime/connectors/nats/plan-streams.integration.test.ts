// The user's streams of a plan, found, made and named; and connectors that only find them.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobText } from '../../../test/support/job-run.ts';
import { startTestServer, type TestServer } from '../../../test/support/nats.ts';
import { callApi } from '../../adapters/nats/jetstream-api.ts';
import { linksOf, oneConnection } from '../../adapters/nats/job-connections.ts';
import { Link } from '../../adapters/nats/link.ts';
import { connectNats } from '../../adapters/nats/nats-connection.ts';
import { systemClock } from '../../adapters/node/clock.ts';
import { systemRandom } from '../../adapters/node/random.ts';
import { readStreamJob } from '../../plan/check.ts';
import type { PhysicalPlan } from '../../plan/physical-plan.ts';
import { planJob } from '../../plan/plan.ts';
import { makeSinkConnector, makeSourceConnector, type ConnectorEnv } from '../make-connector.ts';
import { ensureUserStreams } from './plan-streams.ts';

let server: TestServer;
let connection: NatsConnection;
beforeAll(async () => {
  server = await startTestServer();
  connection = await connectNats({ url: server.url, name: 'test' });
  for (const [name, subjects] of Object.entries({ A: ['a.*'], B: ['b.*'], C: ['c.*'] }))
    await callApi(Link.of(connection), `STREAM.CREATE.${name}`, { name, subjects, retention: name === 'C' ? 'workqueue' : 'limits' });
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

function plan(subjects: string, sink: string): PhysicalPlan {
  const text = jobText(
    'x',
    `
  sources: [{ name: rows, nats: { subjects: [${subjects}] }, schema: { k: string } }]
  sinks: [{ name: out, from: rows, nats: { subject: ${sink} } }]
`,
  );
  return planJob(readStreamJob(text, { file: 'x.yaml', parameters: {} }), {}, { deadLetterFile: false });
}

/** `rows A`, `out out_one`: what is named in the plan. */
function named(resolved: PhysicalPlan): readonly string[] {
  return resolved.stages.flatMap(({ nodes }) =>
    nodes.flatMap(({ op }) => (op.kind === 'source' || op.kind === 'sink' ? [`${op.spec.name} ${op.spec.nats?.stream}`] : [])),
  );
}

test('sources are found by their subjects, streams of sinks are made; once named, nothing changes any more', async () => {
  const resolved = await ensureUserStreams(oneConnection(connection), plan('a.1, a.2', 'out.one'));
  expect(named(resolved)).toEqual(['rows A', 'out out_one', 'dead-letters-subject x_dead-letters']);
  expect(await ensureUserStreams(oneConnection(connection), resolved)).toEqual(resolved);
  expect(resolved.fingerprint).toBe(plan('a.1, a.2', 'out.one').fingerprint);
});

test.each([
  { fact: 'a subject that no stream holds', subjects: 'nowhere.1', says: 'source rows: nats.subjects[0]: no stream holds the subject' },
  { fact: 'subjects of several streams', subjects: 'a.1, b.1', says: 'they lie in several streams: A, B' },
  { fact: 'a stream that forgets what was read', subjects: 'c.1', says: 'removes messages when they are read' },
])('$fact is told', async ({ subjects, says }) => {
  await expect(ensureUserStreams(oneConnection(connection), plan(subjects, 'out.two'))).rejects.toThrow(says);
});

test('a connector that only attaches makes nothing: a missing stream is waited for, an unnamed one is refused', async () => {
  const env: ConnectorEnv = {
    job: 'x',
    runId: 'run1',
    baseDir: '/',
    outDir: '/',
    links: linksOf(connection, { importsStreams: false }),
    clock: systemClock,
    random: systemRandom,
    attachOnly: true,
  };
  const sink = (nats: object): Parameters<typeof makeSinkConnector>[0] => ({
    name: 'out',
    from: 'rows',
    nats: { subject: 'out.three', batch: 1, ...nats },
  });
  await expect(makeSinkConnector(sink({}), env)).rejects.toThrow('no stream is named for "out.three"');
  await expect(makeSinkConnector(sink({ stream: 'out_three' }), env)).rejects.toMatchObject({ code: 'MR4001', reaction: 'retry' });
  expect(await callApi(Link.of(connection), 'STREAM.INFO.out_three')).toMatchObject({ kind: 'error' });
  await expect(makeSinkConnector(sink({ stream: 'A' }), env)).rejects.toThrow('the stream "A" does not hold it (yet)');
  const [stage] = (await ensureUserStreams(oneConnection(connection), plan('a.1', 'out.three'))).stages;
  const op = stage!.nodes[0]!.op;
  expect(op.kind === 'source' && (await makeSourceConnector(op.spec, env)).splitCount).toBe(1);
  await expect(makeSinkConnector(sink({ stream: 'out_three' }), env)).resolves.toMatchObject({ guarantee: 'exactly-once' });
});
