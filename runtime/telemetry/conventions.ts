// Every name that traces use, pinned in one place: OpenTelemetry's semantic conventions for messaging, and our own.
//
//   N1. The conventions for messaging are still "development": they are written out here, so that no new version of a package
//       renames what people have built dashboards on. Written after version 1.38 of the conventions.
//   N2. What is ours begins with `millrace.`.
//   N3. Texts of users (keys, event types, messages) are data: cut, and without control characters.

/** Attributes of the conventions. */
export const MESSAGING = {
  system: 'messaging.system',
  operationType: 'messaging.operation.type',
  operationName: 'messaging.operation.name',
  destination: 'messaging.destination.name',
  partition: 'messaging.destination.partition.id',
  batchCount: 'messaging.batch.message_count',
  errorType: 'error.type',
} as const;

/** Attributes of a service: what Jaeger lists. */
export const SERVICE = { name: 'service.name', instance: 'service.instance.id' } as const;

/** Our own attributes. */
export const MILLRACE = {
  job: 'millrace.job',
  stage: 'millrace.stage',
  partition: 'millrace.partition',
  worker: 'millrace.worker',
  record: 'millrace.record.number',
  epoch: 'millrace.record.epoch',
  revision: 'millrace.revision',
  events: 'millrace.events',
  node: 'millrace.transform',
  key: 'millrace.key',
  eventTimeMs: 'millrace.event.time_ms',
  eventType: 'millrace.event.type',
  stateFrom: 'millrace.actor.state.from',
  stateTo: 'millrace.actor.state.to',
  guards: 'millrace.actor.guards',
  timersSet: 'millrace.actor.timers.set',
  timersCleared: 'millrace.actor.timers.cleared',
  emitted: 'millrace.actor.emitted',
  timer: 'millrace.actor.timer',
  deadLetterCode: 'millrace.dead_letter.code',
  deadLetterPlace: 'millrace.dead_letter.place',
  contributors: 'millrace.window.contributors',
  attempt: 'millrace.attempt',
  nextTryMs: 'millrace.next_try_ms',
  why: 'millrace.trace.why',
  truncated: 'millrace.trace.truncated',
  endToEndMs: 'millrace.end_to_end_ms',
  outcome: 'millrace.reconcile.outcome',
  verb: 'millrace.kube.verb',
  kind: 'millrace.kube.kind',
  name: 'millrace.kube.name',
} as const;

/** Names of things that happen within a span. */
export const EVENTS = {
  transition: 'transition',
  timer: 'timer fired',
  committed: 'committed',
  retry: 'retry',
  exception: 'exception',
} as const;
export const EXCEPTION = { type: 'exception.type', message: 'exception.message' } as const;

/** Why a trace is kept. */
export type Why = 'parent' | 'ratio' | 'key' | 'dead letter' | 'error' | 'slow';

const TEXT_MAX = 256;

/** N3. */
export function cleanText(text: string): string {
  // oxlint-disable-next-line no-control-regex -- that is what is to go
  const clean = text.slice(0, 4 * TEXT_MAX).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
  return clean.length <= TEXT_MAX ? clean : `${clean.slice(0, TEXT_MAX)}…`;
}

export function serviceOf(job: string, stage: string): string {
  return `${job}/${stage}`;
}
