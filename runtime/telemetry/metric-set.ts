// Metrics at one moment, and their two text forms: OpenMetrics 1.0 and the Prometheus text format 0.0.4. Pure.
//
//   M1. Only what the catalogue has, with the labels that it says: else it does not compile.
//   M2. A metric has at most SERIES_MAX series: more are left out, and counted, so nothing that a job or its status says fills memory
//       here or at whoever scrapes.
//   M3. What is no number is not told.

import type { BucketHistogram, Exemplar } from './bucket-histogram.ts';
import { metricCatalogue, unitOf, type LabelsOf, type MetricName } from './metric-catalogue.ts';

export type TextForm = 'openmetrics' | 'prometheus';

/** 100 jobs with 100 stages each. */
export const SERIES_MAX = 10_000;

type Series = { readonly labels: Readonly<Record<string, string>>; readonly value: number | BucketHistogram };

export class MetricSet {
  leftOut = 0;
  readonly #families = new Map<MetricName, Series[]>();

  add<N extends MetricName>(name: N, labels: LabelsOf<N>, value: number | BucketHistogram | null): void {
    if (value === null || Number.isNaN(value)) return;
    const family = this.#families.get(name);
    if (family === undefined) this.#families.set(name, [{ labels, value }]);
    else if (family.length < SERIES_MAX) family.push({ labels, value });
    else this.leftOut++;
  }

  text(form: TextForm): string {
    const families = [...this.#families].map(([name, series]) => familyText(name, series, form));
    const leftOut = this.leftOut === 0 ? '' : `# ${this.leftOut} series left out: a metric has at most ${SERIES_MAX}\n`;
    return `${families.join('')}${form === 'openmetrics' ? '# EOF\n' : leftOut}`;
  }
}

function familyText(name: MetricName, series: readonly Series[], form: TextForm): string {
  const { type, help } = metricCatalogue[name];
  const counted = type === 'counter' ? `${name}_total` : name;
  const title = form === 'openmetrics' ? name : counted;
  const unit = form === 'openmetrics' ? unitOf(name) : null;
  const head = [`# TYPE ${title} ${type}`, ...(unit === null ? [] : [`# UNIT ${title} ${unit}`]), `# HELP ${title} ${escaped(help)}`];
  const lines = series.flatMap(({ labels, value }) =>
    typeof value === 'number' ? [`${counted}${labelText(labels)} ${numberText(value)}`] : histogramLines(name, labels, value, form),
  );
  return `${[...head, ...lines].join('\n')}\n`;
}

function histogramLines(name: string, labels: Series['labels'], histogram: BucketHistogram, form: TextForm): readonly string[] {
  const buckets = histogram.cumulative();
  return [
    ...buckets.map(({ upTo, count, exemplar }) => {
      const line = `${name}_bucket${labelText({ ...labels, le: numberText(upTo) })} ${count}`;
      return exemplar === null || form === 'prometheus' ? line : `${line} ${exemplarText(exemplar)}`;
    }),
    `${name}_sum${labelText(labels)} ${numberText(histogram.sum)}`,
    `${name}_count${labelText(labels)} ${buckets.at(-1)?.count ?? 0}`,
  ];
}

function exemplarText({ traceId, value, atMs }: Exemplar): string {
  return `# ${labelText({ trace_id: traceId })} ${numberText(value)} ${numberText(atMs / 1_000)}`;
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
