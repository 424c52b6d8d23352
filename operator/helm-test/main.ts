// The program of `helm test`: runs a small job on the cluster to its end, and says how it went by its exit code.
//
// It begins with the test's own job only: what an earlier test left of it is deleted first. When the job did not complete it stays, to
// be looked at.

import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamJobStatus } from '../../crds/stream-job/status.ts';
import { KubeClient } from '../kube/kube-client.ts';
import { loadKubeConnection } from '../kube/kube-config.ts';
import type { KubeFailure } from '../kube/kube-result.ts';
import { KubeTransport } from '../kube/kube-transport.ts';
import { resources } from '../kube/resource.ts';
import { testJob } from './test-job.ts';
import { verdictOf, type Verdict } from './verdict.ts';

const POLL_MS = 500;
const TIMEOUT_SECONDS_DEFAULT = 120;

const namespace = setting('MILLRACE_TEST_NAMESPACE');
const name = setting('MILLRACE_TEST_JOB');
const configMap = setting('MILLRACE_TEST_CONFIG_MAP');
const timeoutSeconds = Number(process.env['MILLRACE_TEST_TIMEOUT_SECONDS'] ?? TIMEOUT_SECONDS_DEFAULT);
const transport = new KubeTransport(loadKubeConnection());
const client = new KubeClient({ transport });
const startedMs = performance.now();
const deadlineMs = startedMs + timeoutSeconds * 1_000;

const why = await main();
if (why === null) say('passed');
else {
  say(`FAILED: ${why}`);
  say(`kubectl --namespace ${namespace} describe streamjob ${name} tells more`);
  process.exitCode = 1;
}
transport.close();

/** null: all went well; else why not. */
async function main(): Promise<string | null> {
  return (await remove()) ?? (await create()) ?? (await completion()) ?? (await remove());
}

async function create(): Promise<string | null> {
  const created = await insist(() => client.create(resources.streamJobs, testJob({ namespace, name, configMap })));
  if (created.kind !== 'ok') return `StreamJob ${namespace}/${name} was not made: ${wordsOf(created)}`;
  say(`StreamJob ${namespace}/${name} is made`);
  return null;
}

async function completion(): Promise<string | null> {
  for (let last = ''; ;) {
    const verdict = await look();
    if (verdict.kind === 'passed') return null;
    if (verdict.kind === 'failed') return verdict.why;
    if (verdict.why !== last) say(verdict.why);
    last = verdict.why;
    if (performance.now() > deadlineMs) return `not completed after ${timeoutSeconds} s; last: ${last}`;
    await sleep(POLL_MS);
  }
}

async function look(): Promise<Verdict> {
  const job = await client.get(resources.streamJobs, { namespace, name });
  if (job.kind === 'absent') return { kind: 'waiting', why: wordsOf(job) };
  if (job.kind !== 'ok') return { kind: 'failed', why: `StreamJob ${namespace}/${name} cannot be read: ${wordsOf(job)}` };
  return verdictOf(job.object['status'] as StreamJobStatus | undefined, job.object.metadata.generation ?? 0);
}

/** Deletes the job if there is one, and waits until it is gone with its state. */
async function remove(): Promise<string | null> {
  const gone = async (): Promise<boolean> => (await client.get(resources.streamJobs, { namespace, name })).kind === 'not-found';
  const deleted = await insist(() => client.delete(resources.streamJobs, { namespace, name }));
  if (deleted.kind === 'not-found') return null;
  if (deleted.kind !== 'ok') return `StreamJob ${namespace}/${name} cannot be deleted: ${wordsOf(deleted)}`;
  while (!(await gone())) {
    if (performance.now() > deadlineMs) return `StreamJob ${namespace}/${name} is deleted but not gone after ${timeoutSeconds} s`;
    await sleep(POLL_MS);
  }
  say(`StreamJob ${namespace}/${name} is gone`);
  return null;
}

/** The first answer that is one. Just after the start of a release the API server may not answer, or not know the kind yet. */
async function insist<T extends { readonly kind: string }>(call: () => Promise<T | KubeFailure>): Promise<T | KubeFailure> {
  for (;;) {
    const answer = await call();
    if (answer.kind !== 'absent' || performance.now() > deadlineMs) return answer;
    await sleep(POLL_MS);
  }
}

function wordsOf(failure: KubeFailure): string {
  return failure.kind === 'absent' ? `the API server does not answer: ${failure.reason}` : failure.message;
}

function setting(variable: string): string {
  const value = process.env[variable];
  if (value !== undefined && value !== '') return value;
  console.error(`${variable} is not set: this program is started by helm test`);
  process.exit(1);
}

function say(text: string): void {
  console.log(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
}
