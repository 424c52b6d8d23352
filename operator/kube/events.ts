// Kubernetes Events: the story of a job as `kubectl describe` tells it. What is one Event is decided in event-series.ts (V2, V4, V5).
//
//   V1. Recording never throws, never waits, and holds up nobody: what is too much, or cannot be sent, is dropped and counted.
//   V3. A message has at most 1,024 bytes; more is cut with an ellipsis.

import type { Clock, Random } from '../../runtime/base/clock.ts';
import { backoffMs } from './backoff.ts';
import { EventSeries, type Series } from './event-series.ts';
import type { KubeClient } from './kube-client.ts';
import { EVENT_MESSAGE_BYTES_MAX, EVENT_QUEUE_MAX } from './kube-limits.ts';
import type { AppliedObject, ObjectMeta } from './kube-object.ts';
import type { KubeResult } from './kube-result.ts';
import { microTime } from './lease-step.ts';
import { resources } from './resource.ts';

export type EventReason =
  | 'Deployed'
  | 'Restored'
  | 'Upgrading'
  | 'Upgraded'
  | 'UpgradeRefused'
  | 'RolledBack'
  | 'Suspended'
  | 'Resumed'
  | 'Completed'
  | 'Failed'
  | 'Scaled'
  | 'ScalingLimited'
  | 'HotPartition'
  | 'SavepointTaken'
  | 'SavepointFailed'
  | 'Repaired'
  | 'NatsUnreachable'
  | 'InvalidSpec'
  | 'Waiting'
  | 'StateRetained'
  | 'StateDeleted';

/** What an Event is about. */
export type EventSubject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'uid'>;
};

export type RecordedEvent = {
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  /** A sentence: what happened, and what to do next. */
  readonly message: string;
  /** What the operator was doing, in UpperCamelCase; default: the reason. */
  readonly action?: string;
};

export type EventRecorderOptions = {
  readonly client: KubeClient;
  /** Name of the pod. */
  readonly instance: string;
  readonly clock: Clock;
  readonly random: Random;
};

const REPORTER = 'millrace.dev/operator';
const TRIES_MAX = 5;
const TRY_PAUSE = { minMs: 100, maxMs: 2_000 };

type Said = { readonly subject: EventSubject; readonly event: RecordedEvent };
type Sending = { readonly kind: 'send'; readonly series: Series<Said>; readonly isNew: boolean };
type Next = Sending | { readonly kind: 'wait'; readonly delayMs: number } | { readonly kind: 'nothing' };

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #series = new EventSeries<Said>();
  readonly #queue: Series<Said>[] = [];
  #sending: Promise<void> | null = null;
  #pause = new AbortController();
  #isHurried = false;
  #dropped = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(subject: EventSubject, event: RecordedEvent): void {
    const said = { subject, event: { ...event, message: shortened(event.message, EVENT_MESSAGE_BYTES_MAX) } };
    const key = JSON.stringify([subject.metadata.uid, event.type, event.reason, event.action, said.event.message]);
    const name = this.#nameFor(subject);
    const told = this.#series.tell({ subject: subject.metadata.uid, key, said, name }, this.#options.clock.monotonicMs());
    if (told === 'dropped') this.#dropped++;
    else if (told !== 'repeated') this.#enqueue(told);
    this.#pause.abort();
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when all that was recorded is sent or dropped; nothing waits any more then. */
  async flush(): Promise<void> {
    this.#isHurried = true;
    this.#pause.abort();
    await this.#sending;
    this.#isHurried = false;
  }

  /** Events that nobody will read: too many, or not taken by the API server. */
  dropped(): number {
    return this.#dropped;
  }

  #enqueue(series: Series<Said>): void {
    if (this.#queue.length < EVENT_QUEUE_MAX) this.#queue.push(series);
    else this.#drop(series);
  }

  async #sendAll(): Promise<void> {
    await this.#options.clock.turn();
    for (let next = this.#next(); next.kind !== 'nothing'; next = this.#next()) {
      if (next.kind === 'send') await this.#send(next);
      else await this.#sleep(next.delayMs);
    }
    this.#sending = null; // in the turn that found nothing: what is recorded later begins anew
  }

  #next(): Next {
    const queued = this.#queue.shift();
    if (queued !== undefined) return { kind: 'send', series: queued, isNew: true };
    const nowMs = this.#options.clock.monotonicMs();
    const series = this.#series.takeDue(nowMs, this.#isHurried);
    if (series !== null) return { kind: 'send', series, isNew: false };
    const dueMs = this.#series.nextDueMs();
    return dueMs === null ? { kind: 'nothing' } : { kind: 'wait', delayMs: dueMs - nowMs };
  }

  #sleep(delayMs: number): Promise<void> {
    this.#pause = new AbortController();
    return this.#options.clock.sleep(delayMs, this.#pause.signal);
  }

  async #send({ series, isNew }: Sending): Promise<void> {
    for (let tries = 1; ; tries++) {
      const result = await (isNew ? this.#create(series) : this.#raise(series));
      if (result.kind === 'ok') return;
      if (result.kind !== 'absent' || tries === TRIES_MAX) return this.#drop(series);
      await this.#options.clock.sleep(backoffMs(tries, TRY_PAUSE, this.#options.random));
    }
  }

  #create(series: Series<Said>): Promise<KubeResult<unknown>> {
    const object = eventObject(series, { instance: this.#options.instance, wallMs: this.#options.clock.nowMs() });
    return this.#options.client.create(resources.events, object);
  }

  #raise({ said, name, count }: Series<Said>): Promise<KubeResult<unknown>> {
    const patch = { series: { count, lastObservedTime: microTime(this.#options.clock.nowMs()) } };
    return this.#options.client.mergePatch(resources.events, { namespace: namespaceOf(said.subject), name }, patch);
  }

  #drop(series: Series<Said>): void {
    this.#dropped++;
    this.#series.forget(series);
  }

  /** The object's name and something that no other Event has. */
  #nameFor({ metadata }: EventSubject): string {
    const start = metadata.name.slice(0, 200).replace(/[^a-z0-9]+$/, '');
    const chance = Math.floor(this.#options.random.next() * 2 ** 48).toString(16);
    return `${start}.${this.#options.clock.nowMs().toString(16).split('.')[0]}${chance.padStart(12, '0')}`;
  }
}

function eventObject(
  { said, name }: Series<Said>,
  { instance, wallMs }: { readonly instance: string; readonly wallMs: number },
): AppliedObject {
  const { subject, event } = said;
  const { apiVersion, kind, metadata } = subject;
  return {
    apiVersion: resources.events.apiVersion,
    kind: resources.events.kind,
    metadata: { name, namespace: namespaceOf(subject) },
    eventTime: microTime(wallMs),
    type: event.type,
    reason: event.reason,
    action: event.action ?? event.reason,
    note: event.message,
    regarding: { apiVersion, kind, name: metadata.name, namespace: metadata.namespace, uid: metadata.uid },
    reportingController: REPORTER,
    reportingInstance: instance,
  };
}

/** Events about what has no namespace lie in `default`, as the API server wants it. */
function namespaceOf({ metadata }: EventSubject): string {
  return metadata.namespace ?? 'default';
}

/** V3. Cut between characters, never inside one. */
function shortened(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text);
  if (bytes.byteLength <= bytesMax) return text;
  const ellipsis = '…';
  const decoder = new TextDecoder('utf-8');
  const kept = decoder.decode(bytes.subarray(0, bytesMax - Buffer.byteLength(ellipsis)), { stream: true });
  return kept + ellipsis;
}
