// Where one declared stage runs: beside its input, or behind an exchange that brings equal keys together.
//
//   L1. Stateless: in the stage of each of its inputs.
//   L2. Keyed: the key is made where the input is (`name/key`), the rest runs behind the exchange. Equal keys of the same
//       output, with equally many partitions, share key node, exchange and stage.
//   L3. What reads tables that are streams runs behind an exchange, where each partition gets all of their rows: a keyed stage as ever (shared
//       only with those that read the same tables), an enrich with as many partitions as what it reads.
//   L4. With `feedback` it shares its stage with no other keyed one. All between it and where events turn back runs there too; there they
//       get their key once more, and go back by an exchange of the stage to itself.

import type { Code } from '../../crds/stream-job/code.ts';
import type { Fields } from '../../crds/stream-job/code.ts';
import type { JoinSpec } from '../../crds/stream-job/joins.ts';
import type { LookupSpec } from '../../crds/stream-job/lookup.ts';
import type { StageSpec } from '../../crds/stream-job/spec.ts';
import type { MigrationSpec } from '../../crds/stream-job/state.ts';
import { assert } from '../base/assert.ts';
import { parseDuration } from '../base/duration.ts';
import { sendsToKeys } from '../job/send-to-key.ts';
import { emittedOutputs, FAILED, inputsOf, INVALID, LATE, OTHER, sendsIn, type StageElement, type StreamTable } from './job-graph.ts';
import { type OnErrorPlan, type OpPlan, ROWS, SENT, type StatePlan, type VersionsPlan } from './physical-plan.ts';
import type { Inlet, Outlet, Placement } from './placement.ts';
import { structureOf } from './structure.ts';
import { compileKeyWatermark, compilePanes, compileWindow, hasPanes, isCode, isKeyed, keyNames, verbsOf } from './stage-verbs.ts';
import { eventTimeOp, missedTimers } from './time-ops.ts';

/** `read`: all references of the job, to know which outputs have readers. */
export type PlaceOptions = {
  readonly partitionsDefault: number;
  readonly read: ReadonlySet<string>;
  /** Those that are streams and that the stage reads. */ readonly tables: readonly StreamTable[];
};

export function placeStage(placement: Placement, stage: StageElement, options: PlaceOptions): void {
  if (isKeyed(stage.spec)) placeKeyed(placement, stage, options);
  else if (options.tables.length > 0) placeBeside(placement, stage, options);
  else placeStateless(placement, stage, options);
}

function placeStateless(placement: Placement, stage: StageElement, options: PlaceOptions): void {
  const outlets = byStage(inputOutlets(placement, stage, 'left')).map((group) => placeTransform(placement, stage, group, options));
  placement.publish(stage.name, outlets);
}

function placeTransform(placement: Placement, { spec, name }: StageElement, group: readonly Outlet[], { read }: PlaceOptions): Outlet {
  const host = hostOf(group);
  placement.note(host, 'fused', name);
  const [verb] = verbsOf(spec);
  if (verb === undefined) return addFilter(placement, name, group, spec);
  const input = spec.filter === undefined ? group : [addFilter(placement, `${name}/filter`, group, spec)];
  return placement.addNode(host, {
    id: name,
    inputs: inlets(input),
    op: statelessOp(spec, { isRead: (output) => read.has(`${name}.${output}`), partitionCount: placement.partitionCountOf(host) }),
    onError: onErrorOf(spec),
  });
}

function addFilter(placement: Placement, id: string, group: readonly Outlet[], spec: StageSpec): Outlet {
  const { filter: code } = spec;
  assert(code !== undefined, () => `${id} has a filter (rules-stages)`);
  return placement.addNode(hostOf(group), { id, inputs: inlets(group), op: { kind: 'filter', code }, onError: onErrorOf(spec) });
}

function onErrorOf({ onError }: StageSpec): OnErrorPlan | undefined {
  if (onError === undefined) return undefined;
  const { retries, backoff, backoffMax, then } = onError;
  return { retries, backoffMs: parseDuration(backoff), backoffMaxMs: parseDuration(backoffMax), then };
}

type StatelessPlace = { readonly isRead: (output: string) => boolean; readonly partitionCount: number };

function statelessOp(spec: StageSpec, place: StatelessPlace): OpPlan {
  const { map, flatMap, eventTime, enrich, sample, branch, rateLimit, validate, compress, decompress } = spec;
  if (map !== undefined) return { kind: 'map', map };
  if (flatMap !== undefined) return { kind: 'flatMap', flatMap };
  if (eventTime !== undefined) return eventTimeOp(eventTime);
  if (enrich !== undefined) return { kind: 'enrich', lookups: enrich };
  if (branch !== undefined) return { kind: 'branch', ...branch, other: place.isRead(OTHER) ? 'output' : 'filtered' };
  if (rateLimit !== undefined) {
    const perSecond = rateLimit.per === 'stage' ? rateLimit.perSecond / place.partitionCount : rateLimit.perSecond;
    return { kind: 'rateLimit', perSecond, burst: rateLimit.burst ?? Math.max(1, Math.floor(perSecond)) };
  }
  if (validate !== undefined) return { kind: 'validate', spec: validate, invalid: place.isRead(INVALID) ? 'output' : 'deadLetter' };
  if (compress !== undefined) return { kind: 'compress', spec: compress };
  if (decompress !== undefined) return { kind: 'decompress', spec: decompress };
  assert(sample !== undefined, 'a stage has a verb (rules-stages)');
  return { kind: 'sample', ratio: sample.ratio, by: sample.by ?? null };
}

// ---- beside tables that are streams

/** L3. */
function placeBeside(placement: Placement, stage: StageElement, { tables }: PlaceOptions): void {
  const { name, spec } = stage;
  const { enrich } = spec;
  assert(enrich !== undefined, () => `${name} is an enrich (rules-side-inputs)`);
  const groups = byStage(inputOutlets(placement, stage, 'left'));
  placement.addStage({
    id: name,
    kind: 'keyed',
    partitionCount: Math.max(...groups.map((group) => placement.partitionCountOf(hostOf(group)))),
    reason: `each of its partitions has all of ${names(tables)}`,
  });
  const waits = waitsFirst(stage, tables) ? { turn: 'waits' as const } : {};
  const edges = groups.flatMap((group) => {
    const input = spec.filter === undefined ? group : [addFilter(placement, `${name}/filter`, group, spec)];
    return input.map((outlet): Inlet => {
      const from = placement.addEdge(outlet, { toStage: name, partitioning: 'forward', label: outletText(outlet) });
      return { from, side: 'left', ...waits };
    });
  });
  const inputs = addSide(placement, { name, host: name, tables, inputs: edges });
  const side = sideId(name);
  placement.publish(name, [
    placement.addNode(name, { id: name, inputs, op: { kind: 'enrich', lookups: enrich }, onError: onErrorOf(spec), side }),
  ]);
}

function outletText({ node, output }: Outlet): string {
  return output === null ? node : `${node}.${output}`;
}

function names(tables: readonly StreamTable[]): string {
  return tables.map(({ name }) => name).join(', ');
}

function sideId(name: string): string {
  return `${name}/side`;
}

type Side = {
  readonly name: string;
  readonly host: string;
  readonly tables: readonly StreamTable[];
  /** Of events. */ readonly inputs: readonly Inlet[];
};

/** What the transform reads behind its side inputs: events, and changes of the tables. */
function addSide(placement: Placement, { name, host, tables, inputs }: Side): readonly Inlet[] {
  const rows = tables.flatMap((table) => {
    const { name: tableName, spec } = table;
    const untimed = waitsFor(table) ? {} : { untimed: true as const };
    const inletsOf = (reference: string, turn: Pick<Inlet, 'turn'>): readonly Inlet[] =>
      rowOutlets(placement, table, reference).map((outlet) => {
        const from = placement.addEdge(outlet, { toStage: host, partitioning: 'all', label: `${outlet.stage}/rows:${tableName}` });
        return { from, side: 'right', ...untimed, ...turn };
      });
    if (spec.bootstrap === undefined) return inletsOf(spec.from, {});
    return [...inletsOf(spec.from, { turn: 'waits' }), ...inletsOf(spec.bootstrap, { turn: 'first' })];
  });
  const bounds = tables.flatMap(({ spec }) => spec.maxWaiting ?? []);
  const bound = bounds.length === 0 ? {} : { waitingMax: Math.min(...bounds) };
  const op = {
    kind: 'sideInput' as const,
    tables: tables.map((table) => ({ name: table.name, waits: waitsFor(table), ...versionsOf(table) })),
    ...bound,
  };
  const side = placement.addNode(host, { id: sideId(name), inputs: [...inputs, ...rows], op });
  return [
    { from: side, side: 'left' },
    { from: { ...side, output: ROWS }, side: 'right' },
  ];
}

/** Something is taken in whole before its events. */
function waitsFirst({ spec }: StageElement, tables: readonly StreamTable[]): boolean {
  return spec.bootstrap !== undefined || tables.some((table) => table.spec.bootstrap !== undefined);
}

function waitsFor({ spec }: StreamTable): boolean {
  return spec.asOf !== 'latest';
}

function versionsOf({ spec: { at, keepFor, validFor } }: StreamTable): { readonly versions?: VersionsPlan } {
  if (at === undefined) return {};
  assert(keepFor !== undefined, 'versions are kept for a time (rules-side-inputs)');
  return { versions: { keepForMs: parseDuration(keepFor), validForMs: validFor === undefined ? null : parseDuration(validFor) } };
}

/** The rows of a table with their keys, where they come from; all that read the table share them. */
function rowOutlets(placement: Placement, { name, spec }: StreamTable, reference: string): readonly Outlet[] {
  return byStage(placement.outletsOf(reference)).map((group) =>
    placement.shareNode(structureOf([group, 'rows', name]), () =>
      placement.addNode(hostOf(group), {
        id: `${name}/rows`,
        inputs: inlets(group),
        op: {
          kind: 'tableRows',
          table: name,
          key: spec.key,
          deleted: spec.deleted ?? null,
          ...(spec.at === undefined ? {} : { at: spec.at }),
        },
      }),
    ),
  );
}

// ---- keyed

function placeKeyed(placement: Placement, stage: StageElement, { partitionsDefault, read, tables }: PlaceOptions): void {
  const { spec, name } = stage;
  const { keyBy } = spec;
  assert(keyBy !== undefined, () => `${name} has a key (rules-stages)`);
  const left = placeKeys(placement, {
    outlets: inputOutlets(placement, stage, 'left'),
    name,
    id: `${name}/key`,
    spec,
    filtered: true,
    code: keyBy,
  });
  const right =
    spec.join === undefined
      ? []
      : placeKeys(placement, {
          outlets: inputOutlets(placement, stage, 'right'),
          name,
          id: `${name}/key-right`,
          spec,
          filtered: false,
          code: spec.join.key ?? keyBy,
        });
  const first = placeKeys(placement, {
    outlets: inputOutlets(placement, stage, 'first'),
    name,
    id: `${name}/key-first`,
    spec,
    filtered: true,
    code: keyBy,
  });
  const partitionCount = spec.partitions ?? partitionsDefault;
  const own = spec.feedback === undefined ? [] : [name]; // L4
  const host = placement.share(structureOf([partitionCount, left, first, right, ...tables.map((table) => table.name), ...own]), name);
  const keyText = describeKey(keyBy);
  if (host === name)
    placement.addStage({
      id: host,
      kind: 'keyed',
      partitionCount,
      reason: `the key changes to ${keyText}: equal keys meet in one partition`,
    });
  else placement.note(host, 'sharing', name);
  const waits = waitsFirst(stage, tables) ? { turn: 'waits' as const } : {};
  const edges: Inlet[] = [
    ...left.map((outlet) => ({
      from: addKeyEdge(placement, outlet, { host, names: keyNames(keyBy), note: '' }),
      side: 'left' as const,
      ...waits,
    })),
    ...first.map((outlet) => ({
      from: addKeyEdge(placement, outlet, { host, names: keyNames(keyBy), note: '-first' }),
      side: 'left' as const,
      turn: 'first' as const,
    })),
    ...right.map((outlet) => ({
      from: addKeyEdge(placement, outlet, { host, names: keyNames(spec.join?.key ?? keyBy), note: '-right' }),
      side: 'right' as const,
      ...waits,
    })),
  ];
  placeKeyedNodes(placement, { stage, host, edges: [...edges, ...loopInlets(placement, stage)], read, tables });
}

/** L4: the exchange, before what feeds it is there. */
function loopInlets(placement: Placement, { name, spec }: StageElement): readonly Inlet[] {
  if (spec.feedback === undefined) return [];
  const outlet = { stage: name, node: loopId(name), output: null };
  return [{ from: placement.addEdge(outlet, { toStage: name, partitioning: 'key', label: loopId(name) }), side: 'left' }];
}

/** L4: what feeds it, once all stages are placed. */
export function closeLoop(placement: Placement, { name, spec }: StageElement): void {
  const { feedback, keyBy: code } = spec;
  if (feedback === undefined || code === undefined) return;
  const outlets = placement.outletsOf(feedback.from);
  const input = spec.filter === undefined ? outlets : [addFilter(placement, `${loopId(name)}/filter`, outlets, spec)];
  const op = { kind: 'keyBy' as const, code, names: keyNames(code), maxRounds: feedback.maxRounds };
  placement.note(name, 'looped', name);
  placement.addNode(name, { id: loopId(name), inputs: inlets(input), op, onError: onErrorOf(spec) });
}

function loopId(name: string): string {
  return `${name}/feedback`;
}

type KeyOptions = {
  readonly outlets: readonly Outlet[];
  readonly name: string;
  readonly id: string;
  readonly spec: StageSpec;
  /** The stage's filter comes before it. */
  readonly filtered: boolean;
  readonly code: Code | Fields;
};

/** Key nodes for `outlets`, one in each stage that they come out of; equal ones are shared. */
function placeKeys(placement: Placement, { outlets, name, id, spec, filtered, code }: KeyOptions): readonly Outlet[] {
  const onError = onErrorOf(spec);
  return byStage(outlets).map((group) => {
    const input = !filtered || spec.filter === undefined ? group : [addFilter(placement, `${name}/filter`, group, spec)];
    return placement.shareNode(structureOf([input, code, onError ?? null]), () =>
      placement.addNode(hostOf(group), { id, inputs: inlets(input), op: { kind: 'keyBy', code, names: keyNames(code) }, onError }),
    );
  });
}

function addKeyEdge(
  placement: Placement,
  outlet: Outlet,
  { host, names, note }: { readonly host: string; readonly names: readonly string[]; readonly note: string },
): number {
  return placement.addEdge(outlet, { toStage: host, partitioning: 'key', label: `${outlet.stage}/key${note}:${names.join('+')}` });
}

type KeyedNodes = {
  readonly stage: StageElement;
  readonly host: string;
  readonly edges: readonly Inlet[];
  readonly read: ReadonlySet<string>;
  readonly tables: readonly StreamTable[];
};

function placeKeyedNodes(placement: Placement, { stage, host, edges, read, tables }: KeyedNodes): void {
  const { spec, name } = stage;
  const sent = sendsToOthers(spec) ? [placeSent(placement, host, name)] : [];
  const late = read.has(`${name}.${LATE}`) ? 'output' : 'deadLetter';
  const failed = read.has(`${name}.${FAILED}`) ? 'output' : 'deadLetter';
  const onError = onErrorOf(spec);
  if (needsOrder(spec)) {
    const ownLate =
      spec.pattern !== undefined ||
      spec.window !== undefined ||
      (spec.machine !== undefined && !emittedOutputs(spec.machine).includes(LATE));
    const order = placement.addNode(host, {
      id: `${name}/order`,
      inputs: edges,
      op: { kind: 'order', late: ownLate ? late : 'deadLetter' },
    });
    placement.note(host, 'ordered', name);
    publish(inlets([order]));
    if (ownLate) placement.publish(`${name}.${LATE}`, [{ ...order, output: LATE }]);
    return;
  }
  publish(spec.processingTime === undefined ? edges : addClocks(placement, { name, host, edges }));

  function publish(events: readonly Inlet[]): void {
    const inputs = tables.length === 0 ? events : addSide(placement, { name, host, tables, inputs: events });
    const side = tables.length === 0 ? {} : { side: sideId(name) };
    const node = placement.addNode(host, { id: name, inputs: [...inputs, ...sent], op: keyedOp(spec, late, failed), onError, ...side });
    placement.publish(name, [node]);
  }
}

/** Actors of the machine send each other events: an exchange of the stage to itself. */
function sendsToOthers({ machine, xstate }: StageSpec): boolean {
  if (machine !== undefined) return sendsIn(machine);
  return xstate !== undefined && (xstate.sends ?? sendsToKeys(xstate.machine));
}

function placeSent(placement: Placement, host: string, name: string): Inlet {
  const outlet = { stage: host, node: name, output: SENT };
  return { from: placement.addEdge(outlet, { toStage: host, partitioning: 'key', label: `${name}.sent` }), side: 'right' };
}

/** One for each side: all give the time of the same step. */
function addClocks(placement: Placement, { name, host, edges }: Pick<KeyedNodes, 'host' | 'edges'> & { readonly name: string }): Inlet[] {
  placement.note(host, 'clocked', name);
  return (['left', 'right'] as const).flatMap((side) => {
    const inputs = edges.filter((edge) => edge.side === side);
    if (inputs.length === 0) return [];
    const id = side === 'left' ? `${name}/clock` : `${name}/clock-right`;
    return [{ from: placement.addNode(host, { id, inputs, op: { kind: 'clock' } }), side }];
  });
}

function needsOrder({ window, machine, xstate, pattern, processingTime }: StageSpec): boolean {
  if (processingTime !== undefined) return false; // they come in it
  return pattern !== undefined || window?.count?.order === 'eventTime' || machine?.order === 'eventTime' || xstate?.order === 'eventTime';
}

function lookupOp(spec: LookupSpec, failed: 'output' | 'deadLetter'): OpPlan {
  const { timeout, backoff, backoffMax, cache, breaker } = spec;
  return {
    kind: 'lookup',
    spec,
    timeoutMs: parseDuration(timeout),
    backoffMs: parseDuration(backoff),
    backoffMaxMs: parseDuration(backoffMax),
    cache: cache === undefined ? null : { size: cache.size, ttlMs: parseDuration(cache.ttl) },
    breaker: breaker === undefined ? null : { failures: breaker.failures, openMs: parseDuration(breaker.openFor) },
    failed,
  };
}

function keyedOp(spec: StageSpec, late: 'output' | 'deadLetter', failed: 'output' | 'deadLetter'): OpPlan {
  const { window, aggregate, rows, changelog, dedupe, join, pattern, machine, xstate, reduce, keyBy } = spec;
  const names = keyNames(keyBy);
  const state = statePlan(spec);
  if (window !== undefined) {
    const { allowedLateness, accumulation, keyWatermark } = window;
    const corrections =
      allowedLateness === undefined ? {} : { latenessMs: parseDuration(allowedLateness), retracts: accumulation === 'retracting' };
    const aggregates = aggregate ?? {};
    const panes = hasPanes(window) ? { panes: compilePanes(window) } : {};
    const own = keyWatermark === undefined ? {} : { keyWatermark: compileKeyWatermark(keyWatermark) };
    const given = { ...corrections, ...panes, ...own };
    return { kind: 'window', window: compileWindow(window), spec: window, aggregates, keyNames: names, late, ...given, ...state };
  }
  if (aggregate !== undefined)
    return { kind: 'aggregate', aggregates: aggregate, keyNames: names, ...(rows === undefined ? {} : { rows }), ...state };
  if (changelog !== undefined) return { kind: 'changelog', spec: changelog };
  if (dedupe !== undefined) return { kind: 'dedupe', ttlMs: parseDuration(dedupe.ttl), late };
  if (join !== undefined) return joinOp(join, late);
  if (spec.lookup !== undefined) return lookupOp(spec.lookup, failed);
  if (pattern !== undefined) {
    const withinMs = pattern.within === undefined ? null : parseDuration(pattern.within);
    return { kind: 'pattern', spec: pattern, withinMs, keyNames: names };
  }
  const read = spec.tables === undefined ? {} : { tables: spec.tables };
  const more = { ...(sendsToOthers(spec) ? { sends: true } : {}), ...read, ...state, ...missedTimers(spec.processingTime) };
  if (machine !== undefined) return { kind: 'machine', spec: machine, ...more };
  if (xstate !== undefined) return { kind: 'xstate', ...xstate, ...more };
  assert(reduce !== undefined, 'a keyed stage has a verb (rules-stages)');
  return { kind: 'reduce', ...reduce, ...read, ...state, ...missedTimers(spec.processingTime) };
}

function statePlan({ state, migrate }: StageSpec): { readonly state?: StatePlan; readonly migrate?: readonly MigrationSpec[] } {
  return {
    ...(state === undefined ? {} : { state: { ttlMs: parseDuration(state.ttl), emits: state.onExpire === 'emit' } }),
    ...(migrate === undefined ? {} : { migrate }),
  };
}

function joinOp(spec: JoinSpec, late: 'output' | 'deadLetter'): OpPlan {
  const { within, window, temporal, table } = spec;
  if (table !== undefined)
    return { kind: 'tableJoin', spec, table: { left: table.left ?? {}, right: table.right ?? {}, emit: table.emit } };
  if (window !== undefined) return { kind: 'windowJoin', spec, window: compileWindow(window), late };
  if (temporal !== undefined) {
    const validForMs = temporal.validFor === undefined ? null : parseDuration(temporal.validFor);
    return { kind: 'temporalJoin', spec, temporal, graceMs: parseDuration(temporal.grace), validForMs, late };
  }
  assert(within !== undefined, 'a join has a bound (rules-joins)');
  return { kind: 'join', spec, withinMs: parseDuration(within), late };
}

// ---- outlets

function inputOutlets(placement: Placement, stage: StageElement, side: 'left' | 'right' | 'first'): readonly Outlet[] {
  return inputsOf(stage)
    .filter((input) => (input.isFirst === true ? 'first' : input.side) === side)
    .flatMap(({ text }) => placement.outletsOf(text));
}

function byStage(outlets: readonly Outlet[]): readonly (readonly Outlet[])[] {
  return [...Map.groupBy(outlets, ({ stage }) => stage).values()];
}

function hostOf(group: readonly Outlet[]): string {
  const [first] = group;
  assert(first !== undefined, 'a stage has an input (schema)');
  return first.stage;
}

function inlets(outlets: readonly Outlet[]): readonly Inlet[] {
  return outlets.map((from) => ({ from, side: 'left' }));
}

function describeKey(keyBy: Code | Fields): string {
  if (!isCode(keyBy)) return Object.keys(keyBy).join(', ');
  return typeof keyBy === 'string' ? keyBy : 'a function of the event';
}
