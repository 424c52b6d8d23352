// The graph while it is being declared, and the plain value that comes of it.
//
// Owns: sources, tables, stages and sinks in the order in which they were declared; mistakes found on the way.
//   D1. Nothing throws before build(): it gives the whole value, or all mistakes at once.
//   D2. build() changes nothing: called twice it gives equal values.

import type { z } from 'zod';
import type { sourceSchema, tableSchema } from '../../crds/stream-job/sources.ts';
import type { sinkSchema, StreamJob, StreamJobInput } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import { BadDeclaration } from '../base/issues.ts';
import { formatPath } from '../base/path.ts';
import { nameStages, sinkName } from './names.ts';
import { fillParameters } from './parameter-values.ts';
import type { Output, Producer, StageDraft, StageInput } from './producer.ts';
import { checkSchema } from './schema-check.ts';
import type { SchemaMistake } from './schema-mistake.ts';

export type SinkInput = z.input<typeof sinkSchema>;
type SpecInput = StreamJobInput['spec'];

export type SinkDraft = {
  readonly name: string | null;
  readonly from: readonly Output[];
  readonly kind: 'file' | 'subject' | 'journal';
  readonly fields: Omit<SinkInput, 'name' | 'from'>;
};

/** Where the rows of a table come from that is a stream. */
export type TableRows = { readonly from: Output; readonly bootstrap?: Output };

export class Draft {
  readonly jobName: string;
  readonly #options: Partial<Pick<SpecInput, 'description' | 'parameters' | 'partitions' | 'pools'>>;
  readonly #sources: z.input<typeof sourceSchema>[] = [];
  readonly #tables: { readonly spec: z.input<typeof tableSchema>; readonly rows: TableRows | null }[] = [];
  readonly #stages: StageDraft[] = [];
  readonly #sinks: SinkDraft[] = [];
  readonly #parameters: NonNullable<SpecInput['parameters']> = [];
  readonly #mistakes: Issue[] = [];
  /** What was begun (a filter, a key, a window) and which verb used it. */
  readonly #pending: { readonly what: string; readonly after: readonly Output[]; used: boolean }[] = [];

  constructor(jobName: string, options: Partial<Pick<SpecInput, 'description' | 'parameters' | 'partitions' | 'pools'>>) {
    this.jobName = jobName;
    this.#options = options;
  }

  addSource(source: z.input<typeof sourceSchema>): Producer {
    this.#sources.push(source);
    return { kind: 'source', name: source.name };
  }

  /** `rows`: what they come from, when it is a stream. */
  addTable(spec: z.input<typeof tableSchema>, rows: TableRows | null): void {
    this.#tables.push({ spec, rows });
  }

  addParameter(parameter: NonNullable<SpecInput['parameters']>[number]): void {
    this.#parameters.push(parameter);
  }

  addStage(stage: Omit<StageDraft, 'kind' | 'explicitName'>): Output {
    const producer: StageDraft = { kind: 'stage', explicitName: null, ...stage };
    this.#stages.push(producer);
    return { producer, output: null };
  }

  addSink(sink: SinkDraft): void {
    this.#sinks.push(sink);
  }

  /** Notes a mistake at the place `path`, which is a chain as it was written: `flights.window`. */
  mistake(path: string, message: string, fix?: string): void {
    this.#mistakes.push(fix === undefined ? { path, message } : { path, message, fix });
  }

  /** Something that has no effect before a verb uses it; the returned function says that one did. */
  begin(what: string, after: readonly Output[]): () => void {
    const entry = { what, after, used: false };
    this.#pending.push(entry);
    return () => void (entry.used = true);
  }

  /** `parameters`: values given with `--set name=value`. Throws BadDeclaration with all mistakes. */
  build(parameters: Readonly<Record<string, string>> = {}): StreamJob {
    const names = nameStages(
      this.#sources.map((source) => source.name),
      this.#stages,
    );
    const reference = (output: Output): string => refer(output, names.of);
    const value = this.#value(reference, names.of);
    const { filled, issues } = fillParameters(value.spec, value.spec.parameters ?? [], parameters);
    const { job, mistakes } = checkSchema({ ...value, spec: filled });
    const all = [
      ...this.#mistakes,
      ...names.issues,
      ...this.#unused(reference),
      ...issues,
      ...mistakes.map((mistake) => this.#issue(mistake, names.of)),
    ];
    if (job === null || all.length > 0) throw new BadDeclaration(`job ${this.jobName}`, all);
    return job;
  }

  #value(reference: (output: Output) => string, nameOf: (producer: Producer) => string): StreamJobInput {
    const parameters = [...(this.#options.parameters ?? []), ...this.#parameters];
    return {
      apiVersion: 'millrace.dev/v1alpha1',
      kind: 'StreamJob',
      metadata: { name: this.jobName },
      spec: {
        ...this.#options,
        parameters,
        sources: this.#sources,
        tables: this.#tables.map(({ spec, rows }) => ({ ...spec, ...rowsValue(rows, reference) })),
        stages: this.#stages.map((stage) => stageValue(stage, reference, nameOf)),
        sinks: this.#sinkValues(reference),
      },
    };
  }

  #sinkValues(reference: (output: Output) => string): SinkInput[] {
    const taken = new Set(this.#sinks.flatMap((sink) => sink.name ?? []));
    return this.#sinks.map((sink) => {
      const from = sink.from.map(reference);
      return { name: sink.name ?? sinkName(from, sink.kind, taken), from: oneOrAll(from), ...sink.fields };
    });
  }

  #unused(reference: (output: Output) => string): Issue[] {
    return this.#pending
      .filter((entry) => !entry.used)
      .map((entry) => ({
        path: `${entry.after.map(reference).join('+')}.${entry.what}`,
        message: `nothing follows this ${entry.what}: it has no effect`,
        fix: 'add what comes after it, or remove it',
      }));
  }

  /** A mistake against the schema, with the stage's name beside its number. */
  #issue({ path, message, fix }: SchemaMistake, nameOf: (producer: Producer) => string): Issue {
    const stage = path[1] === 'stages' && typeof path[2] === 'number' ? this.#stages[path[2]] : undefined;
    const text = stage === undefined ? message : `stage "${nameOf(stage)}": ${message}`;
    return { path: formatPath(path), message: text, ...(fix === undefined ? {} : { fix }) };
  }
}

function rowsValue(rows: TableRows | null, reference: (output: Output) => string): Pick<z.input<typeof tableSchema>, 'from' | 'bootstrap'> {
  if (rows === null) return {};
  const { from, bootstrap } = rows;
  return { from: reference(from), ...(bootstrap === undefined ? {} : { bootstrap: reference(bootstrap) }) };
}

function stageValue(stage: StageDraft, reference: (output: Output) => string, nameOf: (producer: Producer) => string): StageInput {
  const { join, ...fields } = stage.fields;
  return {
    name: nameOf(stage),
    from: oneOrAll(stage.from.map(reference)),
    ...fields,
    ...(stage.onError === undefined ? {} : { onError: stage.onError }),
    ...(stage.bootstrap === undefined ? {} : { bootstrap: stage.bootstrap.map(reference) }),
    ...(stage.feedback === undefined ? {} : { feedback: { ...stage.feedback, from: reference(stage.feedback.from) } }),
    ...(join === undefined || stage.other === null ? {} : { join: { ...join, with: reference(stage.other) } }),
  };
}

function refer(output: Output, nameOf: (producer: Producer) => string): string {
  const name = nameOf(output.producer);
  return output.output === null ? name : `${name}.${output.output}`;
}

function oneOrAll(references: readonly string[]): string | string[] {
  return references.length === 1 && references[0] !== undefined ? references[0] : [...references];
}
