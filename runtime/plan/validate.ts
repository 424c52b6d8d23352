// All mistakes of a job that its schema cannot see, at once.
//
//   V1. A rule says nothing where another rule's mistake is the reason.
//   V2. A job without issues plans and compiles: what is refused later is the world's fault, not the declaration's.

import type { StreamJob } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import { graphOf } from './job-graph.ts';
import { checkAlignment } from './rules-alignment.ts';
import { checkBootstrapLanes, checkBootstraps } from './rules-bootstrap.ts';
import { checkConnectors } from './rules-connectors.ts';
import { checkDurations } from './rules-durations.ts';
import { checkExpressions } from './rules-expressions.ts';
import { checkCycles, checkNames, checkReferences } from './rules-graph.ts';
import { checkFeedbacks } from './rules-feedback.ts';
import { checkLookups } from './rules-lookup.ts';
import { checkMachines } from './rules-machine.ts';
import { checkOnError } from './rules-on-error.ts';
import { checkPatterns } from './rules-pattern.ts';
import { checkPools, checkPoolStages } from './rules-pools.ts';
import { checkScaling } from './rules-scaling.ts';
import { checkSideInputs } from './rules-side-inputs.ts';
import { checkStages } from './rules-stages.ts';
import { checkEventTime } from './rules-time.ts';
import { warnGraph } from './warnings.ts';

/** Every mistake of a job of which the schema holds. Empty: it can be planned. */
export function validateJob(job: StreamJob): readonly Issue[] {
  const graph = graphOf(job);
  const issues = [
    ...checkNames(job, graph),
    ...checkReferences(graph),
    ...checkCycles(graph),
    ...checkScaling(job),
    ...checkPools(job, graph),
    ...checkStages(graph),
    ...checkOnError(graph),
    ...checkLookups(graph),
    ...checkSideInputs(graph),
    ...checkBootstraps(graph),
    ...checkAlignment(graph),
    ...checkFeedbacks(graph),
    ...checkDurations(job),
    ...checkConnectors(job),
    ...checkMachines(graph),
    ...checkPatterns(graph),
    ...checkEventTime(graph),
    ...checkExpressions(job, graph),
  ];
  // V1: where stages lie is known only of a job without mistakes.
  if (issues.length === 0) return [...checkPoolStages(job), ...checkBootstrapLanes(job)];
  // A key that both sides of a join share is checked for each.
  return issues.filter((issue, i) => issues.findIndex((other) => other.path === issue.path && other.message === issue.message) === i);
}

/** What is most likely not meant; the job runs all the same. */
export function findWarnings(job: StreamJob): readonly Issue[] {
  return warnGraph(job, graphOf(job));
}
