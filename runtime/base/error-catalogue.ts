// Every failure of the world that someone reacts to, with what to do about it.
// docs/errors.md is generated from here; a removed code is never used again.
//
// MR1xxx what was asked for (files, options, servers)   MR2xxx journal and tasks
// MR3xxx data (dead letters)                            MR4xxx sinks and stores

import { entry } from './error-entry.ts';

export const catalogue = {
  MR1001: entry<{ path: string; problem: string }>({
    name: 'FileUnreadable',
    reaction: 'exit',
    message: (d) => `cannot read ${d.path}: ${d.problem}`,
    fix: 'Check the path and its permissions. Relative paths in a job file start at the folder of that file.',
  }),
  MR1002: entry<{ tried: readonly string[]; minimum: string }>({
    name: 'NatsServerNotFound',
    reaction: 'exit',
    message: (d) => `no nats-server of at least ${d.minimum}; tried: ${d.tried.join('; ')}`,
    fix: 'Put nats-server on the PATH or name it in MILLRACE_NATS_SERVER; or install Go, or let this machine reach github.com or a mirror of its releases (MILLRACE_NATS_MIRROR), and run `npm start` again; or give --nats URL of a running server.',
  }),
  MR1003: entry<{ url: string; problem: string }>({
    name: 'NatsUnreachable',
    reaction: 'exit',
    message: (d) => `cannot reach NATS at ${d.url}: ${d.problem}`,
    fix: 'Check the URL, the credentials and that the server runs. Without --nats `millrace run` starts a server of its own, and prints its URL.',
  }),
  MR1004: entry<{ url: string; version: string; minimum: string }>({
    name: 'NatsTooOld',
    reaction: 'exit',
    message: (d) => `the NATS server at ${d.url} is ${d.version}; Millrace needs ${d.minimum} or newer; nothing was created`,
    fix: 'Upgrade the server: older versions lose acknowledged writes at power cuts.',
  }),
  MR1005: entry<{ url: string; problem: string }>({
    name: 'JetStreamMissing',
    reaction: 'exit',
    message: (d) => `the NATS server at ${d.url} has no usable JetStream: ${d.problem}; nothing was created`,
    fix: 'Start it with JetStream (`nats-server -js`, or a jetstream block in its configuration) and check the account limits.',
  }),
  MR1006: entry<{ job: string; holder: string; sinceMs: number }>({
    name: 'JobAlreadyRuns',
    reaction: 'exit',
    message: (d) => `job ${d.job} is already run by ${d.holder} since ${new Date(d.sinceMs).toISOString()}; this run started nothing`,
    fix: 'Stop the other run (Ctrl-C there), or give this one another name with --name.',
  }),
  MR1007: entry<{ job: string; changes: readonly string[] }>({
    name: 'JobChanged',
    reaction: 'exit',
    message: (d) =>
      `an unfinished run of job ${d.job} has state that this declaration cannot continue: ${d.changes.join('; ')}; nothing was changed`,
    fix: 'Run the declaration that it was started with, or start over with --fresh (its state is deleted).',
  }),
  MR1008: entry<{ table: string; path: string; before: string; now: string }>({
    name: 'TableChanged',
    reaction: 'exit',
    message: (d) =>
      `table ${d.table} (${d.path}) changed since this run began (sha256 ${d.before}, now ${d.now}); nothing was processed with it`,
    fix: 'Restore the file as it was, or start over with --fresh.',
  }),
  MR1009: entry<{ path: string; problem: string }>({
    name: 'FolderUnwritable',
    reaction: 'exit',
    message: (d) => `results cannot be written in ${d.path}: ${d.problem}; nothing was started`,
    fix: 'Choose a folder that can be written, with --out.',
  }),
  MR1010: entry<{ marks: readonly string[] }>({
    name: 'CodeMissing',
    reaction: 'exit',
    message: (d) => `the bundle of code does not hold ${d.marks.join(', ')}, which the job names; nothing was started with it`,
    fix: 'Let `millrace deploy` (or `millrace build`) write the job and its bundle together: one of them is of another version.',
  }),
  MR1011: entry<{ port: number; problem: string }>({
    name: 'ConsolePortTaken',
    reaction: 'exit',
    message: (d) => `the console cannot be served at port ${d.port}: ${d.problem}; nothing was started`,
    fix: 'Give it another port, `--console 0` takes any free one, or run without it.',
  }),
  MR1012: entry<{ of: string; problem: string }>({
    name: 'JetStreamRefused',
    reaction: 'exit',
    message: (d) => `JetStream refused what was asked of ${d.of}: ${d.problem}`,
    fix: 'The problem ends with the number that the NATS server gives it. 10047 is no room: free storage, or give the server or the account more (`max_file_store`, `max_storage`). 10059 is no such stream. Otherwise see what was changed on the server by hand.',
  }),
  MR1020: entry<{ file: string; bytes: number; bytesMax: number; packedBytes: number; packedBytesMax: number }>({
    name: 'BundleTooLarge',
    reaction: 'exit',
    message: (d) =>
      `the code of ${d.file} has ${d.bytes} bytes with all that it imports (a worker takes ${d.bytesMax}), ${d.packedBytes} when packed (its ConfigMaps hold ${d.packedBytesMax}); nothing was written`,
    fix: 'Import less: one function of a large package is often a file of its own. Data belongs into a table (spec.tables), not into the code.',
  }),
  MR1021: entry<{ what: string; problem: string }>({
    name: 'ClusterUnreachable',
    reaction: 'exit',
    message: (d) => `the API server did not answer when asked to ${d.what}: ${d.problem}; whether it was done is not known`,
    fix: 'Check that the cluster runs and that --context and --kubeconfig name it, then run the same command again: it changes only what is not yet so.',
  }),
  MR1022: entry<{ what: string; problem: string }>({
    name: 'ClusterForbids',
    reaction: 'exit',
    message: (d) => `the API server does not allow you to ${d.what}: ${d.problem}; it was not done`,
    fix: 'Ask for a role that may do this in the namespace, or name another one with --namespace or --context.',
  }),
  MR1023: entry<{ what: string; problem: string }>({
    name: 'ClusterLacks',
    reaction: 'exit',
    message: (d) => `the cluster cannot ${d.what}: ${d.problem}`,
    fix: 'Check --namespace and the name. When the kind itself is unknown, Millrace is not installed there: helm install millrace charts/millrace.',
  }),
  MR1024: entry<{ what: string; problem: string }>({
    name: 'FieldsOfOthers',
    reaction: 'exit',
    message: (d) => `somebody else owns what is to be changed, so the API server refuses to ${d.what}: ${d.problem}; nothing was changed`,
    fix: 'Change it where it is kept (a GitOps repository, an autoscaler), leave the field out of the job, or take it over with --force.',
  }),
  MR1030: entry<{ job: string }>({
    name: 'JobNotFound',
    reaction: 'exit',
    message: (d) => `no job ${d.job} runs on this NATS server; nobody was asked`,
    fix: 'On a cluster a job is namespace/name. Check the URL, and that the credentials are of the account of that job.',
  }),
  MR1031: entry<{ job: string; transform: string; known: readonly string[] }>({
    name: 'TransformNotFound',
    reaction: 'exit',
    message: (d) => `job ${d.job} has no transform ${d.transform}; it has ${d.known.join(', ')}`,
    fix: 'Take the name of the stage, or of its node in `millrace plan`.',
  }),
  MR1032: entry<{ problem: string }>({
    name: 'NoKey',
    reaction: 'exit',
    message: (d) => `this is no key that can be asked for: ${d.problem}`,
    fix: 'A key is what keyBy computes: a text, a number, a list or a record of those.',
  }),
  MR1033: entry<{ job: string; transform: string; key: string; partition: number; waitedMs: number }>({
    name: 'OwnerSilent',
    reaction: 'retry',
    message: (d) =>
      `no worker answered for key ${d.key} of ${d.transform} (job ${d.job}, partition ${d.partition}) within ${d.waitedMs} ms: its partition is being taken over, or the job does not run`,
    fix: 'Ask again; if it lasts, see whether the job runs: `millrace status`, or its console.',
  }),
  MR1034: entry<{ subject: string; sequence: number; waitedMs: number }>({
    name: 'NotTakenIn',
    reaction: 'retry',
    message: (d) =>
      `message ${d.sequence} of ${d.subject} was not taken in by the owner of this key within ${d.waitedMs} ms; no older answer is given`,
    fix: 'Ask again, or give it more time: the job is behind, or the sequence is not one of that subject.',
  }),
  MR1035: entry<{ job: string; transform: string; subject: string }>({
    name: 'SubjectNotRead',
    reaction: 'exit',
    message: (d) => `no source of job ${d.job} that leads to ${d.transform} reads the subject ${d.subject}`,
    fix: 'Name the subject that the event was published on, and a transform behind its source.',
  }),
  MR1036: entry<{ job: string; transform: string; kind: 'source' | 'sink'; keyed: readonly string[] }>({
    name: 'NothingByKey',
    reaction: 'exit',
    message: (d) =>
      `job ${d.job} keeps nothing by key in ${d.transform}, which is in the stage of a ${d.kind}; ` +
      (d.keyed.length === 0 ? 'it has no stage with a key' : `it has keys in ${d.keyed.join(', ')}`),
    fix: 'Ask a transform of a stage with keyBy.',
  }),

  MR2101: entry<{ subject: string; expected: number; actual: number | null }>({
    name: 'WrongSequence',
    reaction: 'resolve',
    message: (d) => `the journal at ${d.subject} stands at ${d.actual ?? 'another sequence'}, not at ${d.expected}; nothing was written`,
    fix: 'None needed: the task reads the fence and decides.',
  }),
  MR2102: entry<{ stream: string; problem: string }>({
    name: 'JournalUnavailable',
    reaction: 'retry',
    message: (d) => `the journal ${d.stream} does not answer: ${d.problem}; nothing was lost, the task waits`,
    fix: 'None needed while NATS restarts or elects a leader. If it lasts, check that the server runs and can be reached.',
  }),
  MR2104: entry<{ task: string; epoch: number; byEpoch: number }>({
    name: 'CommitFenced',
    reaction: 'stop-task',
    message: (d) => `task ${d.task} (epoch ${d.epoch}) was replaced by epoch ${d.byEpoch}; nothing was written`,
    fix: 'None needed once. If it repeats, heartbeats arrive late: raise leaseMs or give the worker more CPU.',
  }),
  MR2105: entry<{ task: string; problem: string }>({
    name: 'JournalBroken',
    reaction: 'stop-job',
    message: (d) => `the journal of ${d.task} is not whole: ${d.problem}; the job stopped before it could lose or double anything`,
    fix: 'Do not write to the journal streams. Restore NATS from a backup, or start over with --fresh.',
  }),
  MR2106: entry<{ task: string; problem: string }>({
    name: 'CheckpointBroken',
    reaction: 'stop-job',
    message: (d) => `no checkpoint of ${d.task} can be verified: ${d.problem}; its state was not guessed`,
    fix: 'Restore the checkpoint stream from a backup, or start over with --fresh.',
  }),
  MR2107: entry<{ task: string; bytes: number; bytesMax: number }>({
    name: 'RecordTooLarge',
    reaction: 'stop-job',
    message: (d) => `one step of ${d.task} makes ${d.bytes} bytes, more than a record holds (${d.bytesMax}); nothing was written`,
    fix: 'Raise max_payload of the NATS server, or make one event produce less.',
  }),
  MR2108: entry<{ worker: string; deaths: number; reason: string }>({
    name: 'WorkerDiesAgain',
    reaction: 'stop-job',
    message: (d) =>
      `${d.worker} died ${d.deaths} times, each within a minute, and nothing was stored meanwhile; the last time: ${d.reason}; no other was started in its place`,
    fix: 'The log above tells each death. Mend what it names (often memory, or code and files of the job), then run the same command again: the run goes on where it stopped.',
  }),
  MR2109: entry<{ stage: string; input: string }>({
    name: 'StageEnded',
    reaction: 'stop-job',
    message: (d) => `stage ${d.stage} had come to the end of all its inputs, and now has one more (${d.input}); nothing was taken from it`,
    fix: 'Give the new input a stage of another name: event time of an ended stage does not begin again.',
  }),
  MR2110: entry<{ transform: string; problem: string }>({
    name: 'StateVersionUnknown',
    reaction: 'stop-job',
    message: (d) => `${d.transform}: ${d.problem}; nothing was changed`,
    fix: 'Add the missing migration to `migrate`, or go back to the declaration that wrote the state.',
  }),
  MR2111: entry<{ stream: string; consumer: string; problem: string }>({
    name: 'ConsumerMissing',
    reaction: 'retry',
    message: (d) =>
      `consumer ${d.consumer} of stream ${d.stream} is not there: ${d.problem}; nothing is lost, the messages stay in the stream`,
    fix: 'The operator makes it again within 10 s: see that it runs and reaches NATS. Removed again and again: see who removes consumers of that stream.',
  }),
  MR2112: entry<{ problem: string }>({
    name: 'SpilledStateLost',
    reaction: 'stop-task',
    message: (d) => `a value that was put on this machine's disk cannot be read back: ${d.problem}; nothing is lost, the journal has it`,
    fix: 'None needed once: the task begins anew from its checkpoint. If it repeats, look at the disk of that worker.',
  }),
  MR2113: entry<{ bytes: number; problem: string }>({
    name: 'SpillRefused',
    reaction: 'retry',
    message: (d) =>
      `values of state cannot be put on this machine's disk, where they have ${d.bytes} bytes: ${d.problem}; they stay in memory`,
    fix: 'Give them more room (`state.disk` of the job, and the disk itself), or share the state among more workers.',
  }),
  MR2114: entry<{ stream: string; problem: string }>({
    name: 'ReadUnanswered',
    reaction: 'retry',
    message: (d) =>
      `stream ${d.stream} cannot be read, as NATS does not answer: ${d.problem}; nothing is lost, the messages stay in the stream`,
    fix: 'It goes on by itself with the first answer: see that the NATS servers are well and that the stream has a leader; if they are, whether the credentials may ask this.',
  }),

  MR3001: entry<{ source: string; place: string; issues: readonly string[] }>({
    name: 'EventUndecodable',
    reaction: 'dead-letter',
    message: (d) => `${d.source} ${d.place}: ${d.issues.join('; ')}`,
    fix: 'Mend the data at its origin, or declare the schema as the data is.',
  }),
  MR3002: entry<{ transform: string; problem: string }>({
    name: 'TransformFailed',
    reaction: 'dead-letter',
    message: (d) => `${d.transform}: ${d.problem}`,
    fix: 'Look at the event in the dead letter: the expression or function does not handle its value.',
  }),
  MR3003: entry<{ transform: string; event: string; state: string }>({
    name: 'EventUnhandled',
    reaction: 'dead-letter',
    message: (d) => `machine ${d.transform} in state ${d.state} handles no event ${d.event}`,
    fix: 'Add a transition for it (or a wildcard `*`), filter it out before the machine, or set `unhandled: ignore`.',
  }),
  MR3004: entry<{ place: string; bytes: number; bytesMax: number }>({
    name: 'EventTooLarge',
    reaction: 'dead-letter',
    message: (d) => `${d.place}: the event has ${d.bytes} bytes, more than ${d.bytesMax}`,
    fix: 'Raise maxEventBytes (and max_payload of the NATS server), or keep large parts outside the event.',
  }),
  MR3005: entry<{ transform: string; problem: string }>({
    name: 'RedriveRefused',
    reaction: 'dead-letter',
    message: (d) => `${d.transform} cannot take in again what it has refused: ${d.problem}; it is a dead letter as before`,
    fix: 'Bring the transform back under its name, or write the event to the source of the job yourself and drop the letter.',
  }),
  MR3008: entry<{ transform: string; bytes: number; bytesMax: number }>({
    name: 'ActorTooLarge',
    reaction: 'dead-letter',
    message: (d) => `${d.transform}: with this event the actor's state would have about ${d.bytes} bytes, more than ${d.bytesMax}`,
    fix: 'Keep less in the context (the last few of a list, sums instead of events), or raise stateBytesMax.',
  }),

  MR3006: entry<{ task: string; problem: string; event: string }>({
    name: 'PartitionStopped',
    reaction: 'stop-partition',
    message: (d) =>
      `task ${d.task} stands still, because an event failed and its stage says onError: stopPartition: ${d.problem}; event ${d.event}; nothing of it was stored, the other partitions go on`,
    fix: 'Mend the code or the data it looks at, and upgrade the job: the partition goes on with that event. `then: deadLetter` lets others pass.',
  }),
  MR3007: entry<{ task: string; problem: string; event: string }>({
    name: 'FailureStopsJob',
    reaction: 'stop-job',
    message: (d) =>
      `an event failed at ${d.task}, and its stage says onError: stopJob: ${d.problem}; event ${d.event}; nothing of it was stored`,
    fix: 'Mend the code or the data it looks at, and run the job again: it goes on with that event.',
  }),
  MR3009: entry<{ transform: string; problem: string; attempts: number }>({
    name: 'LookupFailed',
    reaction: 'dead-letter',
    message: (d) => `${d.transform} got no answer after ${d.attempts === 1 ? '1 try' : `${d.attempts} tries`}: ${d.problem}`,
    fix: 'Mend what is asked, then put the letters in again: `millrace dlq redrive --code MR3009`. More `retries` or a `breaker` wait longer for it.',
  }),
  MR3010: entry<{ transform: string; maxRounds: number }>({
    name: 'TooManyRounds',
    reaction: 'dead-letter',
    message: (d) => `${d.transform} has brought it, or what it came of, back ${d.maxRounds} times; it does not go round once more`,
    fix: 'Look at the condition under which events go round. When so many rounds are meant, raise `feedback.maxRounds`; a letter that is put in again begins at none.',
  }),

  MR4001: entry<{ sink: string; path: string; problem: string }>({
    name: 'SinkBlocked',
    reaction: 'retry',
    message: (d) => `sink ${d.sink} cannot write ${d.path}: ${d.problem}; it waits and tries again, nothing is dropped`,
    fix: 'Free disk space or mend the target; the run goes on by itself.',
  }),
  MR4002: entry<{ sink: string; problem: string }>({
    name: 'SinkConflict',
    reaction: 'stop-job',
    message: (d) => `sink ${d.sink}: ${d.problem}; nothing was overwritten`,
    fix: 'Give the sink a target that nothing else writes, or start over with --fresh.',
  }),
} as const;
