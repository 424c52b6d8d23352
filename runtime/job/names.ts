// Names of stages and sinks that the user did not name.
//
//   N1. A stage is named `<input>-<verb>`, a sink `<input>-file`, `<input>-subject` or `<input>-journal`, where <input>
//       is the name of its first input (of the output, where that has a name of its own).
//   N2. When that is taken, `-2`, `-3` … is added in the order of declaration. So a derived name changes only when its
//       input's name or an equal sibling before it does; state that must survive edits is named with .as().

import type { Issue } from '../base/issues.ts';
import type { Output, Producer, StageDraft } from './producer.ts';

const NAME_LENGTH_MAX = 63; // a Kubernetes label value, and a token of a subject

export type StageNames = { readonly of: (producer: Producer) => string; readonly issues: readonly Issue[] };

/** Names for all stages (in order of declaration, inputs first), and names that were given twice or came out too long. */
export function nameStages(sources: readonly string[], stages: readonly StageDraft[]): StageNames {
  const issues: Issue[] = [];
  const taken = new Set<string>();
  for (const name of [...sources, ...stages.flatMap((stage) => stage.explicitName ?? [])]) {
    if (taken.has(name))
      issues.push({ path: name, message: `the name "${name}" was given twice`, fix: 'sources and stages of a job have different names' });
    taken.add(name);
  }
  const names = new Map<Producer, string>();
  const of = (producer: Producer): string => (producer.kind === 'source' ? producer.name : (names.get(producer) ?? 'unknown'));
  for (const stage of stages) {
    const name = stage.explicitName ?? free(`${baseOf(stage.from, of)}-${stage.verb}`, taken);
    if (stage.explicitName === null && name.length > NAME_LENGTH_MAX) issues.push(tooLong(name));
    names.set(stage, name);
  }
  return { of, issues };
}

/** `hourly` and file → `hourly-file`; `aircraft.knock-on` → `knock-on-file`. */
export function sinkName(from: readonly string[], kind: string, taken: Set<string>): string {
  const base = from[0]?.split('.').at(-1) ?? 'sink';
  return free(`${asName(base)}-${kind}`, taken);
}

function baseOf(from: readonly Output[], of: (producer: Producer) => string): string {
  const first = from[0];
  if (first === undefined) return 'stage';
  return first.output === null ? of(first.producer) : `${of(first.producer)}-${asName(first.output)}`;
}

function free(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let count = 2; taken.has(name); count++) name = `${wanted}-${count}`;
  taken.add(name);
  return name;
}

function asName(text: string): string {
  return text.toLowerCase().replaceAll('_', '-');
}

function tooLong(name: string): Issue {
  return {
    path: name,
    message: `the derived name "${name}" has ${name.length} characters, more than ${NAME_LENGTH_MAX}`,
    fix: "name this stage, or one before it, with .as('…')",
  };
}
