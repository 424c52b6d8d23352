// Events that would write into a log or steer a terminal: what a pod says of them is lines of its own and nothing else.

import { expect, test } from 'vitest';
import { jobText } from '../../test/support/job-run.ts';
import { operatorsServer } from '../../test/support/operators-server.ts';
import { callApi } from '../adapters/nats/jetstream-api.ts';
import { Link } from '../adapters/nats/link.ts';
import { deadLettersSubject } from '../plan/plan-names.ts';
import { prepareJob, startPod, startTenantServer, writeRecord } from './pod-harness.ts';

const nats = operatorsServer(startTenantServer);

const HOSTILE = '<img src=x onerror=alert(1)>\u001b[2J\u009b1m\r\n2026-01-01T00:00:00.000Z info  all is well\n{"level":"info"}\u202e\u2028';
/** One stage makes each event a dead letter, the other one is stopped by the last. */
const job = (name: string): string =>
  jobText(
    name,
    `
  partitions: 1
  sources:
    - { name: rows, nats: { subjects: [in.${name}], stream: IN_${name} } }
  stages:
    - { name: refusing, from: rows, map: { found: 'event.data[event.name]' } }
    - { name: stopping, from: rows, onError: { then: stopJob }, map: { found: 'event.kind == "last" ? event.data[event.name] : event.kind' } }
  sinks:
    - { name: refused-out, from: refusing, nats: { subject: out.${name}.refused } }
    - { name: stopped-out, from: stopping, nats: { subject: out.${name}.stopped } }
`,
  );

const OURS = {
  text: /^\d{4}-\d\d-\d\dT[\d:.]+Z (?:info|warn|error) {1,2}\S/,
  json: /^\{"time":"\d{4}-\d\d-\d\dT[\d:.]+Z","level":"(?:info|warn|error)",/,
};

test.each(['text', 'json'] as const)('of a dead letter, and of the failure of a job: %s', async (form) => {
  const [name, identity] = [`log${form}`, `ns_log${form}`];
  await callApi(Link.of(nats.admin), `STREAM.CREATE.IN_${name}`, { name: `IN_${name}`, subjects: [`in.${name}`], storage: 'file' });
  const prepared = await prepareJob(nats.admin, job(name), { identity });
  const natsUrl = await nats.server.allow(`job-log${form}`, prepared.permissions);
  await writeRecord(prepared, { identity });
  const pod = startPod({ natsUrl, job: identity, worker: 'w-1', environment: { MILLRACE_LOG: form } });
  let written = '';
  pod.child.stdout?.setEncoding('utf8').on('data', (text: string) => (written += text));
  let letters = '';
  nats.admin.subscribe(deadLettersSubject(prepared.plan.job), { callback: (_error, message) => void (letters += message.string()) });
  const send = (kind: string): void => nats.admin.publish(`in.${name}`, JSON.stringify({ kind, name: HOSTILE, data: { a: 1 } }));
  send('first');
  await expect.poll(() => letters, { timeout: 90_000 }).toContain('onerror=alert(1)');
  send('last');
  await expect.poll(() => written, { timeout: 90_000 }).toMatch(/stopped the job.*MR3007.*onerror=alert/);
  expect(await pod.end()).toMatchObject({ code: 0 }); // it answers, though its job has failed
  const lines = written.trimEnd().split('\n');
  expect(lines.filter((line) => !OURS[form].test(line))).toEqual([]);
  // oxlint-disable-next-line no-control-regex -- none may be left
  expect(written.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
  expect(lines.filter((line) => line.includes('onerror=alert(1)')).length).toBeGreaterThan(0);
});
