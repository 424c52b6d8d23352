// What is answered to a scrape: the form that was asked for, written once a second however often somebody asks.

import type { Clock } from '../base/clock.ts';
import type { MetricSet, TextForm } from './metric-set.ts';

export type Page = { readonly type: string; readonly body: string };

const FRESH_MS = 1_000;

const types: Readonly<Record<TextForm, string>> = {
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
};

export class MetricsPage {
  readonly #collect: () => MetricSet;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #set: { readonly metrics: MetricSet; readonly atMs: number } | null = null;
  readonly #texts = new Map<TextForm, string>();

  constructor(collect: () => MetricSet, clock: Pick<Clock, 'monotonicMs'>) {
    this.#collect = collect;
    this.#clock = clock;
  }

  /** `accept`: the header of the request. */
  answer(accept: string | undefined): Page {
    const form = formFor(accept ?? '');
    const nowMs = this.#clock.monotonicMs();
    if (this.#set === null || nowMs - this.#set.atMs >= FRESH_MS) {
      this.#set = { metrics: this.#collect(), atMs: nowMs };
      this.#texts.clear();
    }
    const body = this.#texts.get(form) ?? this.#set.metrics.text(form);
    this.#texts.set(form, body);
    return { type: types[form], body };
  }
}

/** OpenMetrics only for who asks for it, and not less than for plain text (RFC 9110, 12.5.1). */
export function formFor(accept: string): TextForm {
  const wanted = (type: string): number =>
    Math.max(
      0,
      ...accept.split(',').map((range) => {
        const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
        if (name !== type) return 0;
        const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
        return quality === undefined ? 1 : Number(quality) || 0;
      }),
    );
  const openmetrics = wanted('application/openmetrics-text');
  return openmetrics > 0 && openmetrics >= wanted('text/plain') ? 'openmetrics' : 'prometheus';
}
