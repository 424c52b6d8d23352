// Kubernetes Events: the story of a job as `kubectl describe` tells it.
//
//   V1. Recording never throws, never waits, and holds up nobody: what is too much is dropped and counted.
//   V2. The same said again within the window raises the count of one Event instead of making another.
//   V3. A message has at most 1 kB.

import { createHash } from 'node:crypto';
import type { Clock } from '../../runtime/base/clock.ts';
import type { KubeClient } from './kube-client.ts';
import {
  EVENT_BURST,
  EVENT_MESSAGE_BYTES_MAX,
  EVENT_QUEUE_MAX,
  EVENT_REFILL_MS,
  EVENT_SERIES_MAX,
  EVENT_UPDATE_MS,
  EVENT_WINDOW_MS,
} from './kube-limits.ts';
import type { ObjectMeta } from './kube-object.ts';
import { resources } from './resource.ts';

export type EventSubject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'uid'>;
};

export type RecordedEvent = {
  readonly type: 'Normal' | 'Warning';
  /** One word, of lifecycle/decision.ts. */
  readonly reason: string;
  /** A sentence: what happened, and what to do next. */
  readonly message: string;
  /** What the operator was doing, in UpperCamelCase; default: the reason. */
  readonly action?: string;
};

export type EventRecorderOptions = {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly reporter: string;
  readonly instance: string;
};

type Series = {
  readonly name: string;
  readonly subject: EventSubject;
  readonly event: RecordedEvent;
  readonly firstMs: number;
  lastMs: number;
  count: number;
  writtenMs: number;
  /** It changed since it was written. */
  isDue: boolean;
};

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #series = new Map<string, Series>();
  readonly #due: Series[] = [];
  readonly #budgets = new Map<string, { left: number; atMs: number }>();
  #dropped = 0;
  #sending: Promise<void> | null = null;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(subject: EventSubject, event: RecordedEvent): void {
    const nowMs = this.#options.clock.monotonicMs();
    const key = [subject.metadata.uid, event.type, event.reason, event.message].join('\n');
    const known = this.#series.get(key);
    if (known !== undefined && nowMs - known.lastMs < EVENT_WINDOW_MS) return this.#again(known, nowMs);
    if (!this.#mayTell(subject.metadata.uid, nowMs) || this.#due.length >= EVENT_QUEUE_MAX) {
      this.#dropped++;
      return;
    }
    const name = `${subject.metadata.name.slice(0, 200)}.${hash(`${key}\n${this.#options.clock.nowMs()}`)}`;
    const series: Series = {
      name,
      subject,
      event,
      firstMs: this.#options.clock.nowMs(),
      lastMs: nowMs,
      count: 1,
      writtenMs: nowMs,
      isDue: true,
    };
    this.#series.set(key, series);
    const [oldest] = this.#series.keys();
    if (this.#series.size > EVENT_SERIES_MAX && oldest !== undefined) this.#series.delete(oldest);
    this.#send(series);
  }

  /** Resolves when all that was recorded is sent or dropped. */
  async flush(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
  }

  dropped(): number {
    return this.#dropped;
  }

  /** V2. */
  #again(series: Series, nowMs: number): void {
    series.count++;
    series.lastMs = nowMs;
    if (series.isDue || nowMs - series.writtenMs < EVENT_UPDATE_MS) return;
    series.isDue = true;
    series.writtenMs = nowMs;
    this.#send(series);
  }

  /** A burst, then one now and then, for each object. */
  #mayTell(uid: string, nowMs: number): boolean {
    const budget = this.#budgets.get(uid) ?? { left: EVENT_BURST, atMs: nowMs };
    const refill = Math.floor((nowMs - budget.atMs) / EVENT_REFILL_MS);
    const left = Math.min(EVENT_BURST, budget.left + refill);
    this.#budgets.delete(uid);
    this.#budgets.set(uid, { left: Math.max(0, left - 1), atMs: refill > 0 ? nowMs : budget.atMs });
    const [oldest] = this.#budgets.keys();
    if (this.#budgets.size > EVENT_SERIES_MAX && oldest !== undefined) this.#budgets.delete(oldest);
    return left > 0;
  }

  #send(series: Series): void {
    this.#due.push(series);
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = null));
  }

  async #sendAll(): Promise<void> {
    for (let series = this.#due.shift(); series !== undefined; series = this.#due.shift()) {
      series.isDue = false;
      const answer = await this.#options.client.apply(resources.events, this.#object(series));
      if (answer.kind !== 'ok') this.#dropped++;
    }
  }

  #object({ name, subject, event, firstMs, count }: Series): Parameters<KubeClient['apply']>[1] {
    const { reporter, instance, clock } = this.#options;
    const { apiVersion, kind, metadata } = subject;
    return {
      apiVersion: resources.events.apiVersion,
      kind: resources.events.kind,
      metadata: { name, namespace: metadata.namespace ?? 'default' },
      eventTime: microTime(firstMs),
      type: event.type,
      reason: event.reason,
      action: event.action ?? event.reason,
      note: shortened(event.message),
      regarding: { apiVersion, kind, name: metadata.name, namespace: metadata.namespace ?? 'default', uid: metadata.uid },
      reportingController: reporter,
      reportingInstance: instance.slice(0, 128),
      ...(count > 1 ? { series: { count, lastObservedTime: microTime(clock.nowMs()) } } : {}),
    };
  }
}

/** V3. */
function shortened(message: string): string {
  if (Buffer.byteLength(message) <= EVENT_MESSAGE_BYTES_MAX) return message;
  let text = message.slice(0, EVENT_MESSAGE_BYTES_MAX - 3);
  while (Buffer.byteLength(text) > EVENT_MESSAGE_BYTES_MAX - 3) text = text.slice(0, -16);
  return `${text}…`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Kubernetes' MicroTime. */
function microTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}
