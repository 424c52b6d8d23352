// Rules on what one stage says: its verb, key, window, aggregates.

import { AGGREGATE_FUNCTIONS, type AggregateSpec } from '../../crds/stream-job/aggregates.ts';
import type { StageSpec } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath } from '../base/path.ts';
import { OTHER, type JobGraph, type StageElement } from './job-graph.ts';
import { checkJoin } from './rules-joins.ts';
import { checkState } from './rules-state.ts';
import { checkWindow } from './rules-window.ts';
import { isCode, isKeyed, keyNames, verbsOf, windowFields, YAML_VERBS } from './stage-verbs.ts';

export function checkStages(graph: JobGraph): readonly Issue[] {
  return graph.stages.flatMap((stage) => [
    ...checkVerbs(stage),
    ...checkKey(stage),
    ...checkProcessingTime(stage),
    ...checkBuilderOnly(stage),
    ...checkWindow(stage),
    ...checkJoin(stage),
    ...checkState(stage),
    ...checkAggregates(stage),
    ...checkRows(stage),
    ...checkBranch(stage),
    ...checkValidate(stage),
    ...checkFields(stage),
  ]);
}

/** Rules on how fields of one stage go together: they say nothing about a stage with an unknown field. Paths are the stage's. */
function checkVerbs({ spec, path }: StageElement): readonly Issue[] {
  const verbs = verbsOf(spec);
  const at = formatPath(path);
  if (verbs.length > 1)
    return [
      {
        path: at,
        message: `stage "${spec.name}" has ${verbs.length} verbs: ${verbs.join(', ')}`,
        fix: 'one a stage: make a stage of each',
      },
    ];
  if (verbs.length === 1 || spec.filter !== undefined || spec.keyBy !== undefined) return [];
  return [{ path: at, message: `stage "${spec.name}" does nothing`, fix: `give it one of ${YAML_VERBS.join(', ')}` }];
}

function checkKey({ spec, path }: StageElement): readonly Issue[] {
  const at = formatPath(path);
  const [verb] = verbsOf(spec);
  if (isKeyed(spec)) {
    if (spec.keyBy !== undefined) return [];
    return [{ path: at, message: `${verb} of stage "${spec.name}" works per key, but there is no keyBy`, fix: 'keyBy: event.FIELD' }];
  }
  const issues: Issue[] = [];
  if (spec.keyBy !== undefined) {
    const what = verb === undefined ? 'nothing that needs it' : `${verb}, which needs none`;
    issues.push({
      path: at,
      message: `stage "${spec.name}" has keyBy, but ${what}`,
      fix: 'keyBy goes with window, aggregate, changelog, dedupe, join, lookup, machine or pattern',
    });
  }
  if (spec.partitions !== undefined)
    issues.push({
      path: formatPath([...path, 'partitions']),
      message: 'only a stage with keyBy has partitions of its own',
      fix: 'it runs in the partitions of its input',
    });
  return issues;
}

const CLOCKED = 'it goes with window, dedupe, pattern, machine, and join with within or window';

function checkProcessingTime({ spec, path }: StageElement): readonly Issue[] {
  const { processingTime, window, dedupe, join, pattern, machine, xstate, reduce } = spec;
  if (processingTime === undefined) return [];
  const at = formatPath([...path, 'processingTime']);
  const timedJoin = join?.within ?? join?.window;
  if ([window, dedupe, timedJoin, pattern, machine, xstate, reduce].every((verb) => verb === undefined))
    return [{ path: at, message: `nothing of stage "${spec.name}" works by the clock`, fix: CLOCKED }];
  if (![machine?.order, xstate?.order, window?.count?.order].includes('eventTime')) return [];
  return [
    { path: at, message: 'by the clock events come in the order of their arrival', fix: 'remove order: eventTime, or processingTime' },
  ];
}

function checkBuilderOnly({ spec, path }: StageElement): readonly Issue[] {
  const issues: Issue[] = [];
  const functions = [spec.reduce?.init, spec.reduce?.step];
  if (spec.reduce !== undefined && functions.some((code) => typeof code !== 'function')) {
    issues.push({
      path: formatPath([...path, 'reduce']),
      message: 'a reducer is made of functions, which YAML cannot hold',
      fix: 'use a machine of one state (its context is the state, assign the step), or write the job in TypeScript',
    });
  }
  const machine = spec.xstate?.machine;
  if (machine !== undefined && typeof (machine as { transition?: unknown }).transition !== 'function') {
    issues.push({
      path: formatPath([...path, 'xstate', 'machine']),
      message: 'is no XState machine',
      fix: 'in TypeScript: what createMachine() gives; in YAML: use machine',
    });
  }
  return issues;
}

function checkRows({ spec: { name, rows, aggregate, window }, path }: StageElement): readonly Issue[] {
  if (rows === undefined || (aggregate !== undefined && window === undefined)) return [];
  const message =
    window === undefined
      ? `rows of stage "${name}" are of no aggregate`
      : `windows of stage "${name}" can't take rows back: what a row was in lies in one that may have closed`;
  return [{ path: formatPath([...path, 'rows']), message, fix: 'rows goes with an aggregate without window' }];
}

function checkValidate({ spec, path }: StageElement): readonly Issue[] {
  const { validate } = spec;
  if (validate === undefined || validate.schema !== undefined || validate.rules.length > 0) return [];
  const message = `validate of stage "${spec.name}" checks nothing: every event is valid`;
  return [{ path: formatPath([...path, 'validate']), message, fix: 'give it a schema, rules, or both' }];
}

/** Outputs that no event can come to, and names that are taken. */
function checkBranch({ spec, path }: StageElement): readonly Issue[] {
  const { branch } = spec;
  if (branch === undefined) return [];
  return branch.outputs.flatMap(({ name, when }, i): readonly Issue[] => {
    const at = formatPath([...path, 'branch', 'outputs', i]);
    const isAgain = branch.outputs.findIndex((other) => other.name === name) < i;
    if (isAgain)
      return [{ path: `${at}.name`, message: `there is an output "${name}" before this one`, fix: 'join their conditions by ||' }];
    if (name === OTHER)
      return [{ path: `${at}.name`, message: `"${OTHER}" is the output of what no other takes`, fix: 'take another name, or remove it' }];
    if (when !== undefined || branch.match === 'all' || i === branch.outputs.length - 1) return [];
    return [{ path: at, message: `output "${name}" takes all events, so those behind it get none`, fix: 'give it `when`, or put it last' }];
  });
}

function checkAggregates({ spec, path }: StageElement): readonly Issue[] {
  const keys = keyNames(spec.keyBy);
  const taken = [...keys, ...windowFields(spec.window)];
  return Object.entries(spec.aggregate ?? {}).flatMap(([name, aggregate]) => {
    const at = formatPath([...path, 'aggregate', name]);
    const issues = checkFunction(at, aggregate);
    if (!taken.includes(name)) return issues;
    return [
      ...issues,
      {
        path: at,
        message: `results already have a field "${name}": ${keys.includes(name) ? 'the key' : "the window's"}`,
        fix: 'take another name',
      },
    ];
  });
}

function checkFunction(path: string, aggregate: AggregateSpec): readonly Issue[] {
  const given = AGGREGATE_FUNCTIONS.filter((name) => aggregate[name] !== undefined);
  if (given.length === 1) return [];
  const has = given.length === 0 ? 'has no function' : `has ${given.length} functions: ${given.join(', ')}`;
  return [{ path, message: `the aggregate ${has}`, fix: `exactly one of ${AGGREGATE_FUNCTIONS.join(', ')}` }];
}

/** Mappings that name nothing. */
function checkFields({ spec, path }: StageElement): readonly Issue[] {
  const mappings: readonly (readonly [string, unknown])[] = [
    ['map', spec.map],
    ['keyBy', spec.keyBy],
    ['aggregate', spec.aggregate],
  ];
  return mappings.flatMap(([name, value]) => {
    if (value === undefined || isCode(value as StageSpec['map'] & object) || Object.keys(value as object).length > 0) return [];
    return [{ path: formatPath([...path, name]), message: `${name} names no field`, fix: 'field: expression' }];
  });
}
