// Rules on patterns: what a sequence may say, and that none of its partial matches is kept for ever.

import type { PatternSpec, PatternStep } from '../../crds/stream-job/pattern.ts';
import type { Issue } from '../base/issues.ts';
import { PATTERN_POSITIONS_MAX } from '../base/limits.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import type { JobGraph } from './job-graph.ts';
import { isNot, placedSteps, takingNames, type PlacedStep } from './pattern-walk.ts';

/** An issue below the pattern. */
type Placed = { readonly at: readonly PathPart[]; readonly message: string; readonly fix: string };

export function checkPatterns(graph: JobGraph): readonly Issue[] {
  return graph.stages.flatMap(({ spec: { pattern }, path }) =>
    pattern === undefined
      ? []
      : checkPattern(pattern).map(({ at, message, fix }) => ({ path: formatPath([...path, 'pattern', ...at]), message, fix })),
  );
}

function checkPattern(pattern: PatternSpec): readonly Placed[] {
  const placed = placedSteps(pattern);
  return [
    ...checkNames(placed),
    ...placed.flatMap((each) => [...checkFirst(each), ...(isNot(each.step) ? checkNot(each) : checkStep(each))]),
    ...checkNotPlaces(pattern.steps, []),
    ...checkEnd(pattern),
    ...checkSkip(pattern),
    ...checkSize(pattern),
    ...(pattern.within === undefined ? placed.flatMap(checkForever) : []),
  ];
}

function checkNames(placed: readonly PlacedStep[]): readonly Placed[] {
  return placed.flatMap(({ step: { name }, path }, i) =>
    placed.findIndex(({ step }) => step.name === name) < i
      ? [
          {
            at: [...path, 'name'],
            message: `there is a step "${name}" before already`,
            fix: 'take another name: results name events by it',
          },
        ]
      : [],
  );
}

function checkFirst({ step, path, isFirst, isInGroup }: PlacedStep): readonly Placed[] {
  if (!isFirst || step.contiguity === undefined) return [];
  const of = isInGroup ? 'its group follows what is before it' : 'there is nothing before it';
  const message = `the first step "${step.name}" has contiguity ${step.contiguity}, but ${of}`;
  return [{ at: [...path, 'contiguity'], message, fix: 'remove it; the first step takes the event that begins' }];
}

function checkNot({ step, path }: PlacedStep): readonly Placed[] {
  const given = [
    ...(['times', 'inner', 'until', 'steps'] as const).filter((field) => step[field] !== undefined),
    ...(['optional', 'greedy'] as const).filter((field) => step[field]),
  ];
  const issues: Placed[] = given.map((field) => ({
    at: [...path, field],
    message: `step "${step.name}" takes no event (${step.contiguity ?? ''}), so ${field} means nothing`,
    fix: 'remove it',
  }));
  if (step.where === undefined)
    issues.push({ at: path, message: `step "${step.name}" does not say which events must not come`, fix: 'add where' });
  return issues;
}

function checkStep({ step, path, isFirst }: PlacedStep): readonly Placed[] {
  const { name, times, steps } = step;
  const issues: Placed[] = [];
  const needless = [
    ...(['inner', 'until'] as const).filter((field) => step[field] !== undefined),
    ...(step.greedy && steps === undefined ? (['greedy'] as const) : []),
  ];
  if (times === undefined)
    for (const field of needless)
      issues.push({ at: [...path, field], message: `step "${name}" has ${field}, but it does not repeat`, fix: 'add times: { min: 1 }' });
  if (times?.max !== undefined && times.max < times.min)
    issues.push({
      at: [...path, 'times'],
      message: `times of step "${name}" has min ${times.min} above max ${times.max}`,
      fix: 'swap them',
    });
  if (steps !== undefined && step.where !== undefined)
    issues.push({ at: [...path, 'where'], message: `group "${name}" has where, but its steps take the events`, fix: 'give it to them' });
  if (steps !== undefined && step.greedy)
    issues.push({ at: [...path, 'greedy'], message: `group "${name}" is greedy, which only a single step can be`, fix: 'remove it' });
  if (steps !== undefined && steps.every((inside) => inside.optional || isNot(inside)))
    issues.push({
      at: [...path, 'steps'],
      message: `group "${name}" has only optional steps: a round of it could take nothing`,
      fix: 'make one of them not optional; the group itself can be optional',
    });
  if (step.within !== undefined && (isFirst || steps !== undefined)) {
    const what = steps === undefined ? 'the first step' : 'group';
    issues.push({
      at: [...path, 'within'],
      message: `${what} "${name}" has within, which counts from the event before to this step's`,
      fix: steps === undefined ? 'give it to the step behind, or to the pattern' : 'give it to its steps, or to the pattern',
    });
  }
  return issues;
}

/** Where a not may stand: behind a step that always takes an event, and not at the end of a group. */
function checkNotPlaces(steps: readonly PatternStep[], at: readonly PathPart[]): readonly Placed[] {
  return steps.flatMap((step, i) => {
    const path = [...at, 'steps', i];
    const inside = step.steps === undefined ? [] : checkNotPlaces(step.steps, path);
    if (!isNot(step)) return inside;
    const before = steps.slice(0, i).findLast((other) => !isNot(other));
    const isLast = steps.slice(i).every(isNot);
    const issues: Placed[] = [];
    if (before?.optional === true)
      issues.push({
        at: path,
        message: `step "${step.name}" stands behind "${before.name}", which is optional: what it must not follow may not be there`,
        fix: `make "${before.name}" not optional, or move "${step.name}"`,
      });
    if (isLast && at.length > 0)
      issues.push({ at: path, message: `a group ends with "${step.name}", which takes no event`, fix: 'put it behind the group' });
    if (step.within !== undefined && (step.contiguity === 'notNext' || !isLast || at.length > 0))
      issues.push({
        at: [...path, 'within'],
        message: `step "${step.name}" has within, which only a notFollowedBy at the end of a pattern can have`,
        fix: 'give it to the step behind, or to the pattern',
      });
    return [...inside, ...issues];
  });
}

function checkEnd({ steps, within }: PatternSpec): readonly Placed[] {
  const last = steps.at(-1);
  const issues: Placed[] = [];
  if (last?.contiguity === 'notFollowedBy' && within === undefined && last.within === undefined)
    issues.push({
      at: ['steps', steps.length - 1],
      message: `the pattern ends with notFollowedBy "${last.name}" and has no within: when nothing came would never be known`,
      fix: 'add within to the pattern, or to this step',
    });
  if (steps.filter((step) => !isNot(step)).every(({ optional }) => optional))
    issues.push({
      at: ['steps'],
      message: 'all steps are optional: no event at all would be a match',
      fix: 'make one of them not optional',
    });
  return [...issues, ...checkGreedyEnd(steps, [])];
}

/** A greedy step is left when an event comes that goes on; where the pattern may end there is none. */
function checkGreedyEnd(steps: readonly PatternStep[], at: readonly PathPart[]): readonly Placed[] {
  const issues: Placed[] = [];
  for (const [i, step] of [...steps.entries()].toReversed()) {
    const path = [...at, 'steps', i];
    if (step.greedy && step.times !== undefined && step.steps === undefined)
      issues.push({
        at: [...path, 'greedy'],
        message: `the pattern may end with the greedy step "${step.name}": that it has taken all would never be known`,
        fix: 'remove greedy, or add a step behind it that is not optional',
      });
    if (step.steps !== undefined) issues.push(...checkGreedyEnd(step.steps, path));
    if (!isNot(step) && !step.optional) return issues;
  }
  return issues;
}

function checkSkip({ afterMatch, skipTo, steps }: PatternSpec): readonly Placed[] {
  const names = takingNames(steps);
  const needsName = afterMatch === 'skipToFirst' || afterMatch === 'skipToLast';
  if (!needsName && skipTo !== undefined)
    return [{ at: ['skipTo'], message: `${afterMatch} skips to no step`, fix: 'remove it, or take skipToFirst or skipToLast' }];
  if (!needsName || (skipTo !== undefined && names.includes(skipTo))) return [];
  const message = skipTo === undefined ? `${afterMatch} does not say to which step` : `no step "${skipTo}" takes events`;
  return [{ at: skipTo === undefined ? ['afterMatch'] : ['skipTo'], message, fix: `skipTo: ${names.join(' or ')}` }];
}

function checkSize({ steps }: PatternSpec): readonly Placed[] {
  const count = positionsOf(steps);
  if (count <= PATTERN_POSITIONS_MAX) return [];
  const message = `with its repetitions written out the pattern has ${count} steps, at most ${PATTERN_POSITIONS_MAX} are possible`;
  return [{ at: ['steps'], message, fix: 'lower min and max of times; a condition can count: size(matched.NAME)' }];
}

function positionsOf(steps: readonly PatternStep[]): number {
  const sizes = steps.map((step) => {
    if (isNot(step)) return 0;
    const copies = step.times === undefined ? 1 : (step.times.max ?? step.times.min + 1);
    return copies * (step.steps === undefined ? 1 : positionsOf(step.steps));
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Of a pattern without `within`: what could hold a partial match for ever. */
function checkForever({ step, path, isFirst }: PlacedStep): readonly Placed[] {
  if (isNot(step)) return [];
  const { name, times, inner = 'followedBy', contiguity = 'followedBy', until, within } = step;
  const told = (message: string, fix: string): Placed => ({ at: path, message, fix });
  if (!isFirst && contiguity !== 'next' && within === undefined)
    return [
      told(
        `step "${name}" may wait for its event for ever, and partial matches with it: the pattern has no within`,
        'add within to the pattern, or to this step',
      ),
    ];
  if (times === undefined || until !== undefined) return [];
  if (times.max === undefined)
    return [
      told(
        `step "${name}" may repeat for ever, and matches grow with it: the pattern has no within`,
        'add within, times: { max } or until',
      ),
    ];
  if (times.max === 1 || inner === 'next' || within !== undefined) return [];
  return [
    told(
      `step "${name}" may wait for its next repetition for ever: the pattern has no within`,
      'add within to the pattern, or inner: next, or until',
    ),
  ];
}
