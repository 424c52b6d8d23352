// From the record of a revision to what a worker runs: plan with its code, streams that are there, tables, connectors.
//
//   R1. What may still come (a stream that is being made, rights that are on their way, a server that is away) is `later`; what
//       another revision must mend is `refused`. Nothing else comes out.

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { accountOfStream, linksOf, type JobLinks } from '../adapters/nats/job-connections.ts';
import { missingStreams } from '../adapters/nats/missing-streams.ts';
import { blobStream } from '../adapters/nats/nats-blob-store.ts';
import { systemClock } from '../adapters/node/clock.ts';
import { systemRandom } from '../adapters/node/random.ts';
import { isRetry, MillraceError } from '../base/errors.ts';
import { BadDeclaration, formatIssue } from '../base/issues.ts';
import type { BlobStore } from '../journal/journal.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';
import { makeRevision, type RevisionParts } from '../revision.ts';
import type { JobRecord } from '../worker/job-record.ts';
import type { Failure } from '../worker/membership.ts';
import { fillCode } from './code-bundle.ts';
import { errorLine } from './log.ts';

export type Loaded =
  | { readonly kind: 'ready'; readonly parts: RevisionParts }
  | { readonly kind: 'later'; readonly reason: string }
  | { readonly kind: 'refused'; readonly failure: Failure };

export type LoaderParts = {
  readonly connection: NatsConnection;
  readonly blobs: BlobStore;
  /** The job's identity. */
  readonly job: string;
  readonly filesDir: string;
  readonly isTraced: boolean;
};

export async function loadRevision(record: JobRecord, parts: LoaderParts): Promise<Loaded> {
  try {
    const plan = await planOf(record, parts.blobs);
    const named = connectorStreams(plan);
    const links = linksOf(parts.connection, record);
    const own = [...plan.streams, blobStream(parts.job), ...named.job];
    const looks = [missingStreams(links.job, own), missingStreams(links.streams, named.streams)];
    const missing = (await Promise.all(looks)).flat();
    if (missing.length > 0) return { kind: 'later', reason: `waits for streams: ${missing.join('; ')}` };
    return { kind: 'ready', parts: await makeRevision(plan, environment(record, parts, links)) };
  } catch (error) {
    return isPassing(error) ? { kind: 'later', reason: errorLine(error).msg } : { kind: 'refused', failure: failureOf(error, record) };
  }
}

async function planOf({ plan, module, code }: JobRecord, blobs: BlobStore): Promise<PhysicalPlan> {
  if (module !== null)
    throw new BadDeclaration('job', [
      { path: 'module', message: `it was started from ${module.path}, on another machine`, fix: 'deploy it with `millrace deploy`' },
    ]);
  return code === null ? (plan as PhysicalPlan) : fillCode(plan, { blobs, code, folder: join(tmpdir(), 'millrace-code') });
}

/** Of sources and sinks, as far as the plan names them, by account. */
function connectorStreams(plan: PhysicalPlan): Readonly<Record<keyof JobLinks, readonly string[]>> {
  const named = { job: new Set<string>(), streams: new Set<string>() };
  for (const { op } of plan.stages.flatMap(({ nodes }) => nodes))
    if ((op.kind === 'source' || op.kind === 'sink') && op.spec.nats?.stream !== undefined)
      named[accountOfStream(op.spec)].add(op.spec.nats.stream);
  return { job: [...named.job], streams: [...named.streams] };
}

function environment(record: JobRecord, { job, filesDir, isTraced }: LoaderParts, links: JobLinks): Parameters<typeof makeRevision>[1] {
  return {
    job,
    runId: record.runId,
    baseDir: filesDir,
    outDir: join(tmpdir(), 'millrace-out'),
    links,
    clock: systemClock,
    random: systemRandom,
    attachOnly: true,
    isTraced,
  };
}

/** R1. MR1003, MR1005, MR1012: NATS does not answer, or not yet as it should; its operator mends that, no other revision does. */
function isPassing(error: unknown): boolean {
  return isRetry(error) || (error instanceof MillraceError && ['MR1003', 'MR1005', 'MR1012'].includes(error.code));
}

/** Messages are one line: they become part of conditions and events. */
function failureOf(error: unknown, { revision }: JobRecord): Failure {
  const what = `revision ${revision} cannot be run here`;
  if (error instanceof MillraceError) return { code: error.code, message: `${what}: ${error.message}`, fix: error.fix, task: 'revision' };
  if (error instanceof BadDeclaration)
    return {
      code: 'declaration',
      message: `${what}: ${error.issues.map((issue) => formatIssue(issue).trim()).join('; ')}`,
      fix: 'Mend what it says and apply the job again.',
      task: 'revision',
    };
  const { msg, fields } = errorLine(error);
  return {
    code: 'bug',
    message: `${what}: ${String(fields['stack'] ?? msg)}`,
    fix: 'This is a defect of Millrace, or of code that the job brings: the stack says which.',
    task: 'revision',
  };
}
