// The job of a query as the benchmark runs it: that of examples/nexmark (or bench/jobs), with JetStream at both ends. What lies
// between is not touched.

import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import type { QueryName } from '../nexmark/models/models.ts';
import { SINK_SUBJECT } from './output.ts';

type Named = Readonly<Record<string, unknown>> & { readonly name: string };
type Declared = {
  readonly metadata: object;
  readonly spec: Readonly<Record<string, unknown>> & {
    readonly parameters?: readonly Named[];
    readonly sources: readonly Named[];
    readonly tables?: readonly (Named & { readonly file: { readonly path: string } })[];
    readonly sinks: readonly Named[];
  };
};
/** Where results go: they stay in the job's journal, or are written to a subject, 500 a message or each its own. */
export type NexmarkSink = 'journal' | 'batch' | 'message';

const SOURCE = 'events';
/** No stage of the jobs has this name. */
export const NEXMARK_SINK = 'result';
const SINK_FORMS: Readonly<Record<NexmarkSink, object>> = {
  journal: { journal: {} },
  batch: { nats: { subject: SINK_SUBJECT, batch: 500 } },
  message: { nats: { subject: SINK_SUBJECT } },
};

/** Windows and joins hold so much more than their own width: as little as the systems have that ours stands beside. */
const OUT_OF_ORDER = '5s';

export type NexmarkEnds = {
  readonly subjects: readonly string[];
  readonly sink: NexmarkSink;
  /** Of the example. */ readonly folder: string;
};

/** The file of a query's job, whose source is a file. */
export function exampleOf(query: QueryName): string {
  const path = query === 'count' ? '../jobs/count.yaml' : `../../examples/nexmark/${query}/stream-job.yaml`;
  return fileURLToPath(new URL(path, import.meta.url));
}

/** `text`: YAML of a job with a source `events` and one sink. */
export function nexmarkJob(text: string, { subjects, sink, folder }: NexmarkEnds): string {
  const job = parse(text, { merge: true }) as Declared;
  const { parameters = [], sources, tables = [], sinks } = job.spec;
  const [onlySink, ...others] = sinks;
  if (onlySink === undefined || others.length > 0) throw new Error(`the job has ${sinks.length} sinks; the benchmark reads one`);
  const nats = { subjects, bounded: true, format: 'ndjson' };
  return stringify({
    ...job,
    spec: {
      ...job.spec,
      parameters: parameters
        .filter(({ name }) => name !== SOURCE)
        .map((each) => (each.name === 'out-of-order' ? { ...each, default: OUT_OF_ORDER } : each)),
      sources: sources.map((source) => (source.name === SOURCE ? { ...without(source, 'file'), nats } : source)),
      tables: tables.map((table) => ({ ...table, file: { ...table.file, path: absolute(table.file.path, folder) } })),
      sinks: [{ name: NEXMARK_SINK, from: onlySink['from'], ...SINK_FORMS[sink] }],
    },
  });
}

function without<T extends object>(value: T, name: string): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([each]) => each !== name)) as Partial<T>;
}

function absolute(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}
