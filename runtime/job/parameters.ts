// `${name}` in the texts of a job: replaced by the value of `--set name=value`, or by the parameter's default.
//
//   M1. Replaced before the schema is checked, in every text of `spec` (names of fields too) but in `spec.parameters`.
//   M2. `$${name}` stands for `${name}` itself. Values are not looked through again.

import { isPair, isSeq, visit, type Scalar } from 'yaml';
import type { Issue } from '../base/issues.ts';
import { suggest } from '../base/nearest.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { keyText, type YamlText } from './yaml-text.ts';

export type Substitution = {
  readonly issues: readonly Issue[];
  /** Scalars whose text a parameter changed: where a number is expected, the text may be one. */
  readonly changed: ReadonlySet<unknown>;
  /** Scalars that miss a value: already reported, what else is wrong with them is not known. */
  readonly unresolved: ReadonlySet<unknown>;
};

const USE = /\$(\$?)\{([^{}]*)\}/g;
const PARAMETERS: readonly PathPart[] = ['spec', 'parameters'];

/** Replaces in place, in the nodes of `yaml`. */
export function substituteParameters(yaml: YamlText, given: Readonly<Record<string, string>>): Substitution {
  const declared = declaredParameters(yaml);
  const values = new Map([...declared].map(([name, byDefault]) => [name, Object.hasOwn(given, name) ? (given[name] ?? null) : byDefault]));
  const issues = unknownGiven(yaml, given, [...declared.keys()]);
  const changed = new Set<unknown>();
  const unresolved = new Set<unknown>();
  for (const { scalar, text, path } of textsOf(yaml)) {
    const { replaced, problems } = replaceUses(text, values);
    issues.push(...problems.map((problem) => ({ path: formatPath(path), ...problem, ...yaml.placeAt(scalar.range?.[0] ?? 0) })));
    if (problems.length > 0) unresolved.add(scalar);
    else if (replaced !== text) changed.add(scalar);
    scalar.value = replaced;
  }
  return { issues, changed, unresolved };
}

export type Problem = { readonly message: string; readonly fix: string };

/** `text` with its uses of parameters replaced; a name without a value is null in `values`. */
export function replaceUses(
  text: string,
  values: ReadonlyMap<string, string | null>,
): { readonly replaced: string; readonly problems: readonly Problem[] } {
  const problems = new Map<string, Problem>();
  const replaced = text.replace(USE, (use, escape: string, inside: string) => {
    if (escape !== '') return use.slice(1);
    const name = inside.trim();
    const value = values.get(name);
    if (typeof value === 'string') return value;
    if (value === null)
      problems.set(name, { message: `parameter "${name}" has no value`, fix: `give --set ${name}=VALUE, or a default in spec.parameters` });
    else
      problems.set(name, {
        message: `unknown parameter "${name}"`,
        fix: `${suggest(name, [...values.keys()])}; for the text itself write $${use}`,
      });
    return use;
  });
  return { replaced, problems: [...problems.values()] };
}

/** Name → default (null: none). What is damaged in the list is for the schema to report. */
function declaredParameters(yaml: YamlText): ReadonlyMap<string, string | null> {
  const list = yaml.nodeAt(PARAMETERS)?.toJS(yaml.document, { maxAliasCount: -1 }) as unknown;
  const declared = new Map<string, string | null>();
  for (const item of Array.isArray(list) ? (list as unknown[]) : []) {
    if (typeof item !== 'object' || item === null || !('name' in item) || typeof item.name !== 'string') continue;
    const byDefault = 'default' in item ? item.default : null;
    declared.set(item.name, typeof byDefault === 'object' ? null : String(byDefault as string | number | boolean));
  }
  return declared;
}

function unknownGiven(yaml: YamlText, given: Readonly<Record<string, string>>, names: readonly string[]): Issue[] {
  const unknown = Object.keys(given).filter((name) => !names.includes(name));
  return unknown.map((name) => ({
    path: formatPath(PARAMETERS),
    message: `--set gives a value to "${name}", which is no parameter of this job`,
    fix: suggest(name, names),
    ...yaml.place(PARAMETERS),
  }));
}

type TextNode = { readonly scalar: Scalar; readonly text: string; readonly path: readonly PathPart[] };

/** Every text of the spec but those of its parameters, once each (M1). */
function textsOf(yaml: YamlText): readonly TextNode[] {
  const found: TextNode[] = [];
  visit(yaml.document, {
    Scalar: (_key, scalar, ancestors) => {
      if (typeof scalar.value !== 'string' || !scalar.value.includes('${')) return;
      const path = pathOf([...ancestors, scalar]);
      if (path[0] === 'spec' && path[1] !== 'parameters') found.push({ scalar, text: scalar.value, path });
    },
  });
  return found;
}

function pathOf(nodes: readonly unknown[]): readonly PathPart[] {
  return nodes.flatMap((node, index): readonly PathPart[] => {
    if (isPair(node)) return [keyText(node)];
    return isSeq(node) ? [node.items.indexOf(nodes[index + 1])] : [];
  });
}
