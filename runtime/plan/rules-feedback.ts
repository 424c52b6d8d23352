// Rules on feedback: what comes back does so on a way without another key, and nothing on it waits.
//
//   FR1. All between the stage and where events turn back runs beside it (place-stage.ts, L4), and is read by nothing from elsewhere.
//   FR2. What waits for a watermark, the clock or an answer would lose count of the rounds, and the watermark waits for what goes round.

import type { StageSpec } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { feedbackOf, inputsOf, type JobGraph, type Reference, type StageElement } from './job-graph.ts';
import { checkReference } from './rules-graph.ts';
import { isKeyed, verbsOf, type Verb } from './stage-verbs.ts';

export function checkFeedbacks(graph: JobGraph): readonly Issue[] {
  return graph.stages.flatMap((stage) => {
    const back = feedbackOf(stage);
    return back === null ? [] : [...checkHead(stage), ...checkBack(stage, back, graph)];
  });
}

const HEADS: readonly Verb[] = ['aggregate', 'changelog', 'dedupe', 'machine', 'reduce', 'xstate'];
const GOES_WITH = 'feedback goes with aggregate without window, changelog, dedupe, machine and reduce';

function checkHead({ name, spec, path }: StageElement): readonly Issue[] {
  const at = formatPath([...path, 'feedback']);
  const [verb] = verbsOf(spec);
  if (!isKeyed(spec)) return [{ path: at, message: `stage "${name}" has no key by which events could come back to it`, fix: GOES_WITH }];
  if (verb !== undefined && !HEADS.includes(verb))
    return [{ path: at, message: `${verb} of stage "${name}" takes nothing back: events wait in it`, fix: GOES_WITH }];
  return waitingParts(spec, path).map(([place, why]) => ({
    path: formatPath(place),
    message: `stage "${name}" has feedback, and ${why}`,
    fix: 'do that in a stage before it, or remove feedback',
  }));
}

/** FR2. */
function waitingParts(spec: StageSpec, path: readonly PathPart[]): readonly (readonly [place: readonly PathPart[], why: string])[] {
  const ordered = spec.machine?.order === 'eventTime' ? 'machine' : spec.xstate?.order === 'eventTime' ? 'xstate' : null;
  const parts: readonly (readonly [isThere: boolean, place: readonly PathPart[], why: string])[] = [
    [spec.processingTime !== undefined, ['processingTime'], 'events that come back keep their time, which the clock would replace'],
    [ordered !== null, [ordered ?? '', 'order'], 'in the order of event time what comes back would always be late'],
    [spec.tables !== undefined, ['tables'], 'events would wait for the tables each time they come back'],
    [spec.bootstrap !== undefined, ['bootstrap'], 'what comes back of the bootstrap would come after its end'],
    [(spec.onError?.retries ?? 0) !== 0, ['onError', 'retries'], 'the end of its input would not wait for what is to be tried again'],
  ];
  return parts.flatMap(([isThere, place, why]) => (isThere ? [[[...path, ...place], why] as const] : []));
}

function checkBack(head: StageElement, back: Reference, graph: JobGraph): readonly Issue[] {
  const unknown = checkReference(graph, head, back);
  if (unknown.length > 0) return unknown;
  const at = formatPath(back.path);
  const problem = wayProblem(head, back.name, graph, new Set());
  return problem === null ? [] : [{ path: at, ...problem }];
}

type Problem = Pick<Issue, 'message' | 'fix'>;

/** FR1; null: from `name` all ways back lead to the head. */
function wayProblem(head: StageElement, name: string, graph: JobGraph, seen: Set<string>): Problem | null {
  if (name === head.name || seen.has(name)) return null;
  seen.add(name);
  const element = graph.byName.get(name);
  const [nearest] = [...seen];
  if (element?.kind !== 'stage')
    return {
      message:
        nearest === name
          ? `"${name}" is not behind "${head.name}"`
          : `"${nearest}" gives on events of "${name}", which are not behind "${head.name}"`,
      fix: `name an output of "${head.name}", or of a stage that reads it and nothing else`,
    };
  const stop = waitsOnWay(element.spec);
  if (stop !== null) return { message: `what comes back to "${head.name}" goes through "${name}", ${stop[0]}`, fix: stop[1] };
  for (const input of inputsOf(element)) {
    const problem = wayProblem(head, input.name, graph, seen);
    if (problem !== null) return problem;
  }
  return null;
}

const OTHER_KEY =
  'let it come back before that; a circle through two keys is one stage that is keyed by whom an event is for (keyBy: event.to)';

function waitsOnWay(spec: StageSpec): readonly [problem: string, fix: string] | null {
  if (spec.window !== undefined) return ['where it would wait for the watermark, which waits for it', 'let it come back before the window'];
  if (isKeyed(spec)) return ['which has a key of its own', OTHER_KEY];
  if (spec.rateLimit !== undefined) return ['where it would wait for the clock', 'limit the rate before or behind the feedback'];
  if (spec.eventTime !== undefined) return ['which changes its time', 'set event time before it, or behind the feedback'];
  if ((spec.onError?.retries ?? 0) > 0) return ['where it would wait to be tried again', 'remove retries there'];
  return null;
}
