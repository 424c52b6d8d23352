// Every metric of workers and operator: what the exposition is made of, and docs/reference/metrics.md, and what dashboards and alerts may
// name (tests hold them to it).
//
//   C1. Names follow Prometheus: base units (seconds, bytes) at the end; `_total` of counters is added where they are written.
//   C2. A label's values come from the spec or from a list in the code. What a user's events hold never becomes a label.
//   C3. Partitions are no label: a stage is one series however wide it is.
//   C4. A counter counts since its process began, so a rate over all workers is right while tasks move between them.

export type MetricSpec = {
  readonly of: 'worker' | 'operator';
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly Label[];
  readonly help: string;
  /** Upper bounds of a histogram's buckets, ascending, without the infinite one. */
  readonly buckets?: readonly number[];
};

/** What each label says, and how many values it can have. */
export const labels = {
  job: 'Identity of the job, `<namespace>_<name>`. As many as there are StreamJobs.',
  stage: 'Planned stage, as `millrace plan` names it. At most 100 of a job are told.',
  pool: 'Pool of workers that runs the stage, `default` where the job names none. At most 16 beside it, and as many on their way out.',
  activity: '`busy`, `blocked` or `idle`.',
  state: '`claiming`, `running` or `done`.',
  phase: 'Phase of a StreamJob.',
  condition: 'Type of a condition of a StreamJob.',
  queue: '`jobs`, `savepoints`, or `users` (Secrets with credentials for applications).',
  outcome:
    'How it ended: of a round `done`, `again` or `failed`; of a call what the API server answered (`ok`, `conflict`, `not-found` …).',
  verb: '`get`, `list`, `watch`, `create`, `apply`, `replace`, `patch` or `delete`.',
  resource: 'Kind of object of the API server, in plural.',
} as const;

export type Label = keyof typeof labels;

const LATENCY_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const STEP_EVENTS = [1, 10, 100, 1_000, 10_000, 100_000];

export const metricCatalogue = {
  // ---- a worker, as a process
  millrace_worker_cpu_seconds: worker('counter', ['job'], 'Processor time of this process.'),
  millrace_worker_memory_bytes: worker('gauge', ['job'], 'Resident memory of this process.'),
  millrace_worker_revision: worker('gauge', ['job'], 'Revision of the job that runs here.'),
  millrace_worker_tasks: worker('gauge', ['job', 'state'], 'Tasks of this worker by state.'),
  millrace_worker_time_seconds: worker(
    'counter',
    ['job', 'activity'],
    'Where the time of this worker went: its event loop was busy, its slowest task was blocked by a commit or a sink, or it was idle.',
  ),
  millrace_worker_state_memory_bytes: worker(
    'gauge',
    ['job'],
    'Values of state in memory, as they are stored, where their memory is bounded (`state` of the job); absent where it is not.',
  ),
  millrace_worker_state_disk_bytes: worker('gauge', ['job'], 'What values of state beyond that take on the disk of this worker.'),
  millrace_worker_state_disk_writes: worker('counter', ['job'], 'Values of state that were put on disk.'),
  millrace_worker_state_disk_reads: worker(
    'counter',
    ['job'],
    'Values of state that were read from disk. Many beside few events: `state.memory` is too little for the keys that are in use.',
  ),
  millrace_worker_nats_connected: worker('gauge', ['job'], '1 while the connection to NATS stands.'),
  millrace_worker_nats_reconnects: worker('counter', ['job'], 'Times that the connection to NATS was made anew.'),
  millrace_worker_troubles: worker('counter', ['job'], 'Failures that were waited out or handed on: sinks that refuse, blobs that fail.'),
  millrace_worker_spans_sent: worker('counter', ['job'], 'Spans of traces that the collector took.'),
  millrace_worker_spans_dropped: worker(
    'counter',
    ['job'],
    'Spans that were dropped: no room to wait, refused, or over the budget of a trace.',
  ),

  // ---- a stage, of the partitions that this worker runs
  millrace_stage_input_events: worker('counter', ['job', 'stage'], 'Events taken in, of steps that are stored.'),
  millrace_stage_output_events: worker('counter', ['job', 'stage'], 'Events given out on all exchanges, or results written by a sink.'),
  millrace_stage_filtered_events: worker('counter', ['job', 'stage'], 'Events that a transform dropped as declared.'),
  millrace_stage_late_events: worker('counter', ['job', 'stage'], 'Events whose turn was over.'),
  millrace_stage_dead_letters: worker('counter', ['job', 'stage'], 'Events that could not be processed.'),
  millrace_stage_commit_duration_seconds: worker(
    'histogram',
    ['job', 'stage'],
    'From sending a commit record until it is stored; the count is that of commits.',
    LATENCY_S,
  ),
  millrace_stage_commit_bytes: worker('counter', ['job', 'stage'], 'Bytes of commit records stored.'),
  millrace_stage_step_events: worker('histogram', ['job', 'stage'], 'Events that one step took in: the batch size.', STEP_EVENTS),
  millrace_stage_end_to_end_duration_seconds: worker(
    'histogram',
    ['job', 'stage'],
    'From reading the oldest event of a step at its source until its result is visible; of stages that end a way through the job.',
    LATENCY_S,
  ),
  millrace_stage_inbox_bytes: worker('gauge', ['job', 'stage'], 'Bytes received and not taken in yet.'),
  millrace_stage_state_bytes: worker('gauge', ['job', 'stage'], 'State that is held, as it would be stored.'),
  millrace_stage_checkpoint_bytes: worker('gauge', ['job', 'stage'], 'Size of the newest checkpoints.'),
  millrace_stage_checkpoint_age_seconds: worker(
    'gauge',
    ['job', 'stage'],
    'Since the state was last stored whole, of the partition where that is longest ago and that has changed since; 0 when none has.',
  ),
  millrace_stage_watermark_timestamp_seconds: worker(
    'gauge',
    ['job', 'stage'],
    'Lowest watermark; absent while there is none, or at its end.',
  ),
  millrace_stage_idle_splits: worker(
    'gauge',
    ['job', 'stage'],
    'Splits of a source that have nothing for now and hold no other back (`idle.after`); absent when none is.',
  ),
  millrace_stage_stalled_splits: worker(
    'gauge',
    ['job', 'stage'],
    'Splits of a source that cannot be read though the job is well, as their consumer is missing (MR2111) or NATS does not answer (MR2114); absent when none is.',
  ),
  millrace_stage_held_splits: worker(
    'gauge',
    ['job', 'stage'],
    'Splits of a source that are held by its `alignment`: they are too far ahead of their group; absent when none is.',
  ),
  millrace_stage_held_seconds: worker(
    'counter',
    ['job', 'stage'],
    'How long splits were held by `alignment`, all together; absent without it.',
  ),
  millrace_stage_back_pressure_partitions: worker(
    'gauge',
    ['job', 'stage'],
    'Partitions in which as much waits for a table as may (`maxWaiting`): they put back-pressure on what else they read; absent when none does.',
  ),
  millrace_stage_back_pressure_seconds: worker(
    'counter',
    ['job', 'stage'],
    'How long partitions put back-pressure on what they read because of a table, all together; absent where none ever did.',
  ),
  millrace_stage_watermark_lag_seconds: worker(
    'gauge',
    ['job', 'stage'],
    'How far the lowest watermark is behind the clock; never below 0.',
  ),
  millrace_stage_time_seconds: worker(
    'counter',
    ['job', 'stage', 'activity'],
    'Where the time of its tasks went, added up: stepping, held up by a commit or a sink, or with nothing to take in.',
  ),
  millrace_stage_warm_starts: worker('counter', ['job', 'stage'], 'Partitions begun with a copy of their state that was followed before.'),
  millrace_stage_standbys: worker(
    'gauge',
    ['job', 'stage'],
    'Partitions that other workers run and that this one follows as their standby.',
  ),
  millrace_stage_standby_lag_records: worker(
    'gauge',
    ['job', 'stage'],
    'Commit records that the standby farthest behind has not taken in yet, by what owners reported last.',
  ),
  millrace_stage_standby_state_bytes: worker('gauge', ['job', 'stage'], 'State that standbys hold here.'),
  millrace_stage_recoveries: worker('counter', ['job', 'stage'], 'Partitions taken over from another owner.'),
  millrace_stage_restore_duration_seconds: worker(
    'histogram',
    ['job', 'stage'],
    'From claiming a partition until its state is restored.',
    LATENCY_S,
  ),
  millrace_stage_fenced: worker('counter', ['job', 'stage'], 'Times that a task stopped because another owner had claimed its partition.'),

  // ---- the operator, as a process
  millrace_operator_leader: operator('gauge', [], '1 while this process leads.'),
  millrace_operator_cpu_seconds: operator('counter', [], 'Processor time of this process.'),
  millrace_operator_memory_bytes: operator('gauge', [], 'Resident memory of this process.'),
  millrace_operator_reconciles: operator(
    'counter',
    ['queue', 'outcome'],
    'Rounds of a StreamJob, a StreamSavepoint or a Secret that ended.',
  ),
  millrace_operator_reconcile_duration_seconds: operator('histogram', ['queue'], 'How long a round took.', LATENCY_S),
  millrace_operator_queue_depth: operator('gauge', ['queue'], 'Objects that are due and wait for a worker.'),
  millrace_operator_queue_longest_wait_seconds: operator('gauge', ['queue'], 'How long the one has waited that has waited longest.'),
  millrace_operator_kube_requests: operator('counter', ['verb', 'resource', 'outcome'], 'Calls of the API server.'),
  millrace_operator_kube_request_duration_seconds: operator('histogram', ['verb'], 'How long calls of the API server took.', LATENCY_S),
  millrace_operator_cached_objects: operator('gauge', ['resource'], 'Objects that are watched.'),
  millrace_operator_watch_lists: operator(
    'counter',
    ['resource'],
    'Times that all objects were listed: at the start, and when a watch had lost its place.',
  ),
  millrace_operator_watches: operator('counter', ['resource'], 'Watches that were begun.'),
  millrace_operator_watch_cuts: operator('counter', ['resource'], 'Watches that ended otherwise than by their own time limit.'),
  millrace_operator_watch_expired: operator('counter', ['resource'], 'Watches whose place in history was gone (410).'),
  millrace_operator_handler_errors: operator('counter', ['resource'], 'Changes that a handler of the operator failed at.'),
  millrace_operator_events_dropped: operator('counter', [], 'Kubernetes events that nobody will read: too many, or not taken.'),
  millrace_operator_nats_connected: operator('gauge', [], '1 while the connection to NATS stands; told by the leader.'),

  // ---- jobs, as their status says; told by the leader
  millrace_jobs: operator('gauge', ['phase'], 'StreamJobs by phase.'),
  millrace_job_condition: operator('gauge', ['job', 'condition'], '1: the condition is True, 0: False; absent while it is Unknown.'),
  millrace_job_workers: operator('gauge', ['job', 'pool'], 'Worker pods that are there.'),
  millrace_job_ready_workers: operator('gauge', ['job', 'pool'], 'Worker pods that are ready.'),
  millrace_job_wanted_workers: operator(
    'gauge',
    ['job', 'pool'],
    'Worker pods that are asked for, by the declaration or by scaling; 0 while the job is suspended or completed.',
  ),
  millrace_job_lag_events: operator(
    'gauge',
    ['job', 'stage', 'pool'],
    'Events that wait for this stage: given out before it, or in the streams of a source, and not taken in yet; absent while unknown.',
  ),
  millrace_job_lag_seconds: operator(
    'gauge',
    ['job', 'stage', 'pool'],
    'How long what waits for this stage takes at the rate at which it takes events in now; absent while unknown, or while it takes none in.',
  ),
  millrace_job_watermark_timestamp_seconds: operator(
    'gauge',
    ['job', 'stage'],
    'Lowest watermark of all partitions; absent while there is none, or at its end.',
  ),
  millrace_job_watermark_lag_seconds: operator('gauge', ['job', 'stage'], 'How far that watermark is behind the clock; never below 0.'),
  millrace_job_unowned_partitions: operator('gauge', ['job', 'stage', 'pool'], 'Partitions that no worker runs.'),
} as const satisfies Readonly<Record<string, MetricSpec>>;

export type MetricName = keyof typeof metricCatalogue;
export type LabelsOf<N extends MetricName> = Readonly<Record<(typeof metricCatalogue)[N]['labels'][number], string>>;

function worker<const T extends MetricSpec['type'], const L extends readonly Label[]>(
  type: T,
  own: L,
  help: string,
  buckets: readonly number[] = [],
) {
  return { of: 'worker', type, labels: own, help, buckets } as const;
}

function operator<const T extends MetricSpec['type'], const L extends readonly Label[]>(
  type: T,
  own: L,
  help: string,
  buckets: readonly number[] = [],
) {
  return { of: 'operator', type, labels: own, help, buckets } as const;
}

/** `millrace_stage_input_events_total`: what it is called where it is scraped. */
export function sampleName(name: MetricName): string {
  return metricCatalogue[name].type === 'counter' ? `${name}_total` : name;
}

/** `seconds`, `bytes`, or null: a count. */
export function unitOf(name: MetricName): 'seconds' | 'bytes' | null {
  if (name.endsWith('_seconds')) return 'seconds';
  return name.endsWith('_bytes') ? 'bytes' : null;
}
