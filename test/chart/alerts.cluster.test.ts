// Alerts and dashboards, checked by Prometheus' own promtool: each alert fires when it must and not before.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { BucketHistogram } from '../../runtime/telemetry/bucket-histogram.ts';
import { metricCatalogue, type MetricName } from '../../runtime/telemetry/metric-catalogue.ts';
import { MetricSet } from '../../runtime/telemetry/metric-set.ts';
import { tryRun } from '../cluster/program-run.ts';
import { findClusterPrograms } from '../support/cluster-programs.ts';
import { chartFolder } from './helm.ts';

type Rule = { readonly alert: string; readonly expr: string; readonly for?: string; readonly labels: Readonly<Record<string, string>> };
type Group = { readonly name: string; readonly rules: readonly Rule[] };

const read = (name: string): Promise<string> => readFile(join(chartFolder, 'files', name), 'utf8');
let promtool: string;
let folder: string;
let groups: readonly Group[];
beforeAll(async () => {
  [promtool, folder] = [(await findClusterPrograms(['promtool'])).promtool, await mkdtemp(join(tmpdir(), 'millrace-alerts-'))];
  groups = parse(await read('alerts.yaml')) as readonly Group[];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Series as promtool draws them, a value a minute: `1x4 0x5` is 1 in minutes 0 to 4, then 0 in 5 to 10. `fires`: minutes at which it does. */
const played: readonly {
  readonly alert: string;
  readonly series: Readonly<Record<string, string>>;
  readonly fires: readonly number[];
  readonly silent: readonly number[];
  readonly labels?: Readonly<Record<string, string>>;
}[] = [
  {
    alert: 'MillraceConservationBroken',
    series: { 'millrace_job_condition{job="a_b",condition="ConservationOK"}': '1x4 0x5 1x5' },
    fires: [5, 10],
    silent: [4, 11],
    labels: { job: 'a_b', condition: 'ConservationOK' },
  },
  {
    alert: 'MillraceJobStalled',
    series: { 'millrace_job_condition{job="a_b",condition="Stalled"}': '0x4 1x10' },
    fires: [6],
    silent: [4, 5],
    labels: { job: 'a_b', condition: 'Stalled' },
  },
  {
    alert: 'MillraceJobNotReady',
    series: {
      'millrace_job_condition{job="slow",condition="Ready"}': '1x4 0x30',
      'millrace_job_condition{job="slow",condition="Stalled"}': '0x34',
      'millrace_job_condition{job="stalled",condition="Ready"}': '0x34',
      'millrace_job_condition{job="stalled",condition="Stalled"}': '1x34',
    },
    fires: [15, 30],
    silent: [14],
    labels: { job: 'slow', condition: 'Ready' },
  },
  {
    alert: 'MillraceDurabilityUnknown',
    series: {
      'millrace_job_condition{job="a_b",condition="Ready"}': '1x40',
      'millrace_job_condition{job="a_b",condition="DurabilityDegraded"}': '0x4 stale _x19 0x15',
      'millrace_job_condition{job="told",condition="Ready"}': '1x40',
      'millrace_job_condition{job="told",condition="DurabilityDegraded"}': '1x40',
      // NATS is away: another alert says so.
      'millrace_job_condition{job="away",condition="Ready"}': '_x40',
    },
    fires: [20, 24],
    silent: [4, 19, 30],
    labels: { job: 'a_b', condition: 'Ready' },
  },
  {
    alert: 'MillracePartitionsUnowned',
    series: {
      'millrace_job_unowned_partitions{job="a_b",stage="s",pool="default"}': '2x20',
      'millrace_job_workers{job="a_b",pool="default"}': '1x20',
      // A pool that sleeps leaves its partitions alone, whatever the others have.
      'millrace_job_unowned_partitions{job="a_b",stage="t",pool="asleep"}': '2x20',
      'millrace_job_workers{job="a_b",pool="asleep"}': '0x20',
      'millrace_job_unowned_partitions{job="zero",stage="s",pool="default"}': '2x20',
      'millrace_job_workers{job="zero",pool="default"}': '0x20',
    },
    fires: [5],
    silent: [4],
    labels: { job: 'a_b', stage: 's', pool: 'default' },
  },
  {
    alert: 'MillraceLagGrows',
    series: {
      'millrace_job_lag_events{job="a_b",stage="grows",pool="default"}': '2000+100x60',
      'millrace_job_lag_events{job="a_b",stage="shrinks",pool="default"}': '90000-100x60',
      'millrace_job_lag_events{job="a_b",stage="small",pool="default"}': '0+1x60',
    },
    fires: [30],
    silent: [9],
    labels: { job: 'a_b', stage: 'grows', pool: 'default' },
  },
  {
    alert: 'MillraceWatermarkStuck',
    series: {
      'millrace_job_watermark_timestamp_seconds{job="a_b",stage="stuck"}': '1000x60',
      'millrace_job_lag_events{job="a_b",stage="stuck",pool="default"}': '5x60',
      'millrace_job_watermark_timestamp_seconds{job="a_b",stage="idle"}': '1000x60',
      'millrace_job_lag_events{job="a_b",stage="idle",pool="default"}': '0x60',
      'millrace_job_watermark_timestamp_seconds{job="a_b",stage="moves"}': '1000+60x60',
      'millrace_job_lag_events{job="a_b",stage="moves",pool="default"}': '5x60',
    },
    fires: [20, 40],
    silent: [4],
    labels: { job: 'a_b', stage: 'stuck' },
  },
  {
    alert: 'MillraceSourceStalled',
    series: {
      'millrace_stage_stalled_splits{job="a_b",stage="stalled",pod="p-1"}': '1x10',
      'millrace_stage_stalled_splits{job="a_b",stage="stalled",pod="p-2"}': '1x10',
      'millrace_stage_stalled_splits{job="a_b",stage="mended",pod="p-1"}': '1 stale',
    },
    fires: [3, 8],
    silent: [0],
    labels: { job: 'a_b', stage: 'stalled' },
  },
  {
    alert: 'MillraceDeadLetters',
    series: {
      'millrace_stage_dead_letters_total{job="a_b",stage="s",pod="1"}': '0x9 3x40',
      'millrace_stage_dead_letters_total{job="a_b",stage="fine",pod="1"}': '7x50',
    },
    fires: [11],
    silent: [9, 30],
    labels: { job: 'a_b', stage: 's' },
  },
  {
    alert: 'MillraceFenceStorm',
    series: {
      'millrace_stage_fenced_total{job="a_b",stage="s",pod="1"}': '0+10x60',
      'millrace_stage_fenced_total{job="calm",stage="s",pod="1"}': '0+1x60',
    },
    fires: [20],
    silent: [4],
    labels: { job: 'a_b' },
  },
  {
    alert: 'MillraceDurabilityDegraded',
    series: { 'millrace_job_condition{job="a_b",condition="DurabilityDegraded"}': '1x30' },
    fires: [5],
    silent: [4],
    labels: { job: 'a_b', condition: 'DurabilityDegraded' },
  },
  { alert: 'MillraceNobodyLeads', series: { 'millrace_operator_leader{pod="a"}': '1x4 0x20' }, fires: [7], silent: [4, 6] },
  {
    alert: 'MillraceNatsUnreachable',
    series: { 'millrace_operator_nats_connected{pod="a"}': '1x4 0x20' },
    fires: [7],
    silent: [4, 6],
    labels: { pod: 'a' },
  },
  {
    alert: 'MillraceReconcileErrors',
    series: {
      'millrace_operator_reconciles_total{queue="jobs",outcome="failed"}': '0+60x60',
      'millrace_operator_reconciles_total{queue="jobs",outcome="again"}': '0+600x60',
    },
    fires: [30],
    silent: [14],
    labels: { queue: 'jobs' },
  },
  {
    alert: 'MillraceQueueGrows',
    series: {
      'millrace_operator_queue_longest_wait_seconds{queue="jobs"}': '40x60',
      'millrace_operator_queue_longest_wait_seconds{queue="savepoints"}': '1x60',
    },
    fires: [20],
    silent: [4],
    labels: { queue: 'jobs' },
  },
];

test('the rules are valid, and so are their texts', async () => {
  await writeFile(join(folder, 'rules.yaml'), `groups:\n${await read('alerts.yaml')}`);
  await expectSuccess(['check', 'rules', '--lint-fatal', join(folder, 'rules.yaml')]);
});

describe('alerts', () => {
  test('each is played', () => {
    const names = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    expect(played.map(({ alert }) => alert).toSorted()).toEqual(names.toSorted());
  });

  test.each(played)('$alert fires when it must, and only then', async ({ alert, series, fires, silent, labels = {} }) => {
    // Without texts: promtool compares them too, and they are for people.
    const bare = groups.map(({ name, rules }) => ({
      name,
      rules: rules.map(({ alert: known, expr, for: lasts, labels: own }) => ({ alert: known, expr, for: lasts ?? '0s', labels: own })),
    }));
    const severity = groups.flatMap(({ rules }) => rules).find((rule) => rule.alert === alert)?.labels['severity'];
    const at = (minute: number, exp_alerts: readonly object[]): object => ({ eval_time: `${minute}m`, alertname: alert, exp_alerts });
    const rules = join(folder, `${alert}-rules.yaml`);
    await writeFile(rules, stringify({ groups: bare }));
    const file = join(folder, `${alert}-test.yaml`);
    const one = {
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      alert_rule_test: [
        ...fires.map((minute) => at(minute, [{ exp_labels: { severity, ...labels } }])),
        ...silent.map((minute) => at(minute, [])),
      ],
    };
    await writeFile(file, stringify({ rule_files: [rules], evaluation_interval: '1m', tests: [one] }));
    await expectSuccess(['test', 'rules', file]);
  });
});

test.each(['dashboard-job.json', 'dashboard-operator.json'])('every query of %s is valid', async (name) => {
  const { panels } = JSON.parse(await read(name)) as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
  };
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  expect(queries.length).toBeGreaterThan(10);
  const rules = queries.map((expr, index) => ({
    record: `query:${index}`,
    expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'a_b'),
  }));
  const file = join(folder, `${name}-queries.yaml`);
  await writeFile(file, stringify({ groups: [{ name, rules }] }));
  await expectSuccess(['check', 'rules', file]);
});

test('what is written for a scrape is what Prometheus reads, each metric of the catalogue', async () => {
  const metrics = new MetricSet();
  const histogram = new BucketHistogram([0.1, 1]);
  histogram.add(0.5);
  for (const name of Object.keys(metricCatalogue) as MetricName[]) {
    const { type, labels } = metricCatalogue[name];
    const told = Object.fromEntries(labels.map((label) => [label, `a "${label}" \\ of\nmany`]));
    metrics.add(name, told as never, type === 'histogram' ? histogram : 1.5);
  }
  const ended = await tryRun(promtool, ['check', 'metrics'], { timeoutMs: 180_000, input: metrics.text('prometheus') });
  expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
});

async function expectSuccess(args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await tryRun(promtool, args, { timeoutMs: 180_000 });
  expect(code, stdout + stderr).toBe(0);
}
