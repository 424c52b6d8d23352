// What a worker pod is told: plain variables, so that `kubectl describe pod` shows them.
//
//   O1. All that is wrong is told at once: whoever reads it has only `kubectl logs`.

import { DEFAULT_POOL, POOL_NAME } from '../../crds/stream-job/pool-names.ts';
import { BadDeclaration, type Issue } from '../base/issues.ts';
import { tracingOptions, type TracingOptions } from '../telemetry/tracing-options.ts';

export type LogForm = 'json' | 'text';

export type PodOptions = {
  readonly natsUrl: string;
  /** Path of the NATS credentials file; null: none are needed. */
  readonly credentials: string | null;
  /** The job's identity on the cluster. */
  readonly job: string;
  /** Name of this pod. */
  readonly worker: string;
  /** The machine that this pod runs on; absent: nobody said. */
  readonly node?: string | undefined;
  /** The pool of stages that it is for. */
  readonly pool: string;
  /** Folder of the files that bounded sources and tables read. */
  readonly filesDir: string;
  readonly httpPort: number;
  readonly logForm: LogForm;
  /** Where traces go (OpenTelemetry's variables); null: nowhere. */
  readonly tracing: TracingOptions | null;
  /** What of those variables was passed over. */
  readonly tracingProblems: readonly string[];
  /** Tests: where this pod dies (adapters/node/failpoint.ts). */
  readonly failpoint?: string | undefined;
};

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULTS = { files: '/data', httpPort: '8081', log: 'json', pool: DEFAULT_POOL } as const;
/** Both become a token of subjects and part of stream names. */
const TOKEN = /^[A-Za-z0-9_-]{1,200}$/;
const POD_NAME = /^[a-z0-9]([a-z0-9-]{0,251}[a-z0-9])?$/;

/** Throws BadDeclaration with every variable that is missing or wrong. */
export function readPodOptions(environment: Environment): PodOptions {
  const issues: Issue[] = [];
  const wrong = (name: string, message: string, fix: string): void => void issues.push({ path: name, message, fix });
  const read = (name: string, { fix, fallback }: { readonly fix: string; readonly fallback?: string }): string => {
    const value = environment[name] ?? fallback ?? '';
    if (value === '') wrong(name, 'it is not set', fix);
    return value;
  };
  const natsUrl = read('MILLRACE_NATS_URL', { fix: 'the URL of NATS, such as nats://millrace-nats:4222' });
  const job = read('MILLRACE_JOB', { fix: 'the identity of the job: namespace_name' });
  const worker = read('MILLRACE_WORKER', { fix: 'the name of the pod (fieldRef metadata.name)' });
  const httpPort = read('MILLRACE_HTTP_PORT', { fix: 'a port for the probes', fallback: DEFAULTS.httpPort });
  const logForm = read('MILLRACE_LOG', { fix: 'json or text', fallback: DEFAULTS.log });
  if (natsUrl !== '' && !natsUrl.split(',').every(isNatsUrl))
    wrong('MILLRACE_NATS_URL', 'it is no URL of NATS', 'nats://host:port or tls://host:port, several with commas');
  if (job !== '' && !TOKEN.test(job)) wrong('MILLRACE_JOB', `${JSON.stringify(job)} is no identity of a job`, 'namespace_name');
  if (worker !== '' && !POD_NAME.test(worker))
    wrong('MILLRACE_WORKER', `${JSON.stringify(worker)} is no name of a pod`, 'lower-case letters, digits and dashes');
  const pool = read('MILLRACE_POOL', { fix: 'the name of a pool', fallback: DEFAULTS.pool });
  if (!POOL_NAME.test(pool))
    wrong('MILLRACE_POOL', `${JSON.stringify(pool)} is no name of a pool`, 'lower-case letters, digits and dashes');
  if (!/^\d{1,5}$/.test(httpPort) || Number(httpPort) > 65_535)
    wrong('MILLRACE_HTTP_PORT', `${JSON.stringify(httpPort)} is no port`, 'a number from 0 to 65535');
  if (logForm !== 'json' && logForm !== 'text') wrong('MILLRACE_LOG', `${JSON.stringify(logForm)} is no form of a log`, 'json or text');
  if (issues.length > 0) throw new BadDeclaration("the worker's environment", issues);
  const { options: tracing, problems: tracingProblems } = tracingOptions(environment);
  return {
    natsUrl,
    credentials: environment['MILLRACE_NATS_CREDENTIALS'] || null,
    job,
    worker,
    node: environment['MILLRACE_NODE'] || undefined,
    pool,
    filesDir: environment['MILLRACE_FILES'] || DEFAULTS.files,
    httpPort: Number(httpPort),
    logForm: logForm as LogForm,
    tracing,
    tracingProblems,
    failpoint: environment['MILLRACE_FAILPOINT'],
  };
}

function isNatsUrl(text: string): boolean {
  return /^(nats|tls|ws|wss):\/\/\S+$/.test(text.trim());
}
