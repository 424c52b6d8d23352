// Rules on names and references: who is called what, and who reads whom.

import type { StreamJob } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import { suggest } from '../base/nearest.ts';
import { formatPath } from '../base/path.ts';
import { allInputsOf, inputsOf, outputsOf, topologicalStages, type Element, type JobGraph, type Reference } from './job-graph.ts';
import { RESERVED_NAMES } from './plan-names.ts';

export function checkNames(job: StreamJob, graph: JobGraph): readonly Issue[] {
  return [...checkElementNames(graph), ...checkParameterNames(job)];
}

function checkElementNames(graph: JobGraph): readonly Issue[] {
  return graph.elements.flatMap((element): readonly Issue[] => {
    const path = formatPath([...element.path, 'name']);
    const first = graph.byName.get(element.name);
    if (RESERVED_NAMES.includes(element.name))
      return [{ path, message: `the name "${element.name}" belongs to Millrace`, fix: 'take another one' }];
    if (first === element || first === undefined) return [];
    return [
      {
        path,
        message: `the name "${element.name}" is taken by ${formatPath(first.path)}`,
        fix: 'sources, tables, stages and sinks share one set of names',
      },
    ];
  });
}

function checkParameterNames(job: StreamJob): readonly Issue[] {
  const names = job.spec.parameters.map(({ name }) => name);
  return names.flatMap((name, i) =>
    names.indexOf(name) === i
      ? []
      : [
          {
            path: formatPath(['spec', 'parameters', i, 'name']),
            message: `parameter "${name}" is declared twice`,
            fix: 'keep one of them',
          },
        ],
  );
}

export function checkReferences(graph: JobGraph): readonly Issue[] {
  const readers = graph.elements.filter((element) => element.kind === 'stage' || element.kind === 'sink');
  const inputs = readers.flatMap((reader) => inputsOf(reader).flatMap((reference) => checkReference(graph, reader, reference)));
  const doubled = readers.flatMap((reader) => checkDoubled(inputsOf(reader)));
  return [...inputs, ...doubled, ...checkTables(graph)];
}

export function checkReference(graph: JobGraph, reader: Element, { name, output, text, path }: Reference): readonly Issue[] {
  const at = formatPath(path);
  const found = graph.byName.get(name);
  if (found === undefined)
    return [{ path: at, message: `unknown source or stage "${name}"`, fix: suggest(name, readableNames(graph, reader)) }];
  if (found.kind === 'table')
    return [{ path: at, message: `"${name}" is a table, not a stream of events`, fix: 'look its rows up with enrich' }];
  if (found.kind === 'sink')
    return [{ path: at, message: `"${name}" is a sink; nothing comes out of it`, fix: suggest(name, readableNames(graph, reader)) }];
  const { main, named } = outputsOf(found);
  if (output === null && !main) {
    const outputs = (named ?? []).map((each) => `${name}.${each}`);
    return [
      {
        path: at,
        message: `${found.kind === 'stage' && found.spec.branch !== undefined ? 'branch' : 'machine'} "${name}" has no main output`,
        fix: outputs.length === 0 ? 'give it an action with emit' : `read ${outputs.join(' or ')}`,
      },
    ];
  }
  if (output === null || named === null || named.includes(output)) return [];
  const outputs = [...(main ? [name] : []), ...named.map((each) => `${name}.${each}`)];
  return [
    {
      path: at,
      message: `"${name}" has no output "${output}"`,
      fix: outputs.length === 0 ? `give the machine an action with emit: { output: ${output} }` : suggest(text, outputs),
    },
  ];
}

function checkDoubled(inputs: readonly Reference[]): readonly Issue[] {
  return inputs.flatMap(({ text, path, side }, i) =>
    inputs.findIndex((other) => other.text === text && other.side === side) === i
      ? []
      : [{ path: formatPath(path), message: `"${text}" is named twice: its events would come twice`, fix: 'name it once' }],
  );
}

function readableNames(graph: JobGraph, reader: Element): readonly string[] {
  return graph.elements
    .filter((element) => (element.kind === 'source' || element.kind === 'stage') && element.name !== reader.name)
    .map(({ name }) => name);
}

function checkTables(graph: JobGraph): readonly Issue[] {
  const tables = graph.elements.filter(({ kind }) => kind === 'table').map(({ name }) => name);
  return graph.stages.flatMap(({ spec, path }) =>
    (spec.enrich ?? []).flatMap(({ table }, i) =>
      tables.includes(table)
        ? []
        : [{ path: formatPath([...path, 'enrich', i, 'table']), message: `unknown table "${table}"`, fix: suggest(table, tables) }],
    ),
  );
}

/** One issue for each cycle, at its first stage. */
export function checkCycles(graph: JobGraph): readonly Issue[] {
  const sorted = new Set(topologicalStages(graph));
  const stuck = graph.stages.filter((stage) => !sorted.has(stage));
  const issues: Issue[] = [];
  const seen = new Set<string>();
  for (const start of stuck) {
    const way: string[] = [];
    let name: string | undefined = start.name;
    while (name !== undefined && !seen.has(name)) {
      seen.add(name);
      way.push(name);
      const stage = stuck.find((each) => each.name === name);
      name =
        stage === undefined ? undefined : allInputsOf(stage, graph).find((input) => stuck.some((each) => each.name === input.name))?.name;
    }
    if (name === undefined || !way.includes(name)) continue;
    const cycle = way.slice(way.indexOf(name)).reverse();
    const first = graph.stages.find((stage) => cycle.includes(stage.name)) ?? start;
    issues.push({
      path: formatPath([...first.path, 'from']),
      message: `these stages read each other in a circle: ${[...cycle, cycle[0]].join(' → ')}`,
      fix: 'events flow one way: break the circle, or let a stage with a key take what comes back by `feedback`',
    });
  }
  return issues;
}
