// Sentences of conditions that several decisions say alike.

import type { ConditionType, RevisionStatus, StreamJobStatus } from '../../crds/stream-job/status.ts';
import type { Issue } from '../../runtime/base/issues.ts';
import type { Verdict } from './decision.ts';
import type { NatsObserved, Observed } from './observed.ts';

export type Conditions = Readonly<Partial<Record<ConditionType, Verdict>>>;

export function yes(reason: string, message: string): Verdict {
  return { status: 'True', reason, message };
}

export function no(reason: string, message: string): Verdict {
  return { status: 'False', reason, message };
}

/** The job is as its spec asks for. */
export function ready(reason: string, message: string): Conditions {
  return { Ready: yes(reason, message), Reconciling: no(reason, message), Stalled: no(reason, message) };
}

/** On its way; nothing is needed from anybody. */
export function reconciling(reason: string, message: string): Conditions {
  return { Ready: no(reason, message), Reconciling: yes(reason, message), Stalled: no(reason, message) };
}

/** It will not go on by itself: somebody has to do something, and `message` says what. */
export function stalled(reason: string, message: string): Conditions {
  return { Ready: no(reason, message), Reconciling: no(reason, message), Stalled: yes(reason, message) };
}

/** What holds whatever else is going on: pods that do not start, partitions that an event has stopped, splits that cannot be read, credentials that
 *  NATS refuses, a NATS that may lose acknowledged writes. */
export function standing({ pods, nats, figures }: Observed): Conditions {
  const partitions = figures?.progress.stages.flatMap((stage) => stage.partitions) ?? [];
  const stopped = partitions.flatMap(({ standsStill }) => standsStill ?? []);
  const stalled = partitions.flatMap((partition) => partition.stalled ?? []);
  const refused = nats.kind === 'present' && nats.credentialsTrouble !== null ? [nats.credentialsTrouble] : [];
  const wrong = { PodsNotStarting: pods.problems, PartitionsStopped: stopped, SourcesStalled: stalled, CredentialsRefused: refused };
  const [first] = Object.entries(wrong).filter(([, sentences]) => sentences.length > 0);
  return {
    Degraded:
      first === undefined
        ? no('AsExpected', 'all worker pods start, or have nothing that keeps them from it')
        : yes(first[0], listed(first[1])),
    DurabilityDegraded: durabilityOf(nats),
    ...conserved(nats),
  };
}

/** A server that is away says nothing against the others. */
function durabilityOf(nats: NatsObserved): Verdict {
  if (nats.kind === 'absent')
    return nats.unfit === undefined
      ? { status: 'Unknown', reason: 'NatsUnreachable', message: nats.reason }
      : yes('WritesMayBeLost', nats.unfit);
  switch (nats.durability.kind) {
    case 'durable':
      return no('Durable', 'NATS syncs each write before it is acknowledged');
    case 'degraded':
      return yes('WritesMayBeLost', nats.durability.reason);
    case 'unknown':
      return { status: 'Unknown', reason: 'ServersSilent', message: nats.durability.reason };
  }
}

/** While NATS is away nothing is known. What nobody has looked at yet stays as it was. */
function conserved(nats: NatsObserved): Conditions {
  if (nats.kind === 'absent') return { ConservationOK: { status: 'Unknown', reason: 'NatsUnreachable', message: nats.reason } };
  switch (nats.conservation?.kind) {
    case undefined:
      return {};
    case 'conserved':
      return { ConservationOK: yes('Conserved', 'by the records of all partitions each event is accounted for, and no record is gone') };
    case 'broken':
      return { ConservationOK: no('EventsUnaccounted', listed(nats.conservation.problems)) };
    case 'unknown':
      return { ConservationOK: { status: 'Unknown', reason: 'NotRead', message: nats.conservation.reason } };
  }
}

const LISTED_MAX = 3;

/** The first sentences, and how many more there are. */
export function listed(sentences: readonly string[]): string {
  const more = sentences.length - LISTED_MAX;
  return `${sentences.slice(0, LISTED_MAX).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

/** An issue of the declaration as one line: where, what, what to do. */
export function issueText({ path, message, fix }: Issue): string {
  return `${path}: ${message}${fix === undefined || fix === '' ? '' : ` (${fix})`}`;
}

/** The revision to make of `hash`: the one that was begun with (status.intent), or the next number. */
export function nextRevision({ intent, revision }: StreamJobStatus, current: number, hash: string, generation: number): RevisionStatus {
  if (intent !== undefined && intent.revision.hash === hash && intent.revision.number > current) return intent.revision;
  return { number: Math.max(current, revision?.number ?? 0) + 1, hash, generation };
}
