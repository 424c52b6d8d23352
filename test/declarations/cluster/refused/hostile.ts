// Refused: what reaches for other namespaces, for the pod itself, for NATS' own subjects, or is made to be a burden.
import { job, many, savepoint, sink, source, withSink, withSource, withStage, withWorkers, type Refused } from '../sample.ts';

const RESERVED = 'subjects that begin with mr, $ or _ belong to Millrace and NATS';
const ANNOTATIONS = 'annotations of millrace.dev, kubectl and the security of pods are not for a job to set';

const podFields: readonly (readonly [field: string, value: unknown])[] = [
  ['podTemplate', { spec: { hostNetwork: true } }],
  ['template', { spec: {} }],
  ['hostNetwork', true],
  ['hostPID', true],
  ['serviceAccountName', 'cluster-admin'],
  ['automountServiceAccountToken', true],
  ['securityContext', { privileged: true }],
  ['volumes', [{ name: 'root', hostPath: { path: '/' } }]],
  ['volumeMounts', [{ name: 'root', mountPath: '/host' }]],
  ['initContainers', [{ name: 'a', image: 'b' }]],
  ['containers', [{ name: 'a', image: 'b' }]],
  ['command', ['sh']],
  ['args', ['-c', 'true']],
  ['labels', { 'app.kubernetes.io/instance': 'another' }],
  ['nodeName', 'control-plane'],
  ['runtimeClassName', 'none'],
  ['envFrom', [{ secretRef: { name: 'all' } }]],
];

export const hostile: readonly Refused[] = [
  ...podFields.map(([field, value]) => ({
    fact: `workers.${field} is not offered`,
    object: withWorkers({ [field]: value }),
    says: `unknown field "spec.workers.${field}"`,
  })),
  {
    fact: 'a Secret of another namespace, by a field',
    object: withWorkers({ env: [{ name: 'A', secret: { name: 'a', key: 'k', namespace: 'other' } }] }),
    says: 'unknown field "spec.workers.env[0].secret.namespace"',
  },
  {
    fact: 'a Secret of another namespace, by its name',
    object: withWorkers({ env: [{ name: 'A', secret: { name: 'other/a', key: 'k' } }] }),
    says: 'secret.name in body should match',
  },
  {
    fact: 'a variable by valueFrom',
    object: withWorkers({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'a', key: 'k' } } }] }),
    says: 'unknown field "spec.workers.env[0].valueFrom"',
  },
  {
    fact: 'a pull secret of another namespace',
    object: withWorkers({ imagePullSecrets: ['other/a'] }),
    says: 'spec.workers.imagePullSecrets[0] in body should match',
  },
  {
    fact: 'a ConfigMap of another namespace, by a field',
    object: withWorkers({ files: [{ configMap: 'a', namespace: 'other' }] }),
    says: 'unknown field "spec.workers.files[0].namespace"',
  },
  {
    fact: 'a ConfigMap of another namespace, by its name',
    object: withWorkers({ files: [{ configMap: 'other/a' }] }),
    says: 'configMap in body should match',
  },
  { fact: 'a ConfigMap up the folders', object: withWorkers({ files: [{ configMap: '../a' }] }), says: 'configMap in body should match' },
  {
    fact: 'code of another namespace',
    object: job({ code: { configMap: 'other/a', sha256: '0'.repeat(64) } }),
    says: 'spec.code.configMap in body should match',
  },
  {
    fact: 'a savepoint of another namespace, by a field',
    object: job({ restoreFrom: { savepoint: 'a', namespace: 'other' } }),
    says: 'unknown field "spec.restoreFrom.namespace"',
  },
  {
    fact: 'a savepoint of another namespace, by its name',
    object: job({ restoreFrom: { savepoint: 'other/a' } }),
    says: 'spec.restoreFrom.savepoint in body should match',
  },
  { fact: 'a savepoint of a job of another namespace', object: savepoint({ job: 'other/a' }), says: 'spec.job in body should match' },
  { fact: 'a savepoint with a namespace', object: savepoint({ job: 'a', namespace: 'other' }), says: 'unknown field "spec.namespace"' },
  {
    fact: 'a priority class with a path',
    object: withWorkers({ priorityClassName: 'a/b' }),
    says: 'priorityClassName in body should match',
  },

  {
    fact: "reading another job's journal",
    object: withSource({ nats: { subjects: ['mr.other_job.counts.*'] } }),
    says: [`${RESERVED}; read others`, 'mr.other_job.counts.*'],
  },
  { fact: 'reading the API of JetStream', object: withSource({ nats: { subjects: ['$JS.API.>'] } }), says: `${RESERVED}; read others` },
  { fact: 'reading inboxes', object: withSource({ nats: { subjects: ['_INBOX.>'] } }), says: `${RESERVED}; read others` },
  {
    fact: "writing another job's journal",
    object: withSink({ nats: { subject: 'mr.other_job.counts.0' } }),
    says: [`${RESERVED}; write others`, 'mr.other_job.counts.0'],
  },
  {
    fact: 'writing to the API of JetStream',
    object: withSink({ nats: { subject: '$JS.API.STREAM.DELETE.a' } }),
    says: `${RESERVED}; write others`,
  },
  { fact: 'writing to an inbox', object: withSink({ nats: { subject: '_INBOX.a' } }), says: `${RESERVED}; write others` },
  {
    fact: "reading another job's stream",
    object: withSource({ nats: { subjects: ['a'], stream: 'MR_other_job_counts' } }),
    says: ['spec.sources[0].nats', 'MR_ is the beginning of those of Millrace itself'],
  },
  {
    fact: "writing another job's stream",
    object: withSink({ nats: { subject: 'a', stream: 'MR_other_job_counts' } }),
    says: ['spec.sinks[0].nats', 'MR_ is the beginning of those of Millrace itself'],
  },
  {
    fact: 'a stream that is a pattern',
    object: withSink({ nats: { subject: 'a', stream: 'a.*' } }),
    says: 'the name of a JetStream stream has no blanks and none of . * > /',
  },
  {
    fact: 'a subject with a line break',
    object: withSink({ nats: { subject: 'a\r\nPUB b 1\r\nx' } }),
    says: 'results go to one subject: tokens with dots between them, without blanks and wildcards',
  },

  {
    fact: 'an annotation of the operator',
    object: withWorkers({ annotations: { 'millrace.dev/credentials': 'a' } }),
    says: [ANNOTATIONS, 'remove millrace.dev/credentials'],
  },
  { fact: 'an annotation below millrace.dev', object: withWorkers({ annotations: { 'x.millrace.dev/a': 'a' } }), says: ANNOTATIONS },
  {
    fact: 'an annotation that turns AppArmor off',
    object: withWorkers({ annotations: { 'container.apparmor.security.beta.kubernetes.io/worker': 'unconfined' } }),
    says: ANNOTATIONS,
  },
  {
    fact: 'an annotation that turns seccomp off',
    object: withWorkers({ annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' } }),
    says: ANNOTATIONS,
  },
  {
    fact: 'an annotation of kubectl',
    object: withWorkers({ annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } }),
    says: ANNOTATIONS,
  },
  {
    fact: 'an annotation with a line break in its key',
    object: withWorkers({ annotations: { 'a\nb': 'c' } }),
    says: 'a key of workers.annotations is a name',
  },
  {
    fact: 'an annotation with a very long key',
    object: withWorkers({ annotations: { ['x'.repeat(400)]: 'c' } }),
    says: 'a key of workers.annotations is a name',
  },
  {
    fact: 'a label of a node with a line break in its key',
    object: withWorkers({ nodeSelector: { 'a\nb': 'c' } }),
    says: 'a key of workers.nodeSelector is a name',
  },
  {
    fact: 'a label of a node with a line break in its value',
    object: withWorkers({ nodeSelector: { a: 'b\nc' } }),
    says: 'a value of nodeSelector is that of a label',
  },
  { fact: 'a label of the job that is none', object: job({}, { labels: { 'a b': 'c' } }), says: 'metadata.labels: Invalid value: "a b"' },
  { fact: 'a label of the job with a line break', object: job({}, { labels: { a: 'b\nc' } }), says: 'metadata.labels: Invalid value' },
  {
    fact: 'a variable of the operator',
    object: withWorkers({ env: [{ name: 'MILLRACE_NATS_URL', value: 'nats://elsewhere' }] }),
    says: ['is set by the operator, as all that begin with MILLRACE_', 'MILLRACE_NATS_URL'],
  },
  { fact: 'an image with a blank', object: withWorkers({ image: 'a b' }), says: 'an image has no blanks in its name' },

  {
    fact: 'more than the store takes',
    object: job({
      stages: many(512, (i) => ({ name: `s${i}`, from: 'events', filter: 'x'.repeat(4000) })),
      sinks: [{ ...sink, from: 's0' }],
    }),
    says: 'etcdserver: request is too large',
  },
  {
    fact: 'more than the API server takes',
    object: job({ sources: [source], stages: many(512, (i) => ({ name: `s${i}`, from: 'events', map: 'x'.repeat(8000) })) }),
    says: 'limit is 3145728',
  },
  {
    fact: 'a status with a field that is none',
    object: { ...job(), status: { a: 1 } } as never,
    says: 'unknown field "status.a"',
  },
  {
    fact: 'another version of the API',
    object: { ...job(), apiVersion: 'millrace.dev/v9' },
    says: 'in version "v9" cannot be handled',
  },
  { fact: 'another kind', object: { ...withStage({ map: 'event' }), kind: 'Pod' }, says: 'must be StreamJob' },
];
