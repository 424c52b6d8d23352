import { describe, expect, test } from 'vitest';
import { BucketHistogram } from './bucket-histogram.ts';
import { MetricSet, SERIES_MAX } from './metric-set.ts';

const job = 'shop_orders';

describe('the two text forms', () => {
  const metrics = new MetricSet();
  metrics.add('millrace_worker_cpu_seconds', { job }, 2.5);
  metrics.add('millrace_worker_revision', { job }, 3);
  test('OpenMetrics names the family, and the sample with its suffix', () =>
    expect(metrics.text('openmetrics')).toBe(`# TYPE millrace_worker_cpu_seconds counter
# UNIT millrace_worker_cpu_seconds seconds
# HELP millrace_worker_cpu_seconds Processor time of this process.
millrace_worker_cpu_seconds_total{job="shop_orders"} 2.5
# TYPE millrace_worker_revision gauge
# HELP millrace_worker_revision Revision of the job that runs here.
millrace_worker_revision{job="shop_orders"} 3
# EOF
`));
  test('the format of Prometheus has one name for both', () =>
    expect(metrics.text('prometheus')).toBe(`# TYPE millrace_worker_cpu_seconds_total counter
# HELP millrace_worker_cpu_seconds_total Processor time of this process.
millrace_worker_cpu_seconds_total{job="shop_orders"} 2.5
# TYPE millrace_worker_revision gauge
# HELP millrace_worker_revision Revision of the job that runs here.
millrace_worker_revision{job="shop_orders"} 3
`));
  test('nothing is told of what is no number, or not known', () => {
    const unknown = new MetricSet();
    unknown.add('millrace_worker_revision', { job }, NaN);
    unknown.add('millrace_worker_revision', { job }, null);
    expect(unknown.text('openmetrics')).toBe('# EOF\n');
  });
});

describe('a histogram', () => {
  const histogram = new BucketHistogram([0.1, 1]);
  histogram.add(0.1);
  histogram.add(0.5, { traceId: '0af7651916cd43dd8448eb211c80319c', atMs: 1_520_879_607_789 });
  histogram.add(7);
  const metrics = new MetricSet();
  metrics.add('millrace_operator_kube_request_duration_seconds', { verb: 'get' }, histogram);
  const lines = (form: 'openmetrics' | 'prometheus'): readonly string[] =>
    metrics
      .text(form)
      .split('\n')
      .filter((line) => line.startsWith('millrace'));
  test('counts each bucket with those below, and a value at a bound into that bucket', () =>
    expect(lines('prometheus')).toEqual([
      'millrace_operator_kube_request_duration_seconds_bucket{verb="get",le="0.1"} 1',
      'millrace_operator_kube_request_duration_seconds_bucket{verb="get",le="1"} 2',
      'millrace_operator_kube_request_duration_seconds_bucket{verb="get",le="+Inf"} 3',
      'millrace_operator_kube_request_duration_seconds_sum{verb="get"} 7.6',
      'millrace_operator_kube_request_duration_seconds_count{verb="get"} 3',
    ]));
  test('names a trace of a bucket, for who asks for OpenMetrics', () =>
    expect(lines('openmetrics')[1]).toBe(
      'millrace_operator_kube_request_duration_seconds_bucket{verb="get",le="1"} 2 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.5 1520879607.789',
    ));
});

describe('what is told by others', () => {
  test('cannot leave its label', () => {
    const metrics = new MetricSet();
    metrics.add('millrace_worker_revision', { job: 'a"} 1\nmillrace_evil{x="\\' }, 1);
    expect(metrics.text('prometheus').split('\n')).toContain('millrace_worker_revision{job="a\\"} 1\\nmillrace_evil{x=\\"\\\\"} 1');
  });
  test('a million values of a label are a bounded number of series', () => {
    const metrics = new MetricSet();
    for (let value = 0; value < 1_000_000; value++) metrics.add('millrace_job_workers', { job: `job-${value}`, pool: 'default' }, value);
    const text = metrics.text('prometheus');
    expect(text.split('\n').filter((line) => line.startsWith('millrace_job_workers')).length).toBe(SERIES_MAX);
    expect(metrics.leftOut).toBe(1_000_000 - SERIES_MAX);
    expect(text).toContain(`# ${1_000_000 - SERIES_MAX} series left out`);
  });
});
