// The objects behind the fluent skin: each verb adds a stage to the draft. Types are those of stream.ts; here is none.
//
//   S1. A stream is a value: a verb leaves it as it is, so it may be read by many.
//   S2. An unnamed filter goes into the stage of each verb that reads it; read by a sink, a merge or as the right side
//       of a join, or followed by another filter or .as(), it is a stage of its own.
//   S3. A mistake is noted in the draft and the chain goes on, so that build() finds the others too.

import { isDeepStrictEqual } from 'node:util';
import type { Code } from '../../crds/stream-job/code.ts';
import type { Fields } from '../../crds/stream-job/code.ts';
import type { Aggregate } from './aggregates.ts';
import type { Cel } from './cel.ts';
import { codeOf, codeOrFieldsOf, fieldOrCodeOf } from './code.ts';
import type { Draft, SinkDraft } from './draft.ts';
import type { DeclaredMachine, MachineOptions, XStateMachine } from './machine-type.ts';
import type { PatternOptions } from './pattern-type.ts';
import { patternInput } from './pattern-type.ts';
import { lookupSpec, type LookupDraft } from './lookup-type.ts';
import type { Output, StageDraft, StageFields } from './producer.ts';
import type { ReduceCellSpec } from '../../crds/stream-job/state.ts';
import type { Cells } from './cell.ts';
import type { Actor, Migration, StateOptions } from './reduce-type.ts';
import { schemaSpec, type EventSchema } from './schema-type.ts';
import type { EventTimeOptions } from './source.ts';
import { eventTimeSpec } from './source.ts';
import type { FeedbackOptions, KeyOptions, NatsSinkOptions, ProcessingTimeOptions, SinkOptions, ValidateOptions } from './stream.ts';
import type { Lookup, Table } from './table.ts';
import type { Window } from './window.ts';
import { tumbling } from './window.ts';

type AnyCode = Cel | ((...args: never[]) => unknown);
type AnyCodes = { readonly [field: string]: AnyCode };
type Cases = readonly { readonly when?: AnyCode; readonly emit: AnyCode | AnyCodes }[];
type DraftAggregates = { readonly [field: string]: Aggregate<never, unknown> };
type PendingFilter = { readonly code: Code; readonly used: () => void };

export class DraftStream {
  readonly draft: Draft;
  /** What it reads, before a pending filter. */
  readonly inputs: readonly Output[];
  readonly #filter: PendingFilter | null;
  #settled: readonly Output[] | null = null;

  constructor(draft: Draft, inputs: readonly Output[], filter: PendingFilter | null = null) {
    this.draft = draft;
    this.inputs = inputs;
    this.#filter = filter;
  }

  as(name: string): DraftStream {
    const outputs = this.outputs();
    const producer = outputs[0]?.producer;
    if (outputs.length !== 1 || producer?.kind !== 'stage' || outputs[0]?.output !== null) {
      this.draft.mistake(
        `as('${name}')`,
        'there is no stage to name here',
        '.as() follows the verb whose stage it names; sources, outputs and merges have names already',
      );
    } else if (producer.explicitName !== null) {
      this.draft.mistake(`as('${name}')`, `this stage is already named "${producer.explicitName}"`, 'name it once');
    } else {
      producer.explicitName = name;
    }
    return new DraftStream(this.draft, outputs);
  }

  onError(policy: StageFields['onError']): DraftStream {
    const outputs = this.outputs();
    const producer = outputs[0]?.producer;
    if (outputs.length === 1 && producer?.kind === 'stage') producer.onError = policy;
    else this.draft.mistake('onError(…)', 'there is no stage here', '.onError() follows the verb whose stage it is about');
    return new DraftStream(this.draft, outputs);
  }

  filter(code: AnyCode): DraftStream {
    const inputs = this.outputs();
    return new DraftStream(this.draft, inputs, { code: codeOf(code), used: this.draft.begin('filter', inputs) });
  }

  map(code: AnyCode | AnyCodes): DraftStream {
    return this.stage('map', { map: codeOrFieldsOf(code) });
  }

  flatMap(code: AnyCode | Cases): DraftStream {
    return this.stage('flat-map', { flatMap: isCases(code) ? code.map(caseOf) : codeOf(code) });
  }

  eventTime(options: EventTimeOptions<never>): DraftStream {
    return this.stage('event-time', { eventTime: eventTimeSpec(options) });
  }

  enrich(lookups: { readonly [field: string]: Lookup<never, unknown> }): DraftStream {
    return this.stage('enrich', { enrich: Object.entries(lookups).map(([as, lookup]) => ({ table: lookup.table, as, ...lookup.spec })) });
  }

  sample(ratio: number, options: { readonly by?: AnyCode } = {}): DraftStream {
    return this.stage('sample', { sample: options.by === undefined ? { ratio } : { ratio, by: codeOf(options.by) } });
  }

  branch(outputs: { readonly [name: string]: AnyCode | true }, options: { readonly match?: 'first' | 'all' } = {}): DraftStream {
    const listed = Object.entries(outputs).map(([name, when]) => (when === true ? { name } : { name, when: codeOf(when) }));
    return this.stage('branch', { branch: { outputs: listed, ...options } });
  }

  rateLimit(perSecond: number, options: { readonly burst?: number; readonly per?: 'stage' | 'partition' } = {}): DraftStream {
    return this.stage('rate-limit', { rateLimit: { perSecond, ...options } });
  }

  validate({ schema, rules = [], ...options }: ValidateOptions<never, EventSchema>): DraftStream {
    const coded = rules.map(({ holds, ...rest }) => ({ holds: codeOf(holds), ...rest }));
    return this.stage('validate', {
      validate: { ...options, ...(schema === undefined ? {} : { schema: schemaSpec(schema) }), rules: coded },
    });
  }

  compress(field: string, options: Omit<StageFields['compress'] & object, 'field'> = {}): DraftStream {
    return this.stage('compress', { compress: { field, ...options } });
  }

  decompress(field: string, options: Omit<StageFields['decompress'] & object, 'field'> = {}): DraftStream {
    return this.stage('decompress', { decompress: { field, ...options } });
  }

  keyBy(key: string | AnyCode | AnyCodes, options: KeyOptions = {}): DraftKeyedStream {
    return new DraftKeyedStream(this, { code: keyOf(key), ...options }, this.draft.begin('keyBy', this.inputs));
  }

  toFile(path: string, { name }: SinkOptions = {}): this {
    return this.#sink('file', name, { file: { path } });
  }

  toNats(subject: string, { name, ...options }: NatsSinkOptions = {}): this {
    return this.#sink('subject', name, { nats: { subject, ...options } });
  }

  toJournal({ name }: SinkOptions = {}): this {
    return this.#sink('journal', name, { journal: {} });
  }

  /** A named output of the stage made last. */
  output(name: string): DraftStream {
    return new DraftStream(
      this.draft,
      this.inputs.map(({ producer }) => ({ producer, output: name })),
    );
  }

  // Refused by the types; from JavaScript they are mistakes of the draft (S3).
  window(window: Window): DraftWindowedStream {
    return this.#unkeyed('window').window(window);
  }

  aggregate(aggregates: DraftAggregates): DraftStream {
    return this.#unkeyed('aggregate').aggregate(aggregates);
  }

  changelog(options: { readonly deleted?: AnyCode } = {}): DraftStream {
    return this.#unkeyed('changelog').changelog(options);
  }

  dedupe(ttl: string): DraftStream {
    return this.#unkeyed('dedupe').dedupe(ttl);
  }

  join(other: unknown, options: DraftJoinOptions): DraftStream {
    return this.#unkeyed('join').join(other, options);
  }

  pattern(pattern: PatternOptions<never>): DraftStream {
    return this.#unkeyed('pattern').pattern(pattern);
  }

  machine(machine: XStateMachine | DeclaredMachine, options?: MachineOptions): DraftStream {
    return this.#unkeyed('machine').machine(machine, options);
  }

  lookup(options: LookupDraft): DraftStream {
    return this.#unkeyed('lookup').lookup(options);
  }

  reduce(actor: Actor<never, unknown, never>): DraftStream {
    return this.#unkeyed('reduce').reduce(actor);
  }

  /** What this stream reads, with a pending filter made a stage of its own (once). */
  outputs(): readonly Output[] {
    if (this.#filter === null) return this.inputs;
    this.#filter.used();
    this.#settled ??= [this.draft.addStage({ from: this.inputs, verb: 'filter', fields: { filter: this.#filter.code }, other: null })];
    return this.#settled;
  }

  /** What this stream reads, as one input: a merge becomes a stage that lets everything through. */
  single(): Output {
    const outputs = this.outputs();
    const [first] = outputs;
    return outputs.length === 1 && first !== undefined
      ? first
      : this.draft.addStage({ from: outputs, verb: 'merge', fields: { filter: 'true' }, other: null });
  }

  /** Adds a stage that reads this stream. */
  stage(verb: string, fields: StageFields, other: Output | null = null, bootstrap?: readonly Output[]): DraftStream {
    this.#filter?.used();
    const filter = this.#filter === null ? {} : { filter: this.#filter.code };
    const stage = { from: this.inputs, verb, fields: { ...filter, ...fields }, other, bootstrap };
    return new DraftStream(this.draft, [this.draft.addStage(stage)]);
  }

  #sink(kind: SinkDraft['kind'], name: string | undefined, fields: SinkDraft['fields']): this {
    this.draft.addSink({ name: name ?? null, from: this.outputs(), kind, fields });
    return this;
  }

  #unkeyed(verb: string): DraftKeyedStream {
    this.draft.mistake(verb, `${verb} needs a key`, `write .keyBy('field') before .${verb}(…)`);
    return this.keyBy('key');
  }
}

type Key = {
  readonly code: Code | Fields;
  readonly partitions?: number;
  readonly processingTime?: ProcessingTimeOptions;
  readonly bootstrap?: readonly Output[];
};
type DraftRows = { readonly id: string | AnyCode; readonly deleted?: AnyCode };
type DraftTableSide = { readonly id?: string | AnyCode; readonly deleted?: AnyCode };
export type DraftJoinOptions = {
  readonly within?: string;
  readonly window?: Window;
  readonly table?: { readonly left?: DraftTableSide; readonly right?: DraftTableSide; readonly emit?: 'rows' | 'changes' };
  readonly temporal?: { readonly grace?: string; readonly deleted?: AnyCode; readonly validFor?: string };
  readonly type?: 'inner' | 'left' | 'right' | 'full';
  readonly select?: AnyCode | AnyCodes;
};
export type DraftWindowedStream = { aggregate(aggregates: DraftAggregates, options?: { readonly state?: StateOptions }): DraftStream };

export class DraftKeyedStream {
  readonly stream: DraftStream;
  readonly key: Key;
  readonly used: () => void;
  /** Stages that read it. */
  readonly #made: StageDraft[] = [];

  constructor(stream: DraftStream, key: Key, used: () => void) {
    this.stream = stream;
    this.key = key;
    this.used = used;
  }

  processingTime(options: ProcessingTimeOptions = {}): DraftKeyedStream {
    return new DraftKeyedStream(this.stream, { ...this.key, processingTime: options }, this.used);
  }

  bootstrap(...streams: readonly unknown[]): DraftKeyedStream {
    const { draft } = this.stream;
    const outputs = streams.flatMap((stream): readonly Output[] => {
      if (stream instanceof DraftStream && stream.draft === draft) return stream.outputs();
      draft.mistake('bootstrap', 'it is no stream of this job', 'name streams of this job that end, before their keyBy');
      return [];
    });
    return new DraftKeyedStream(this.stream, { ...this.key, bootstrap: outputs }, this.used);
  }

  feedback(back: unknown, options: FeedbackOptions = {}): void {
    const { draft } = this.stream;
    const [head, ...others] = this.#made;
    if (!(back instanceof DraftStream) || back.draft !== draft)
      draft.mistake('feedback', 'it is no stream of this job', 'name a stream that comes of what this key is read by');
    else if (head === undefined)
      draft.mistake('feedback', 'nothing reads this key yet', 'write .feedback(…) behind the verb that takes what comes back');
    else if (others.length > 0 || head.feedback !== undefined)
      draft.mistake(
        'feedback',
        others.length > 0 ? 'several stages read this key' : 'this key has a feedback already',
        others.length > 0 ? 'give the one that takes what comes back a .keyBy(…) of its own' : 'merge what comes back',
      );
    else head.feedback = { from: back.single(), ...options };
  }

  window(window?: Window): DraftWindowedStream {
    const { draft } = this.stream;
    if (window === undefined)
      draft.mistake(
        'window',
        'a window needs its type',
        "write .window(tumbling('1h')), .window(sliding('3h', '1h')) or .window(session('12h'))",
      );
    this.used();
    const used = draft.begin('window', this.stream.inputs);
    return {
      aggregate: (aggregates, { state } = {}) => {
        used();
        const cut = { window: window?.spec ?? tumbling('1h').spec, aggregate: aggregateSpecs(aggregates) };
        return this.#stage('aggregate', { ...cut, ...(state === undefined ? {} : { state }) });
      },
    };
  }

  aggregate(aggregates: DraftAggregates, { state, rows }: { readonly state?: StateOptions; readonly rows?: DraftRows } = {}): DraftStream {
    return this.#stage('aggregate', {
      aggregate: aggregateSpecs(aggregates),
      ...(rows === undefined ? {} : { rows: { id: fieldOrCodeOf(rows.id), ...deletedOf(rows) } }),
      ...(state === undefined ? {} : { state }),
    });
  }

  changelog(options: { readonly deleted?: AnyCode } = {}): DraftStream {
    return this.#stage('changelog', { changelog: deletedOf(options) });
  }

  dedupe(ttl: string): DraftStream {
    return this.#stage('dedupe', { dedupe: { ttl } });
  }

  join(other: unknown, options: DraftJoinOptions): DraftStream {
    const { draft } = this.stream;
    const right = other instanceof DraftKeyedStream ? other : null;
    if (right === null)
      draft.mistake('join', 'the other side of a join needs a key', "write .join(other.keyBy('field'), { within: '10m' })");
    else if (right.stream.draft !== draft) draft.mistake('join', 'the other side belongs to another job', 'join streams of one job');
    right?.used();
    const join = {
      ...this.#rightKey(right),
      ...boundOf(options),
      ...(options.type === undefined ? {} : { type: options.type }),
      ...selectOf(options),
    };
    return this.#stage('join', { join }, right?.stream.single() ?? null);
  }

  pattern(pattern: PatternOptions<never>): DraftStream {
    return this.#stage('pattern', { pattern: patternInput(pattern) });
  }

  lookup(options: LookupDraft): DraftStream {
    return this.#stage('lookup', { lookup: lookupSpec(options) });
  }

  machine(machine: XStateMachine | DeclaredMachine, { state, migrate, tables, ...options }: MachineOptions = {}): DraftStream {
    const kept = keptOf({ state, migrate, tables });
    return this.#stage(
      'machine',
      isXState(machine) ? { xstate: { machine, ...options }, ...kept } : { machine: { ...machine, ...options }, ...kept },
    );
  }

  reduce(actor: Actor<never, unknown, never>, options: KeptOptions = {}): DraftStream {
    const { cells, ...functions } = actor;
    const declared = cells === undefined ? {} : { cells: cellSpecs(cells as Cells) };
    return this.#stage('reduce', { reduce: { ...functions, ...declared }, ...keptOf(options) });
  }

  #stage(verb: string, fields: StageFields, other: Output | null = null): DraftStream {
    this.used();
    const { code, partitions, processingTime, bootstrap } = this.key;
    const more = { ...(partitions === undefined ? {} : { partitions }), ...(processingTime === undefined ? {} : { processingTime }) };
    const stage = this.stream.stage(verb, { keyBy: code, ...fields, ...more }, other, bootstrap);
    this.#made.push(...stage.inputs.flatMap(({ producer }) => (producer.kind === 'stage' ? [producer] : [])));
    return stage;
  }

  /** Nothing when both sides have the same key: the spec's default. */
  #rightKey(right: DraftKeyedStream | null): { key?: Code } {
    if (right === null || isDeepStrictEqual(right.key.code, this.key.code)) return {};
    const { code } = right.key;
    if (typeof code === 'string' || typeof code === 'function') return { key: code };
    this.stream.draft.mistake(
      'join',
      "the other side has a key of named parts that differs from this side's",
      'key both sides by the same named parts, or the other side by one expression',
    );
    return {};
  }
}

function cellSpecs(cells: Cells): Record<string, ReduceCellSpec> {
  return Object.fromEntries(Object.entries(cells).map(([name, { spec }]) => [name, spec]));
}

type KeptOptions = {
  readonly state?: StateOptions | undefined;
  readonly migrate?: readonly Migration[] | undefined;
  readonly tables?: readonly Table<unknown>[] | undefined;
};

function keptOf({ state, migrate, tables }: KeptOptions): Pick<StageFields, 'state' | 'migrate' | 'tables'> {
  return {
    ...(tables === undefined ? {} : { tables: tables.map(({ name }) => name) }),
    ...(state === undefined ? {} : { state }),
    ...(migrate === undefined ? {} : { migrate: migrate.map((step) => ({ ...step, state: codeOf(step.state) })) }),
  };
}

function isXState(machine: XStateMachine | DeclaredMachine): machine is XStateMachine {
  return 'transition' in machine && typeof machine.transition === 'function';
}

function aggregateSpecs(aggregates: DraftAggregates): NonNullable<StageFields['aggregate']> {
  return Object.fromEntries(Object.entries(aggregates).map(([field, aggregate]) => [field, aggregate.spec]));
}

function boundOf({ within, window, temporal, table }: DraftJoinOptions): Omit<NonNullable<StageFields['join']>, 'key' | 'type' | 'select'> {
  return {
    ...(table === undefined ? {} : { table: tableOf(table) }),
    ...(within === undefined ? {} : { within }),
    ...(window === undefined ? {} : { window: window.spec }),
    ...(temporal === undefined ? {} : { temporal: temporalOf(temporal) }),
  };
}

function tableOf({ left, right, ...rest }: NonNullable<DraftJoinOptions['table']>): NonNullable<StageFields['join']>['table'] {
  return { ...rest, ...(left === undefined ? {} : { left: sideOf(left) }), ...(right === undefined ? {} : { right: sideOf(right) }) };
}

function sideOf({ id, deleted }: DraftTableSide): { id?: Code; deleted?: Code } {
  return { ...(id === undefined ? {} : { id: fieldOrCodeOf(id) }), ...deletedOf({ deleted }) };
}

function deletedOf({ deleted }: { readonly deleted?: AnyCode | undefined }): { deleted?: Code } {
  return deleted === undefined ? {} : { deleted: codeOf(deleted) };
}

function temporalOf({ deleted, ...rest }: NonNullable<DraftJoinOptions['temporal']>): NonNullable<StageFields['join']>['temporal'] {
  return { ...rest, ...deletedOf({ deleted }) };
}

function selectOf(options: DraftJoinOptions): { select?: Code | Fields } {
  return options.select === undefined ? {} : { select: codeOrFieldsOf(options.select) };
}

function keyOf(key: string | AnyCode | AnyCodes): Code | Fields {
  return typeof key === 'string' ? fieldOrCodeOf(key) : codeOrFieldsOf(key);
}

function isCases(code: AnyCode | Cases): code is Cases {
  return Array.isArray(code);
}

function caseOf(one: Cases[number]): { when?: Code; emit: Code | Fields } {
  return { ...(one.when === undefined ? {} : { when: codeOf(one.when) }), emit: codeOrFieldsOf(one.emit) };
}
