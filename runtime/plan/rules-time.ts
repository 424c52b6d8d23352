// Rules on event time: what works by it needs to have it on every way from the sources.

import type { MachineState } from '../../crds/stream-job/machine.ts';
import type { StageSpec } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import { parseDuration } from '../base/duration.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import {
  inputsOf,
  sideTablesOf,
  tableInputs,
  topologicalStages,
  type JobGraph,
  type SourceElement,
  type StageElement,
} from './job-graph.ts';
import { actionsOf, eachState } from './machine-walk.ts';

export function checkEventTime(graph: JobGraph): readonly Issue[] {
  const missing = sourcesWithoutTime(graph);
  return [
    ...graph.elements.flatMap((element) => (element.kind === 'source' || element.kind === 'stage' ? checkWatermark(element) : [])),
    ...graph.elements.flatMap((element) => (element.kind === 'source' ? checkIdle(element, graph) : [])),
    ...needs(graph, missing),
  ];
}

function checkWatermark({ spec: { eventTime }, path }: SourceElement | StageElement): readonly Issue[] {
  if (eventTime?.watermark === undefined || parseDuration(eventTime.maxOutOfOrder) === 0) return [];
  const message = 'the events say the watermark themselves, so nothing is reckoned from how far out of order they come';
  return [{ path: formatPath([...path, 'eventTime', 'maxOutOfOrder']), message, fix: 'remove maxOutOfOrder, or watermark' }];
}

function checkIdle({ spec, path }: SourceElement, graph: JobGraph): readonly Issue[] {
  const { idle, eventTime, name } = spec;
  if (idle?.closeAfter === undefined) return [];
  const at = formatPath([...path, 'idle', 'closeAfter']);
  if (parseDuration(idle.closeAfter) < parseDuration(idle.after))
    return [
      {
        path: at,
        message: `${idle.closeAfter} is less than after: ${idle.after}, and only a split that is idle can go on by the clock`,
        fix: 'closeAfter is at least after',
      },
    ];
  if (eventTime !== undefined || graph.elements.some((element) => element.kind === 'stage' && element.spec.eventTime !== undefined))
    return [];
  return [{ path: at, message: `source "${name}" has no event time that could go on`, fix: 'add eventTime to it' }];
}

function needs(graph: JobGraph, missing: ReadonlyMap<string, ReadonlySet<string>>): readonly Issue[] {
  return topologicalStages(graph).flatMap((stage) => {
    const [source] = missing.get(stage.name) ?? [];
    const need = whyTime(stage) ?? whyTableTime(stage, graph);
    if (source === undefined || need === null) return [];
    return [
      {
        path: formatPath(need.path),
        message: `${need.what} needs event time, but events of source "${source}" come here without`,
        fix: `add eventTime to source "${source}", or a stage with eventTime before this one`,
      },
    ];
  });
}

/** Source or stage → names of the sources whose events reach it without event time. */
function sourcesWithoutTime(graph: JobGraph): ReadonlyMap<string, ReadonlySet<string>> {
  const missing = new Map<string, ReadonlySet<string>>();
  for (const element of graph.elements) {
    if (element.kind === 'source') missing.set(element.name, new Set(element.spec.eventTime === undefined ? [element.name] : []));
  }
  const outgoing = new Map(missing);
  for (const stage of topologicalStages(graph)) {
    const timed = sideTablesOf(stage, graph).filter(({ spec }) => spec.asOf !== 'latest');
    const incoming = new Set([...inputsOf(stage), ...timed.flatMap(tableInputs)].flatMap(({ name }) => [...(outgoing.get(name) ?? [])]));
    missing.set(stage.name, incoming);
    const hasTime = stage.spec.eventTime !== undefined || stage.spec.processingTime !== undefined;
    outgoing.set(stage.name, hasTime ? new Set() : incoming);
  }
  return missing;
}

type Need = { readonly what: string; readonly path: readonly PathPart[] };

function whyTime({ spec, path }: StageElement): Need | null {
  if (spec.processingTime !== undefined) return null;
  if (spec.window?.count !== undefined)
    return whyCountTime(spec.window.count, [...path, 'window', 'count']) ?? whyStateTime({ spec, path });
  if (spec.window !== undefined) return { what: 'a window', path: [...path, 'window'] };
  if (spec.join !== undefined) return { what: 'a join', path: [...path, 'join'] };
  if (spec.rows !== undefined) return { what: 'the newest version of a row', path: [...path, 'rows'] };
  if (spec.changelog !== undefined) return { what: 'the newest version of a row', path: [...path, 'changelog'] };
  if (spec.dedupe !== undefined) return { what: 'dedupe', path: [...path, 'dedupe'] };
  if (spec.pattern !== undefined) return { what: 'a pattern', path: [...path, 'pattern'] };
  if (spec.machine?.order === 'eventTime') return { what: 'order: eventTime', path: [...path, 'machine', 'order'] };
  if (spec.xstate?.order === 'eventTime') return { what: 'order: eventTime', path: [...path, 'xstate', 'order'] };
  const kept = whyStateTime({ spec, path });
  if (kept !== null) return kept;
  const timer = firstTimer(spec);
  return timer === null ? null : { what: 'a durable timer', path: [...path, 'machine', ...timer] };
}

function whyStateTime({ spec, path }: Pick<StageElement, 'spec' | 'path'>): Need | null {
  return spec.state === undefined ? null : { what: 'state that expires', path: [...path, 'state', 'ttl'] };
}

/** Events wait for the table. */
function whyTableTime(stage: StageElement, graph: JobGraph): Need | null {
  const table = sideTablesOf(stage, graph).find(({ spec }) => spec.asOf !== 'latest');
  return table === undefined ? null : { what: `table "${table.name}" as of the time of events`, path: [...table.path, 'asOf'] };
}

/** A window by count needs time only where it says so. */
function whyCountTime({ order, orAfter }: NonNullable<NonNullable<StageSpec['window']>['count']>, path: readonly PathPart[]): Need | null {
  if (order === 'eventTime') return { what: 'order: eventTime', path: [...path, 'order'] };
  return orAfter === undefined ? null : { what: 'orAfter', path: [...path, 'orAfter'] };
}

/** Path of the first delayed raise or sendTo, or `after`, of a machine. */
function firstTimer(spec: StageSpec): readonly PathPart[] | null {
  let found: readonly PathPart[] | null = null;
  if (spec.machine === undefined) return null;
  eachState(spec.machine as MachineState, (state, _keys, at) => {
    if (state.after !== undefined) found ??= [...at, 'after'];
    for (const { action, path } of actionsOf(state))
      for (const name of ['raise', 'sendTo'] as const) if (action[name]?.delay !== undefined) found ??= [...at, ...path, name, 'delay'];
  });
  return found;
}
