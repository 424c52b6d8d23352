// Rules on expressions: each is checked against the types of the events that reach it along the graph's edges.
//
//   X1. Types only grow from what is declared (schemas) and derived (map, flatMap, aggregates, emits); else they are dyn.
//   X2. A stage whose inputs are not known (a wrong reference, a cycle) is checked with dyn: no mistake follows from another.

import type { AggregateSpec } from '../../crds/stream-job/aggregates.ts';
import type { TableJoinSpec } from '../../crds/stream-job/joins.ts';
import type { PatternSpec } from '../../crds/stream-job/pattern.ts';
import type { TableSpec } from '../../crds/stream-job/sources.ts';
import type { StageSpec, StreamJob } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import type { PathPart } from '../base/path.ts';
import { DYN, type EventType, listType, NUMBER, objectType, scalarType, STRING, typeOfSchema } from '../expression/event-type.ts';
import { CodeCheck, type Variables } from './code-check.ts';
import {
  EXPIRED,
  FAILED,
  inputsOf,
  INVALID,
  LATE,
  OTHER,
  TIMED_OUT,
  sideTablesOf,
  tableInputs,
  topologicalStages,
  type JobGraph,
  type StageElement,
  type StreamTable,
} from './job-graph.ts';
import { checkMachineCodes } from './machine-types.ts';
import { mergeTypes, orNull } from './merge-types.ts';
import { placedSteps, takingNames } from './pattern-walk.ts';
import { keyNames, windowFields } from './stage-verbs.ts';

type TableSide = NonNullable<TableJoinSpec['left']>;
/** Types by output: `name`, or `name.output`. */
type OutputTypes = Map<string, EventType>;

export function checkExpressions(job: StreamJob, graph: JobGraph): readonly Issue[] {
  const check = new CodeCheck();
  const outputs: OutputTypes = new Map();
  checkSources(job, check, outputs);
  const rows = new Map(checkTables(job, check));
  const sorted = topologicalStages(graph);
  const rest = graph.stages.filter((stage) => !sorted.includes(stage));
  for (const stage of [...sorted, ...rest]) {
    for (const table of sideTablesOf(stage, graph)) checkStreamTable(table, { check, outputs, rows });
    new StageCheck(stage, { check, outputs, rows }).run();
  }
  return check.issues;
}

function checkSources(job: StreamJob, check: CodeCheck, outputs: OutputTypes): void {
  job.spec.sources.forEach(({ name, schema, eventTime }, i) => {
    const event = schema === undefined ? DYN : typeOfSchema(schema);
    outputs.set(name, event);
    const variables = { event, key: DYN, timeMs: NUMBER, nowMs: NUMBER };
    check.one(eventTime?.at, ['spec', 'sources', i, 'eventTime', 'at'], variables, 'number');
    check.one(eventTime?.watermark, ['spec', 'sources', i, 'eventTime', 'watermark'], variables);
  });
}

function checkTables(job: StreamJob, check: CodeCheck): ReadonlyMap<string, EventType> {
  return new Map(job.spec.tables.map((table, i) => [table.name, checkTable(table, ['spec', 'tables', i], check)]));
}

/** Rows have the columns of the file, declared or not. */
function checkTable({ schema, key, at, from }: TableSpec, path: readonly PathPart[], check: CodeCheck): EventType {
  if (from !== undefined) return DYN; // checkStreamTable
  const row = schema === undefined ? DYN : typeOfSchema(schema, true);
  check.one(key, [...path, 'key'], { row });
  check.one(at, [...path, 'at'], { row }, 'number');
  return row;
}

/** Of a table that is a stream, where its first reader comes: what its rows come from is known then. */
function checkStreamTable(table: StreamTable, { check, outputs, rows }: Known): void {
  const { name, spec, path } = table;
  if (rows.get(name) !== DYN) return;
  const row = mergeTypes(tableInputs(table).map(({ text }) => outputs.get(text) ?? DYN));
  rows.set(name, row);
  check.one(spec.key, [...path, 'key'], { row });
  check.one(spec.at, [...path, 'at'], { row }, 'number');
  check.one(spec.deleted, [...path, 'deleted'], { row }, 'bool');
}

/** What may stand behind a dot. */
const IDENTIFIER = /^[A-Za-z_]\w*$/;

type Known = { readonly check: CodeCheck; readonly outputs: OutputTypes; readonly rows: Map<string, EventType> };

/** One stage: its codes are checked in the order in which they run. */
class StageCheck {
  readonly #spec: StageSpec;
  readonly #path: readonly PathPart[];
  readonly #stage: StageElement;
  readonly #known: Known;
  readonly #variables: Variables;
  readonly #event: EventType;

  constructor(stage: StageElement, known: Known) {
    this.#stage = stage;
    this.#spec = stage.spec;
    this.#path = stage.path;
    this.#known = known;
    this.#event = this.#inputType('left');
    this.#variables = { event: this.#event, key: DYN, timeMs: NUMBER, nowMs: NUMBER };
  }

  run(): void {
    const { filter, keyBy, sample, eventTime, reduce } = this.#spec;
    this.#check.one(filter, this.#at('filter'), this.#variables, 'bool');
    const key = this.#check.fields(keyBy, this.#at('keyBy'), this.#variables);
    this.#check.one(eventTime?.at, this.#at('eventTime', 'at'), this.#variables, 'number');
    this.#check.one(eventTime?.watermark, this.#at('eventTime', 'watermark'), this.#variables);
    this.#check.one(sample?.by, this.#at('sample', 'by'), this.#variables);
    this.#check.one(reduce?.init, this.#at('reduce', 'init'), {});
    const names = reduce === undefined ? { context: DYN, key: DYN, state: DYN } : { state: DYN, key: DYN };
    this.#spec.migrate?.forEach(({ state }, i) => this.#check.one(state, this.#at('migrate', i, 'state'), names));
    const result = this.#resultType(key);
    this.#set(null, result);
    this.#set(EXPIRED, this.#spec.aggregate === undefined ? DYN : result);
    this.#set(LATE, this.#spec.join === undefined ? this.#event : mergeTypes([this.#event, this.#inputType('right')]));
    this.#machine(key);
    this.#pattern(key);
    this.#branch();
  }

  get #check(): CodeCheck {
    return this.#known.check;
  }

  #at(...parts: readonly PathPart[]): readonly PathPart[] {
    return [...this.#path, ...parts];
  }

  #set(output: string | null, type: EventType): void {
    this.#known.outputs.set(output === null ? this.#spec.name : `${this.#spec.name}.${output}`, type);
  }

  #inputType(side: 'left' | 'right'): EventType {
    const inputs = inputsOf(this.#stage).filter((input) => input.side === side);
    return mergeTypes(inputs.map(({ text }) => this.#known.outputs.get(text) ?? DYN));
  }

  #resultType(key: EventType): EventType {
    const { map, flatMap, enrich, aggregate, changelog, join, lookup, pattern, machine, reduce, xstate, validate, compress, decompress } =
      this.#spec;
    if (map !== undefined) return this.#check.fields(map, this.#at('map'), this.#variables);
    if (flatMap !== undefined) return this.#flatMap(flatMap);
    if (enrich !== undefined) return this.#enrich(enrich);
    if (aggregate !== undefined) return this.#aggregate(aggregate, key);
    if (changelog !== undefined) return this.#changelog(changelog);
    if (join !== undefined) return this.#join(join);
    if (lookup !== undefined) return this.#lookup(lookup, key);
    if (validate !== undefined) return this.#validate(validate);
    if (compress !== undefined) return this.#packed('compress', compress.field, compress.to === 'base64' ? STRING : DYN);
    if (decompress !== undefined) return this.#packed('decompress', decompress.field, decompress.to === 'text' ? STRING : DYN);
    if (pattern !== undefined) return this.#match(pattern, key);
    return machine === undefined && reduce === undefined && xstate === undefined ? this.#event : DYN;
  }

  #flatMap(flatMap: NonNullable<StageSpec['flatMap']>): EventType {
    if (typeof flatMap === 'string' || typeof flatMap === 'function') {
      const list = this.#check.one(flatMap, this.#at('flatMap'), this.#variables, 'list');
      return list.kind === 'list' ? list.of : DYN;
    }
    return mergeTypes(
      flatMap.map(({ when, emit }, i) => {
        this.#check.one(when, this.#at('flatMap', i, 'when'), this.#variables, 'bool');
        return this.#check.fields(emit, this.#at('flatMap', i, 'emit'), this.#variables);
      }),
    );
  }

  /** A later look-up sees what an earlier one added. */
  #enrich(lookups: NonNullable<StageSpec['enrich']>): EventType {
    let event = this.#event;
    lookups.forEach(({ table, key, at, as, when }, i) => {
      const variables = { ...this.#variables, event };
      this.#check.one(when, this.#at('enrich', i, 'when'), variables, 'bool');
      this.#check.one(key, this.#at('enrich', i, 'key'), variables);
      this.#check.one(at, this.#at('enrich', i, 'at'), variables, 'number');
      const row = this.#known.rows.get(table) ?? DYN;
      if (event.kind === 'object') event = objectType({ ...event.fields, [as]: row }, event.open);
    });
    return event;
  }

  #aggregate(aggregates: NonNullable<StageSpec['aggregate']>, key: EventType): EventType {
    const names = keyNames(this.#spec.keyBy);
    const variables = { ...this.#variables, key: keyValueType(key, names) };
    const fields = Object.entries(aggregates).map(
      ([name, aggregate]) => [name, this.#aggregateType(aggregate, this.#at('aggregate', name), variables)] as const,
    );
    const { window, rows } = this.#spec;
    this.#check.one(rows?.id, this.#at('rows', 'id'), this.#variables);
    this.#check.one(rows?.deleted, this.#at('rows', 'deleted'), this.#variables, 'bool');
    const types: Record<string, EventType> = { pane: scalarType('string', false), isLast: scalarType('bool', false) };
    const windowTypes = Object.fromEntries(windowFields(window).map((name) => [name, types[name] ?? NUMBER]));
    window?.early?.forEach(({ when }, i) => this.#check.one(when, this.#at('window', 'early', i, 'when'), variables, 'bool'));
    return objectType({ ...keyFieldTypes(key, names), ...windowTypes, ...Object.fromEntries(fields) });
  }

  #changelog({ deleted }: NonNullable<StageSpec['changelog']>): EventType {
    this.#check.one(deleted, this.#at('changelog', 'deleted'), this.#variables, 'bool');
    return objectType({ change: STRING, row: this.#event });
  }

  #aggregateType(aggregate: AggregateSpec, path: readonly PathPart[], variables: Variables): EventType {
    this.#check.one(aggregate.where, [...path, 'where'], variables, 'bool');
    const of = (name: 'min' | 'max' | 'first' | 'last' | 'collect' | 'distinct' | 'approxDistinct'): EventType =>
      this.#check.one(aggregate[name], [...path, name], variables);
    this.#check.one(aggregate.sum, [...path, 'sum'], variables, 'number');
    for (const name of ['mean', 'variance', 'stddev'] as const) this.#check.one(aggregate[name], [...path, name], variables, 'number');
    const collected = of('collect');
    for (const name of ['distinct', 'approxDistinct'] as const) of(name);
    this.#check.one(aggregate.quantiles?.of, [...path, 'quantiles', 'of'], variables, 'number');
    this.#check.one(aggregate.top?.by, [...path, 'top', 'by'], variables);
    const ranked = this.#check.one(aggregate.top?.value, [...path, 'top', 'value'], variables);
    const picked = (['min', 'max', 'first', 'last'] as const)
      .filter((name) => aggregate[name] !== undefined)
      .map((name) => orNull(of(name)));
    if (picked.length > 0) return mergeTypes(picked);
    if (aggregate.collect !== undefined) return listType(collected);
    if (aggregate.top !== undefined) return listType(ranked);
    const frequent = this.#check.one(aggregate.heavyHitters?.of, [...path, 'heavyHitters', 'of'], variables);
    if (aggregate.heavyHitters !== undefined) return listType(objectType({ value: frequent, count: NUMBER, error: NUMBER }));
    const sampled = this.#check.one(aggregate.reservoir?.of, [...path, 'reservoir', 'of'], variables);
    if (aggregate.reservoir !== undefined) return listType(sampled);
    const double = scalarType('double', true);
    if (aggregate.quantiles !== undefined) return listType(double);
    return (['mean', 'variance', 'stddev'] as const).some((name) => aggregate[name] !== undefined) ? double : NUMBER;
  }

  #join({ key, select, type, window, temporal, table }: NonNullable<StageSpec['join']>): EventType {
    const right = this.#inputType('right');
    const rightKey = key ?? this.#spec.keyBy;
    const path = key === undefined ? this.#at('keyBy') : this.#at('join', 'key');
    this.#check.fields(rightKey, path, { ...this.#variables, event: right });
    this.#check.one(temporal?.deleted, this.#at('join', 'temporal', 'deleted'), { ...this.#variables, event: right }, 'bool');
    this.#tableSide(table?.left, 'left', this.#event);
    this.#tableSide(table?.right, 'right', right);
    const sides = {
      left: type === 'right' || type === 'full' ? orNull(this.#event) : this.#event,
      right: type === 'left' || type === 'full' ? orNull(right) : right,
      ...(window === undefined ? {} : { windowStartMs: NUMBER, windowEndMs: NUMBER }),
      ...(table === undefined ? {} : { change: STRING }),
    };
    return select === undefined ? objectType(sides) : this.#check.fields(select, this.#at('join', 'select'), sides);
  }

  #tableSide(side: TableSide | undefined, name: 'left' | 'right', event: EventType): void {
    const variables = { ...this.#variables, event };
    this.#check.one(side?.id, this.#at('join', 'table', name, 'id'), variables);
    this.#check.one(side?.deleted, this.#at('join', 'table', name, 'deleted'), variables, 'bool');
  }

  #branch(): void {
    const { branch } = this.#spec;
    branch?.outputs.forEach(({ name, when }, i) => {
      this.#check.one(when, this.#at('branch', 'outputs', i, 'when'), this.#variables, 'bool');
      this.#set(name, this.#event);
    });
    if (branch !== undefined) this.#set(OTHER, this.#event);
  }

  /** What it says of fields holds behind it; its rules read them so. */
  #validate({ schema, others, rules }: NonNullable<StageSpec['validate']>): EventType {
    const declared = schema === undefined ? null : typeOfSchema(schema);
    const kept: EventType = others === 'keep' ? this.#event : objectType({});
    const { fields, open } = kept.kind === 'object' ? kept : { fields: {}, open: true };
    const event = declared?.kind === 'object' ? objectType({ ...fields, ...declared.fields }, open) : this.#event;
    const variables = { ...this.#variables, event };
    rules.forEach(({ holds }, i) => this.#check.one(holds, this.#at('validate', 'rules', i, 'holds'), variables, 'bool'));
    this.#set(INVALID, objectType({ event: DYN, problems: listType(STRING) }));
    return event;
  }

  /** The field is one that events have; behind it, it is `type`. */
  #packed(verb: 'compress' | 'decompress', field: string, type: EventType): EventType {
    const event = this.#event;
    if (event.kind !== 'object') return event;
    if (IDENTIFIER.test(field)) this.#check.one(`event.${field}`, this.#at(verb, 'field'), this.#variables);
    return objectType({ ...event.fields, [field]: type }, event.open);
  }

  /** The answer may be anything. */
  #lookup({ http, as }: NonNullable<StageSpec['lookup']>, key: EventType): EventType {
    const variables = { ...this.#variables, key: keyValueType(key, keyNames(this.#spec.keyBy)) };
    const at = (...parts: readonly PathPart[]): readonly PathPart[] => this.#at('lookup', 'http', ...parts);
    this.#check.one(http?.url, at('url'), variables, 'string');
    this.#check.fields(http?.query, at('query'), variables);
    this.#check.fields(http?.headers, at('headers'), variables);
    this.#check.one(http?.body, at('body'), variables);
    this.#set(FAILED, objectType({ event: this.#event, problem: scalarType('string', false) }));
    return this.#event.kind === 'object' ? objectType({ ...this.#event.fields, [as]: DYN }, this.#event.open) : this.#event;
  }

  /** What a match gives. */
  #match({ select, steps }: PatternSpec, key: EventType): EventType {
    const names = keyNames(this.#spec.keyBy);
    const whole = { startMs: NUMBER, endMs: NUMBER, matched: matchedType(steps, this.#event) };
    if (select === undefined) return objectType({ ...keyFieldTypes(key, names), ...whole });
    return this.#check.fields(select, this.#at('pattern', 'select'), { ...whole, key: keyValueType(key, names) });
  }

  #pattern(key: EventType): void {
    const { pattern, keyBy } = this.#spec;
    if (pattern === undefined) return;
    const names = keyNames(keyBy);
    const matched = matchedType(pattern.steps, this.#event);
    const variables = { event: this.#event, matched, key: keyValueType(key, names), timeMs: NUMBER };
    for (const { step, path } of placedSteps(pattern)) {
      this.#check.one(step.where, this.#at('pattern', ...path, 'where'), variables, 'bool');
      this.#check.one(step.until, this.#at('pattern', ...path, 'until'), variables, 'bool');
    }
    this.#set(TIMED_OUT, objectType({ ...keyFieldTypes(key, names), startMs: NUMBER, endMs: NUMBER, matched }));
  }

  #machine(key: EventType): void {
    const { machine, keyBy, tables } = this.#spec;
    if (machine === undefined) return;
    const emitted = checkMachineCodes(machine, {
      event: this.#event,
      key: keyValueType(key, keyNames(keyBy)),
      // Missing keys and fields of rows are found when it runs.
      more: tables === undefined ? {} : { tables: objectType(Object.fromEntries(tables.map((name) => [name, DYN]))) },
      path: this.#at('machine'),
      check: this.#check,
    });
    for (const [output, type] of emitted) this.#set(output, type);
  }
}

/** The events of a match by step. */
function matchedType(steps: PatternSpec['steps'], event: EventType): EventType {
  return objectType(Object.fromEntries(takingNames(steps).map((name) => [name, listType(event)])));
}

/** The type of the variable `key`: one part is its value, several are a list. */
function keyValueType(key: EventType, names: readonly string[]): EventType {
  if (key.kind !== 'object') return key;
  const [only] = names;
  return names.length === 1 && only !== undefined ? (key.fields[only] ?? DYN) : listType(DYN);
}

function keyFieldTypes(key: EventType, names: readonly string[]): Record<string, EventType> {
  return Object.fromEntries(names.map((name) => [name, key.kind === 'object' ? (key.fields[name] ?? DYN) : key]));
}
