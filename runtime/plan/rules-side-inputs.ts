// Rules on tables that are streams, and on who reads them.

import type { TableSpec } from '../../crds/stream-job/sources.ts';
import type { Issue } from '../base/issues.ts';
import { suggest } from '../base/nearest.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { inputsOf, sideTablesOf, tableInputs, type JobGraph, type StageElement, type StreamTable } from './job-graph.ts';
import { checkReference } from './rules-graph.ts';
import { isKeyed } from './stage-verbs.ts';

export function checkSideInputs(graph: JobGraph): readonly Issue[] {
  return [
    ...graph.elements.flatMap((element) => (element.kind === 'table' ? checkTable(element.spec, element.path) : [])),
    ...streamTables(graph).flatMap((table) => [
      ...checkWaiting(table),
      ...checkVersions(table),
      ...tableInputs(table).flatMap((input) => checkReference(graph, table, input)),
      ...checkLane(table, graph),
    ]),
    ...graph.stages.flatMap((stage) => [...checkNamed(stage, graph), ...checkLookups(stage, graph), ...checkClock(stage, graph)]),
  ];
}

export function streamTables(graph: JobGraph): readonly StreamTable[] {
  return graph.elements.flatMap((element) =>
    element.kind === 'table' && element.spec.from !== undefined ? [{ ...element, spec: { ...element.spec, from: element.spec.from } }] : [],
  );
}

/** What goes with a file, and what with a stream. */
const OF_FILES = { schema: 'declare it where the rows come from' };
const OF_STREAMS = {
  bootstrap: 'remove it: a file is there before the first event',
  asOf: 'remove it: a file is the same for the whole run',
  maxWaiting: 'remove it: no event waits for a file',
  deleted: 'leave the row out of the file',
  keepFor: 'remove it: all versions of a file are there for the whole run',
};

function checkTable(spec: TableSpec, path: readonly PathPart[]): readonly Issue[] {
  const { name, file, from } = spec;
  if ((file === undefined) === (from === undefined)) {
    const has = file === undefined ? 'comes from nowhere' : 'comes from a file and from a stream';
    return [{ path: formatPath(path), message: `table "${name}" ${has}`, fix: 'exactly one of file, from' }];
  }
  const [what, unfit] = from === undefined ? (['a file', OF_STREAMS] as const) : (['a stream', OF_FILES] as const);
  return Object.entries(unfit).flatMap(([field, fix]) =>
    spec[field as keyof TableSpec] === undefined
      ? []
      : [{ path: formatPath([...path, field]), message: `table "${name}" is ${what}, which has no ${field}`, fix }],
  );
}

function checkWaiting({ name, spec, path }: StreamTable): readonly Issue[] {
  if (spec.asOf !== 'latest' || spec.maxWaiting === undefined) return [];
  const message = `nothing waits for table "${name}" with asOf: latest`;
  return [{ path: formatPath([...path, 'maxWaiting']), message, fix: 'remove it, or asOf' }];
}

/** What is kept of versions has a bound; without `at` a key has one row. */
function checkVersions({ name, spec, path }: StreamTable): readonly Issue[] {
  const { at, keepFor, validFor } = spec;
  if (at !== undefined && keepFor === undefined) {
    const message = `table "${name}" is a stream whose rows have versions, and does not say how long it keeps them`;
    return [{ path: formatPath([...path, 'at']), message, fix: 'keepFor: 1d, for times that are looked up to a day before the watermark' }];
  }
  if (at !== undefined) return [];
  const given = { keepFor, validFor };
  return (['keepFor', 'validFor'] as const).flatMap((field) =>
    given[field] === undefined
      ? []
      : [
          {
            path: formatPath([...path, field]),
            message: `table "${name}" has one row a key, the newest: without at there are no versions of which ${field} could say anything`,
            fix: 'add at (the time of a version, over row) and keepFor, or remove it',
          },
        ],
  );
}

/** All partitions see changes of rows in one order only when they come out of one lane. */
function checkLane(table: StreamTable, graph: JobGraph): readonly Issue[] {
  const lanes = [...lanesOf(table.spec.from.split('.')[0] ?? '', graph, new Set())];
  if (lanes.length < 2) return [];
  return [
    {
      path: formatPath([...table.path, 'from']),
      message: `rows of table "${table.name}" come out of ${lanes.join(' and ')}, so partitions would see them in different orders`,
      fix: 'let them come out of one source or keyed stage, or make a table of each',
    },
  ];
}

/** Sources and keyed stages that give the events of an element out. */
function lanesOf(name: string, graph: JobGraph, seen: Set<string>): ReadonlySet<string> {
  const element = graph.byName.get(name);
  if (element === undefined || seen.has(name)) return new Set();
  seen.add(name);
  if (element.kind !== 'stage' || isKeyed(element.spec) || sideTablesOf(element, graph).length > 0) return new Set([name]);
  return new Set(inputsOf(element).flatMap((input) => [...lanesOf(input.name, graph, seen)]));
}

/** `tables` of a stage. */
function checkNamed({ spec, path }: StageElement, graph: JobGraph): readonly Issue[] {
  if (spec.tables === undefined) return [];
  if (spec.machine === undefined && spec.reduce === undefined)
    return [
      {
        path: formatPath([...path, 'tables']),
        message: `no code of stage "${spec.name}" reads tables`,
        fix: 'tables goes with machine and reduce; rows are put into events by enrich',
      },
    ];
  const names = streamTables(graph).map(({ name }) => name);
  const versioned = streamTables(graph).flatMap(({ name, spec: table }) => (table.at === undefined ? [] : [name]));
  return spec.tables.flatMap((name, i) => {
    const at = formatPath([...path, 'tables', i]);
    if (versioned.includes(name))
      return [
        {
          path: at,
          message: `table "${name}" has versions by time (at), and code reads one row a key`,
          fix: 'put its rows into the events by an enrich before this stage, or remove at',
        },
      ];
    if (names.includes(name)) return [];
    if (graph.byName.get(name)?.kind === 'table')
      return [{ path: at, message: `table "${name}" is a file`, fix: 'put its rows into the events by an enrich before this stage' }];
    return [{ path: at, message: `unknown table "${name}"`, fix: suggest(name, names) }];
  });
}

/** Without versions an event sees the rows of its own time, or the newest. */
function checkLookups(stage: StageElement, graph: JobGraph): readonly Issue[] {
  const streams = sideTablesOf(stage, graph).flatMap(({ name, spec }) => (spec.at === undefined ? [name] : []));
  return (stage.spec.enrich ?? []).flatMap(({ table, at }, i) =>
    at === undefined || !streams.includes(table)
      ? []
      : [
          {
            path: formatPath([...stage.path, 'enrich', i, 'at']),
            message: `table "${table}" is a stream, of which only the rows of the event's own time are known`,
            fix: 'give the table versions (at, keepFor), remove at here, or set the time of the events by a stage with eventTime before this one',
          },
        ],
  );
}

function checkClock(stage: StageElement, graph: JobGraph): readonly Issue[] {
  if (stage.spec.processingTime === undefined) return [];
  return sideTablesOf(stage, graph).flatMap(({ name, spec }) =>
    spec.asOf === 'latest'
      ? []
      : [
          {
            path: formatPath([...stage.path, 'processingTime']),
            message: `by the clock no event waits for the time of table "${name}"`,
            fix: `asOf: latest for table "${name}", or remove processingTime`,
          },
        ],
  );
}
