// A job as a graph: what its names stand for, and what reads what. Tolerant: names may be missing, double or in cycles.

import type { MachineSpec, MachineState } from '../../crds/stream-job/machine.ts';
import type { SourceSpec, StreamTableSpec, TableSpec } from '../../crds/stream-job/sources.ts';
import type { SinkSpec, StageSpec, StreamJob } from '../../crds/stream-job/spec.ts';
import type { PathPart } from '../base/path.ts';
import { actionsOf, eachState } from './machine-walk.ts';

export type Element = { readonly name: string; readonly path: readonly PathPart[] } & (
  | { readonly kind: 'source'; readonly spec: SourceSpec }
  | { readonly kind: 'table'; readonly spec: TableSpec }
  | { readonly kind: 'stage'; readonly spec: StageSpec }
  | { readonly kind: 'sink'; readonly spec: SinkSpec }
);
export type StageElement = Extract<Element, { kind: 'stage' }>;
export type SinkElement = Extract<Element, { kind: 'sink' }>;
export type StreamTable = Extract<Element, { kind: 'table' }> & { readonly spec: StreamTableSpec };
export type SourceElement = Extract<Element, { kind: 'source' }>;

/** `name` or `name.output`, where it stands. */
export type Reference = {
  readonly name: string;
  readonly output: string | null;
  readonly text: string;
  readonly path: readonly PathPart[];
  readonly side: 'left' | 'right';
  /** Taken in to its end before the others. */
  readonly isFirst?: true;
};

export type JobGraph = {
  /** In order of declaration: sources, tables, stages, sinks. */
  readonly elements: readonly Element[];
  readonly stages: readonly StageElement[];
  /** First element of each name. */
  readonly byName: ReadonlyMap<string, Element>;
};

export function graphOf(job: StreamJob): JobGraph {
  const { sources, tables, stages, sinks } = job.spec;
  const elements: Element[] = [
    ...sources.map((spec, i) => ({ kind: 'source' as const, name: spec.name, spec, path: ['spec', 'sources', i] })),
    ...tables.map((spec, i) => ({ kind: 'table' as const, name: spec.name, spec, path: ['spec', 'tables', i] })),
    ...stages.map((spec, i) => ({ kind: 'stage' as const, name: spec.name, spec, path: ['spec', 'stages', i] })),
    ...sinks.map((spec, i) => ({ kind: 'sink' as const, name: spec.name, spec, path: ['spec', 'sinks', i] })),
  ];
  const byName = new Map<string, Element>();
  for (const element of elements) if (!byName.has(element.name)) byName.set(element.name, element);
  return { elements, stages: elements.filter((element) => element.kind === 'stage'), byName };
}

/** What a stage or sink reads: `from`, `bootstrap`, `join.with`. */
export function inputsOf(element: StageElement | SinkElement): readonly Reference[] {
  const { from } = element.spec;
  const left =
    typeof from === 'string'
      ? [reference(from, [...element.path, 'from'])]
      : from.map((text, i) => reference(text, [...element.path, 'from', i]));
  if (element.kind === 'sink') return left;
  const { join, bootstrap = [] } = element.spec;
  const first = bootstrap.map((text, i): Reference => ({ ...reference(text, [...element.path, 'bootstrap', i]), isFirst: true }));
  const all = [...left, ...first];
  return join === undefined ? all : [...all, { ...reference(join.with, [...element.path, 'join', 'with']), side: 'right' }];
}

/** The tables that are streams which a stage reads, each once, in order of its first use. */
export function sideTablesOf({ spec }: Pick<StageElement, 'spec'>, graph: JobGraph): readonly StreamTable[] {
  const names = new Set([...(spec.enrich ?? []).map(({ table }) => table), ...(spec.tables ?? [])]);
  return [...names].flatMap((name) => {
    const table = graph.byName.get(name);
    return table?.kind === 'table' && table.spec.from !== undefined ? [{ ...table, spec: { ...table.spec, from: table.spec.from } }] : [];
  });
}

/** Where the rows of a table come from: `from`, then `bootstrap`. */
export function tableInputs({ spec: { from, bootstrap }, path }: StreamTable): readonly Reference[] {
  const live = reference(from, [...path, 'from']);
  return bootstrap === undefined ? [live] : [live, { ...reference(bootstrap, [...path, 'bootstrap']), isFirst: true }];
}

/** What a stage reads, itself or by tables that are streams. */
export function allInputsOf(stage: StageElement, graph: JobGraph): readonly Reference[] {
  return [...inputsOf(stage), ...sideTablesOf(stage, graph).flatMap(tableInputs)];
}

/** The sources whose events come to that element, each once; of a graph that may have cycles. */
export function sourcesOf(name: string, graph: JobGraph, seen: Set<string> = new Set()): readonly SourceElement[] {
  const element = graph.byName.get(name);
  if (element === undefined || seen.has(name)) return [];
  seen.add(name);
  if (element.kind === 'source') return [element];
  return element.kind === 'stage' ? allInputsOf(element, graph).flatMap((input) => sourcesOf(input.name, graph, seen)) : [];
}

/** What comes back to it from behind. */
export function feedbackOf({ spec, path }: StageElement): Reference | null {
  return spec.feedback === undefined ? null : reference(spec.feedback.from, [...path, 'feedback', 'from']);
}

/** All references of the job to something that gives events. */
export function allReferences(graph: JobGraph): readonly Reference[] {
  return graph.elements.flatMap((element) => {
    if (element.kind === 'sink') return inputsOf(element);
    if (element.kind === 'stage') return [...inputsOf(element), ...[feedbackOf(element)].filter((back) => back !== null)];
    if (element.kind !== 'table' || element.spec.from === undefined) return [];
    return tableInputs({ ...element, spec: { ...element.spec, from: element.spec.from } });
  });
}

function reference(text: string, path: readonly PathPart[]): Reference {
  const dot = text.indexOf('.');
  return { name: dot < 0 ? text : text.slice(0, dot), output: dot < 0 ? null : text.slice(dot + 1), text, path, side: 'left' };
}

/** The outputs that something can be read from. `named: null`: any name (what a function emits is not known). */
export type Outputs = { readonly main: boolean; readonly named: readonly string[] | null };

export function outputsOf(element: Element): Outputs {
  switch (element.kind) {
    case 'source':
      return { main: true, named: [] };
    case 'table':
    case 'sink':
      return { main: false, named: [] };
    case 'stage':
      return stageOutputs(element.spec);
  }
}

function stageOutputs(spec: StageSpec): Outputs {
  const expired = spec.state?.onExpire === 'emit' ? [EXPIRED] : [];
  if (spec.machine !== undefined) {
    const late = spec.machine.order === 'eventTime' ? [LATE] : [];
    return { main: false, named: [...new Set([...emittedOutputs(spec.machine), ...late, ...expired])] };
  }
  if (spec.xstate !== undefined || spec.reduce !== undefined) return { main: true, named: null };
  if (spec.branch !== undefined) return { main: false, named: [...spec.branch.outputs.map(({ name }) => name), OTHER] };
  if (spec.validate !== undefined) return { main: true, named: [INVALID] };
  if (spec.lookup !== undefined) return { main: true, named: [FAILED] };
  if (spec.pattern !== undefined) return { main: true, named: [LATE, TIMED_OUT] };
  const waits = spec.window !== undefined || spec.dedupe !== undefined || (spec.join !== undefined && spec.join.table === undefined);
  return { main: true, named: waits ? [LATE] : expired };
}

/** Output of the events that came after the watermark. A machine's own output of that name goes before. */
export const LATE = 'late';

/** Output of state that expired. */
export const EXPIRED = 'expired';

/** Output of a branch: events that no other output takes. */
export const OTHER = 'other';

/** Output of validate: events that are not as declared, with what is wrong. */
export const INVALID = 'invalid';

/** Output of a lookup: events that got no answer, with the reason. */
export const FAILED = 'failed';

/** Output of a pattern: partial matches that time ended. */
export const TIMED_OUT = 'timedOut';

/** Outputs on which a machine emits, in the order in which they are met. */
export function emittedOutputs(machine: MachineSpec): readonly string[] {
  const outputs = new Set<string>();
  eachState(machine as MachineState, (state) => {
    for (const { action } of actionsOf(state)) if (action.emit !== undefined) outputs.add(action.emit.output);
  });
  return [...outputs];
}

/** Whether actors of a declared machine send each other events. */
export function sendsIn(machine: MachineSpec): boolean {
  let sends = false;
  eachState(machine as MachineState, (state) => {
    sends ||= actionsOf(state).some(({ action }) => action.sendTo !== undefined);
  });
  return sends;
}

/** Stages with what they read before them; ties in order of declaration. Stages of a cycle, and behind one, are left out. */
export function topologicalStages(graph: JobGraph): readonly StageElement[] {
  const sorted: StageElement[] = [];
  const done = new Set<string>();
  let waiting = [...graph.stages];
  for (;;) {
    const ready = waiting.find((stage) =>
      allInputsOf(stage, graph).every(({ name }) => done.has(name) || graph.byName.get(name)?.kind !== 'stage'),
    );
    if (ready === undefined) return sorted;
    sorted.push(ready);
    done.add(ready.name);
    waiting = waiting.filter((stage) => stage !== ready);
  }
}
