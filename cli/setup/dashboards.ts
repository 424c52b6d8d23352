// The Grafana dashboards of the chart, made from what they show: one of a job, one of the operator.
import type { MetricName } from '../../runtime/telemetry/metric-catalogue.ts';

type Unit = 'short' | 's' | 'bytes' | 'percentunit' | 'ops' | 'eps' | 'reqps' | 'bool_yes_no' | 'Bps';
type Query = { readonly expr: string; readonly legend: string };
type Panel = { readonly title: string; readonly unit: Unit; readonly about: string; readonly queries: readonly Query[] };
type Dashboard = { readonly uid: string; readonly title: string; readonly hasJob: boolean; readonly panels: readonly Panel[] };

const COLUMNS = 3;
const [WIDTH, HEIGHT] = [8, 8];
const RATE = '$__rate_interval';
const OF = '{job=~"$job"}';

const panel = (title: string, unit: Unit, about: string, ...queries: readonly (readonly [expr: string, legend: string])[]): Panel => ({
  title,
  unit,
  about,
  queries: queries.map(([expr, legend]) => ({ expr, legend })),
});
/** A second, of each stage. */
const rate = (counter: MetricName): string => `sum by (stage) (rate(${counter}_total${OF}[${RATE}]))`;
const quantile = (share: number, histogram: MetricName): string =>
  `histogram_quantile(${share}, sum by (stage, le) (rate(${histogram}_bucket${OF}[${RATE}])))`;
const STAGE = '{{stage}}';

const jobDashboard: Dashboard = {
  uid: 'millrace-job',
  title: 'Millrace job',
  hasJob: true,
  panels: [
    panel('Conditions', 'bool_yes_no', 'As in the status of the StreamJob.', [
      `max by (condition) (millrace_job_condition${OF})`,
      '{{condition}}',
    ]),
    panel(
      'Workers',
      'short',
      'Worker pods of each pool: asked for, there, and ready.',
      [`sum by (pool) (millrace_job_wanted_workers${OF})`, '{{pool}} wanted'],
      [`sum by (pool) (millrace_job_workers${OF})`, '{{pool}} there'],
      [`sum by (pool) (millrace_job_ready_workers${OF})`, '{{pool}} ready'],
    ),
    panel('Partitions without an owner', 'short', 'Nobody runs them now.', [
      `sum by (stage) (millrace_job_unowned_partitions${OF})`,
      STAGE,
    ]),
    panel('Events in', 'eps', 'Taken in by each stage.', [rate('millrace_stage_input_events'), STAGE]),
    panel('Events out', 'eps', 'Given out by each stage; of sinks, results written.', [rate('millrace_stage_output_events'), STAGE]),
    panel('Lag, events', 'short', 'In the streams of sources, or given out before a stage, and not taken in yet.', [
      `sum by (stage) (millrace_job_lag_events${OF})`,
      STAGE,
    ]),
    panel('Lag, seconds', 's', 'How long what waits takes at the rate at which it is taken in now.', [
      `max by (stage) (millrace_job_lag_seconds${OF})`,
      STAGE,
    ]),
    panel('Lag of pools, events', 'short', 'Of all stages that a pool runs.', [`sum by (pool) (millrace_job_lag_events${OF})`, '{{pool}}']),
    panel('Watermark lag', 's', 'How far event time is behind the clock.', [
      `max by (stage) (millrace_job_watermark_lag_seconds${OF})`,
      STAGE,
    ]),
    panel(
      'Filtered, late, dead',
      'eps',
      'What does not go on.',
      [rate('millrace_stage_filtered_events'), '{{stage}} filtered'],
      [rate('millrace_stage_late_events'), '{{stage}} late'],
      [rate('millrace_stage_dead_letters'), '{{stage}} dead'],
    ),
    panel('Time of workers', 'percentunit', 'Share of the time that they are busy, blocked by commits or sinks, or idle.', [
      `sum by (activity) (rate(millrace_worker_time_seconds_total${OF}[${RATE}])) / ignoring (activity) group_left sum(rate(millrace_worker_time_seconds_total${OF}[${RATE}]))`,
      '{{activity}}',
    ]),
    panel(
      'Commit',
      's',
      'From sending a record until it is stored. Exemplars lead to traces.',
      [quantile(0.5, 'millrace_stage_commit_duration_seconds'), '{{stage}} p50'],
      [quantile(0.99, 'millrace_stage_commit_duration_seconds'), '{{stage}} p99'],
    ),
    panel(
      'End to end',
      's',
      'From reading an event until its result is visible. Exemplars lead to traces.',
      [quantile(0.5, 'millrace_stage_end_to_end_duration_seconds'), '{{stage}} p50'],
      [quantile(0.99, 'millrace_stage_end_to_end_duration_seconds'), '{{stage}} p99'],
    ),
    panel('Batch size', 'short', 'Events that a step takes in, mean.', [
      `sum by (stage) (rate(millrace_stage_step_events_sum${OF}[${RATE}])) / sum by (stage) (rate(millrace_stage_step_events_count${OF}[${RATE}]))`,
      STAGE,
    ]),
    panel('Bytes committed', 'Bps', 'Of commit records.', [rate('millrace_stage_commit_bytes'), STAGE]),
    panel('State', 'bytes', 'Held by all partitions.', [`sum by (stage) (millrace_stage_state_bytes${OF})`, STAGE]),
    panel('Checkpoint age', 's', 'Since the state was stored whole, of the partition where that is longest ago.', [
      `max by (stage) (millrace_stage_checkpoint_age_seconds${OF})`,
      STAGE,
    ]),
    panel(
      'Recoveries and fences',
      'ops',
      'Partitions taken over; tasks that found another owner.',
      [rate('millrace_stage_recoveries'), '{{stage}} taken over'],
      [rate('millrace_stage_fenced'), '{{stage}} fenced'],
    ),
    panel('Restore', 's', 'From claiming a partition until its state is there, p99.', [
      quantile(0.99, 'millrace_stage_restore_duration_seconds'),
      STAGE,
    ]),
    panel('Memory of workers', 'bytes', 'Resident.', [`millrace_worker_memory_bytes${OF}`, '{{pod}}']),
  ],
};

const operatorDashboard: Dashboard = {
  uid: 'millrace-operator',
  title: 'Millrace operator',
  hasJob: false,
  panels: [
    panel('Jobs by phase', 'short', 'StreamJobs.', ['sum by (phase) (millrace_jobs)', '{{phase}}']),
    panel('Not as they should be', 'short', 'Jobs that are not ready, or of which events are unaccounted for.', [
      'count by (condition) (millrace_job_condition{condition=~"Ready|ConservationOK"} == 0)',
      '{{condition}}',
    ]),
    panel('Leader', 'bool_yes_no', 'Which process leads.', ['millrace_operator_leader', '{{pod}}']),
    panel('Rounds', 'ops', 'How they ended.', [
      `sum by (queue, outcome) (rate(millrace_operator_reconciles_total[${RATE}]))`,
      '{{queue}} {{outcome}}',
    ]),
    panel('Time of a round, p99', 's', 'From beginning to end.', [
      `histogram_quantile(0.99, sum by (queue, le) (rate(millrace_operator_reconcile_duration_seconds_bucket[${RATE}])))`,
      '{{queue}}',
    ]),
    panel('Queue', 'short', 'Objects that wait.', ['sum by (queue) (millrace_operator_queue_depth)', '{{queue}}']),
    panel('Longest wait', 's', 'Of what waits.', ['max by (queue) (millrace_operator_queue_longest_wait_seconds)', '{{queue}}']),
    panel('Calls of the API server', 'reqps', 'By verb and how they ended.', [
      `sum by (verb, outcome) (rate(millrace_operator_kube_requests_total[${RATE}]))`,
      '{{verb}} {{outcome}}',
    ]),
    panel('Time of a call, p99', 's', 'By verb.', [
      `histogram_quantile(0.99, sum by (verb, le) (rate(millrace_operator_kube_request_duration_seconds_bucket[${RATE}])))`,
      '{{verb}}',
    ]),
    panel(
      'Watches',
      'ops',
      'Lists, cuts and lost places.',
      [`sum by (resource) (rate(millrace_operator_watch_lists_total[${RATE}]))`, '{{resource}} listed'],
      [`sum by (resource) (rate(millrace_operator_watch_cuts_total[${RATE}]))`, '{{resource}} cut'],
      [`sum by (resource) (rate(millrace_operator_watch_expired_total[${RATE}]))`, '{{resource}} expired'],
    ),
    panel('Memory', 'bytes', 'Resident.', ['millrace_operator_memory_bytes', '{{pod}}']),
    panel('Processor', 'percentunit', 'Share of one.', [`rate(millrace_operator_cpu_seconds_total[${RATE}])`, '{{pod}}']),
  ],
};

/** Text by path, from the folder of the repository. */
export function dashboardFiles(): Readonly<Record<string, string>> {
  return {
    'charts/millrace/files/dashboard-job.json': textOf(jobDashboard),
    'charts/millrace/files/dashboard-operator.json': textOf(operatorDashboard),
  };
}

function textOf({ uid, title, hasJob, panels }: Dashboard): string {
  const source = { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' };
  const job = {
    name: 'job',
    type: 'query',
    label: 'Job',
    datasource: { type: 'prometheus', uid: '${datasource}' },
    query: { query: 'label_values(millrace_job_condition, job)', refId: 'jobs' },
    refresh: 2,
    sort: 1,
  };
  const dashboard = {
    uid,
    title,
    tags: ['millrace'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    links: [{ title: 'Millrace', type: 'dashboards', tags: ['millrace'], asDropdown: true, includeVars: false, keepTime: true }],
    templating: { list: hasJob ? [source, job] : [source] },
    panels: panels.map(grafanaPanel),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

function grafanaPanel({ title, unit, about, queries }: Panel, place: number): object {
  return {
    id: place + 1,
    title,
    description: about,
    type: 'timeseries',
    datasource: { type: 'prometheus', uid: '${datasource}' },
    gridPos: { h: HEIGHT, w: WIDTH, x: (place % COLUMNS) * WIDTH, y: Math.floor(place / COLUMNS) * HEIGHT },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      expr,
      legendFormat: legend,
      exemplar: expr.startsWith('histogram_quantile'),
    })),
  };
}
