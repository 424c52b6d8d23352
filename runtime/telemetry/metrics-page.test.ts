import { describe, expect, test } from 'vitest';
import { MetricSet } from './metric-set.ts';
import { formFor, MetricsPage } from './metrics-page.ts';

describe('the form', () => {
  const prometheus3 =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
  test.each([
    { fact: 'is OpenMetrics for Prometheus', accept: prometheus3, form: 'openmetrics' },
    { fact: 'is that of Prometheus for who asks for nothing', accept: '', form: 'prometheus' },
    { fact: 'is that of Prometheus for who takes anything', accept: '*/*', form: 'prometheus' },
    { fact: 'is OpenMetrics when nothing is said against it', accept: 'text/plain, application/openmetrics-text', form: 'openmetrics' },
    { fact: 'is text for who likes it better', accept: 'application/openmetrics-text;q=0.3,text/plain;q=0.5', form: 'prometheus' },
    { fact: 'is not what is refused', accept: 'application/openmetrics-text;q=0', form: 'prometheus' },
    { fact: 'is that of Prometheus for what makes no sense', accept: ';;q=x,application/openmetrics-text;q=y', form: 'prometheus' },
  ])('$fact', ({ accept, form }) => expect(formFor(accept)).toBe(form));
});

test('a thousand scrapes in a second are collected and written once', () => {
  let [nowMs, collected, written] = [0, 0, 0];
  class Counting extends MetricSet {
    override text(form: 'openmetrics' | 'prometheus'): string {
      written++;
      return super.text(form);
    }
  }
  const page = new MetricsPage(
    () => {
      collected++;
      const metrics = new Counting();
      metrics.add('millrace_operator_leader', {}, collected);
      return metrics;
    },
    { monotonicMs: () => nowMs },
  );
  const bodies = new Set<string>();
  for (let scrape = 0; scrape < 1_000; scrape++, nowMs += 0.9) bodies.add(page.answer('text/plain').body);
  expect({ collected, written, bodies: bodies.size }).toEqual({ collected: 1, written: 1, bodies: 1 });
  nowMs += 1_000;
  expect(page.answer('application/openmetrics-text')).toEqual({
    type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    body: expect.stringContaining('millrace_operator_leader 2\n') as string,
  });
  expect(page.answer(undefined)).toEqual({
    type: 'text/plain; version=0.0.4; charset=utf-8',
    body: expect.stringContaining('millrace_operator_leader 2\n') as string,
  });
  expect({ collected, written }).toEqual({ collected: 2, written: 3 });
});
