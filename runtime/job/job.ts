// The entry of the builder: a job's name and what it consists of.
//
//   job('hello', (j) => {
//     const words = j.source('words', file({ path: 'words.ndjson', schema: { word: 'string' } }));
//     words.keyBy('word').aggregate({ times: count() }).toFile('counts.ndjson');
//   });

import type { PoolInput } from '../../crds/stream-job/pools.ts';
import type { StreamJob, StreamJobInput } from '../../crds/stream-job/spec.ts';
import { codeOf, fieldOrCodeOf } from './code.ts';
import { Draft } from './draft.ts';
import { DraftStream } from './draft-stream.ts';
import type { Origin } from './source.ts';
import type { Emits, Stream } from './stream.ts';
import type { StreamTableOptions, Table, TableOptions } from './table.ts';
import { makeTable } from './table.ts';

export type JobOptions = {
  readonly description?: string;
  /** Partitions of a keyed stage that does not say; 8 when absent. */
  readonly partitions?: number;
  /** 1: the state of each partition is followed by a second worker, which takes over when the first is killed; 0 when absent. */
  readonly standbyReplicas?: 0 | 1;
  /** State larger than memory: what a worker keeps of its values in memory (`'256Mi'`), and how much of the others on its disk (`'10Gi'`
   *  when absent). Absent: all in memory. */
  readonly state?: { readonly memory: string; readonly disk?: string };
  /** Pools of workers of their own for some stages, on a cluster: as `spec.pools` in YAML. */
  readonly pools?: PoolInput[];
};
export type ParameterOptions = { readonly default?: string; readonly description?: string };

/** A declared job. `build` gives its graph as plain data: the same value as YAML, but for functions in code slots. */
export interface Job {
  readonly name: string;
  /** `parameters`: values of `--set name=value`. Throws BadDeclaration with all mistakes at once. */
  build(parameters?: Readonly<Record<string, string>>): StreamJob;
}

/** Declares the parts of one job. */
export interface JobParts {
  /** A source of events. Its name is part of subjects and metrics. */
  source<E>(name: string, origin: Origin<E>): Stream<E>;
  /** A bounded side input, loaded whole by every worker, the same version for the whole run. */
  table<Row>(name: string, origin: Origin<Row>, options: TableOptions<Row>): Table<Row>;
  /** A side input that follows a small stream: every partition has the newest row of each key. Read by `enrich`, and by reducers and
   *  machines that name it in `tables`. */
  table<Row>(name: string, rows: Emits<Row>, options: StreamTableOptions<Row>): Table<Row>;
  /** A text that `--set name=value` gives; returns what stands for it in any text of the job. */
  parameter(name: string, options?: ParameterOptions): string;
}

/** Declares a job. `declare` runs at once; mistakes are told by `build`. */
export function job(name: string, declare: (parts: JobParts) => void): Job;
export function job(name: string, options: JobOptions, declare: (parts: JobParts) => void): Job;
export function job(name: string, second: JobOptions | ((parts: JobParts) => void), third?: (parts: JobParts) => void): Job {
  const [options, declare] = typeof second === 'function' ? [{}, second] : [second, third];
  const draft = new Draft(name, options satisfies Partial<StreamJobInput['spec']>);
  declare?.(new Parts(draft));
  return { name, build: (parameters) => draft.build(parameters) };
}

/** All events of several streams of one job, as they come. */
export function from<const S extends readonly [Emits<unknown>, ...Emits<unknown>[]]>(...streams: S): Stream<EventsOf<S[number]>> {
  const drafts = streams.map((stream) => stream as unknown as DraftStream);
  const [first] = drafts;
  if (!(first instanceof DraftStream)) throw new TypeError('from() takes streams of a job');
  if (drafts.some((stream) => stream.draft !== first.draft))
    first.draft.mistake('from', 'these streams belong to different jobs', 'merge streams of one job');
  const outputs =
    drafts.length === 1
      ? first
      : new DraftStream(
          first.draft,
          drafts.flatMap((stream) => stream.outputs()),
        );
  return outputs as unknown as Stream<EventsOf<S[number]>>;
}

type EventsOf<S> = S extends Emits<infer E> ? E : never;

class Parts implements JobParts {
  readonly #draft: Draft;

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  source<E>(name: string, origin: Origin<E>): Stream<E> {
    const producer = this.#draft.addSource({ name, ...origin.spec });
    return new DraftStream(this.#draft, [{ producer, output: null }]) as unknown as Stream<E>;
  }

  table<Row>(name: string, origin: Origin<Row> | Emits<Row>, options: TableOptions<Row> & StreamTableOptions<Row>): Table<Row> {
    const { key, at, validFor, keepFor, deleted, asOf, maxWaiting, bootstrap } = options;
    const more = {
      key: fieldOrCodeOf(key, 'row'),
      ...(at === undefined ? {} : { at: fieldOrCodeOf(at, 'row') }),
      ...(validFor === undefined ? {} : { validFor }),
      ...(keepFor === undefined ? {} : { keepFor }),
      ...(deleted === undefined ? {} : { deleted: codeOf(deleted) }),
      ...(asOf === undefined ? {} : { asOf }),
      ...(maxWaiting === undefined ? {} : { maxWaiting }),
    };
    const stream: unknown = origin;
    if (stream instanceof DraftStream) {
      if (stream.draft !== this.#draft)
        this.#draft.mistake(`table('${name}')`, 'its rows come from another job', 'read a stream of this job');
      const first: unknown = bootstrap;
      this.#draft.addTable(
        { name, ...more },
        { from: stream.single(), ...(first instanceof DraftStream ? { bootstrap: first.single() } : {}) },
      );
      return makeTable<Row>(name);
    }
    const { file, schema, ...rest } = (origin as Origin<Row>).spec;
    if (file === undefined)
      this.#draft.mistake(
        `table('${name}')`,
        'a table is read from a file, or from a stream of the job',
        'write file({ path }), or a stream',
      );
    for (const option of Object.keys(rest))
      this.#draft.mistake(`table('${name}')`, `a table has no ${option}`, 'the version time of a row is the option `at` of the table');
    this.#draft.addTable({ name, file: file ?? { path: '-' }, ...(schema === undefined ? {} : { schema }), ...more }, null);
    return makeTable<Row>(name);
  }

  parameter(name: string, options: ParameterOptions = {}): string {
    this.#draft.addParameter({ name, ...options });
    return `\${${name}}`;
  }
}
