// validate: only events that are as declared go on; each of the others is told with all that is wrong with it.
//
//   VA1. Fields first, all of them; then the rules, all of them, which may rely on the fields.
//   VA2. A rule that cannot be asked of an event does not hold for it, and says why.
//   VA3. The event that came is left as it was: what goes on is a copy where a field became another value, or was removed.

import { AssertionFailed } from '../base/assert.ts';
import { MillraceError } from '../base/errors.ts';
import type { Batch, Key, Value } from '../event/batch.ts';
import { coerceField, compileFields, issueOf, REFUSED, setOwn, type FieldCheck, type RawEvent } from '../event/schema.ts';
import { traceAt } from '../event/trace-marks.ts';
import { compilePredicate } from '../expression/expression.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { pickEvents } from './each-event.ts';
import { EVENT_NAMES } from './event-names.ts';
import { describeValue, problemOf } from './failure.ts';
import type { StepContext, Transform } from './transform.ts';

type ValidateOp = Extract<OpPlan, { kind: 'validate' }>;
type Spec = ValidateOp['spec'];
type Problems = readonly string[];
/** `value`: as the fields are declared, where they are so. */
type Shaped = { readonly value: Value; readonly problems: Problems };
type Refused = { readonly index: number; readonly problems: Problems };

/** Output of events that are not as declared (plan/job-graph.ts). */
const INVALID = 'invalid';
/** More names of undeclared fields than that say nothing more. */
const NAMES_MAX = 16;

export function makeValidate({ spec, invalid }: ValidateOp): Transform {
  const shapeOf = compileShape(spec);
  const brokenRules = compileRules(spec);
  return {
    carriesTraces: true,
    onBatch(batch, context) {
      const [valid, values]: [number[], Value[]] = [[], []];
      const refused: Refused[] = [];
      for (let i = 0; i < batch.values.length; i++) {
        const { value, problems: ofFields } = shapeOf(batch.values[i]);
        const problems = ofFields.length > 0 ? ofFields : brokenRules(value, batch.keys?.[i] ?? null, batch.times[i]!, context.nowMs); // VA1
        if (problems.length > 0) refused.push({ index: i, problems });
        else {
          valid.push(i);
          values.push(value);
        }
      }
      context.emit({ ...(refused.length === 0 ? batch : pickEvents(batch, valid)), values });
      if (refused.length > 0 && invalid === 'output') giveInvalid(batch, refused, context);
      else for (const each of refused) tellInvalid(batch, each, context);
    },
  };
}

function compileShape({ schema, coerce, others }: Spec): (value: Value) => Shaped {
  if (schema === undefined) return (value) => ({ value, problems: [] });
  const fields = compileFields(schema, coerce ? 'either' : 'json');
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
      return { value, problems: [`the event is ${describeValue(value)}, expected an object`] };
    return shape(value as RawEvent, { fields, others, isDeclared: (name) => Object.hasOwn(schema, name) });
  };
}

function shape(
  event: RawEvent,
  { fields, others, isDeclared }: { fields: readonly FieldCheck[]; others: Spec['others']; isDeclared: (name: string) => boolean },
): Shaped {
  const problems: string[] = [];
  const changes: (readonly [name: string, value: unknown])[] = [];
  for (const field of fields) {
    const seen = Object.hasOwn(event, field.name) ? event[field.name] : undefined;
    const value = coerceField(field, seen);
    if (value === REFUSED) problems.push(issueOf(field, seen));
    else if (value !== seen) changes.push([field.name, value]);
  }
  const strange = others === 'keep' ? [] : Object.keys(event).filter((name) => !isDeclared(name));
  if (strange.length > 0 && others === 'refuse')
    problems.push(`not declared: ${strange.slice(0, NAMES_MAX).join(', ')}${strange.length > NAMES_MAX ? ', …' : ''}`);
  if (problems.length > 0 || (changes.length === 0 && strange.length === 0)) return { value: event, problems };
  const copy: RawEvent = {};
  for (const [name, value] of Object.entries(event)) if (others === 'keep' || isDeclared(name)) setOwn(copy, name, value);
  for (const [name, value] of changes) setOwn(copy, name, value);
  return { value: copy, problems };
}

function compileRules({ rules }: Spec): (value: Value, key: Key | null, timeMs: number, nowMs: number) => Problems {
  const compiled = rules.map(({ holds, message }, i) => ({
    holds: compilePredicate(holds, EVENT_NAMES),
    broken: message ?? (typeof holds === 'string' ? `does not hold: ${holds}` : `rule ${i + 1} does not hold`),
  }));
  return (...event) =>
    compiled.flatMap(({ holds, broken }) => {
      try {
        return holds(...event) ? [] : [broken];
      } catch (error) {
        if (error instanceof AssertionFailed) throw error;
        return [`${broken} (${problemOf(error)})`]; // VA2
      }
    });
}

function giveInvalid(batch: Batch, refused: readonly Refused[], context: StepContext): void {
  const picked = pickEvents(
    batch,
    refused.map(({ index }) => index),
  );
  context.emit({ ...picked, values: refused.map(({ problems }, i) => ({ event: picked.values[i], problems })) }, INVALID);
}

function tellInvalid(batch: Batch, { index, problems }: Refused, context: StepContext): void {
  const problem = problems.length === 1 ? (problems[0] as string) : `${problems.length} problems: ${problems.join('; ')}`;
  context.deadLetter(
    {
      code: 'MR3002',
      message: new MillraceError('MR3002', { transform: context.nodeId, problem }).message,
      issues: problems,
      event: batch.values[index],
      place: null,
      timeMs: batch.times[index] ?? null,
      key: batch.keys?.[index] ?? null,
    },
    traceAt(batch, index),
  );
}
