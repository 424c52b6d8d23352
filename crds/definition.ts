// A custom resource definition as a value: the schema with rules and forms of lists put in at their places.

import { oneLine } from './cel-text.ts';
import type { CelRule, Column, ListForm } from './cel-rule.ts';
import type { Json } from './structural.ts';

export type Definition = {
  readonly names: { readonly kind: string; readonly plural: string; readonly singular: string; readonly short: string };
  readonly description: string;
  readonly spec: Json;
  readonly status: Json;
  readonly rules: readonly CelRule[];
  readonly lists: readonly ListForm[];
  readonly columns: readonly Column[];
  readonly scale?: Json;
};

export const GROUP = 'millrace.dev';
export const VERSION = 'v1alpha1';
const CATEGORIES: readonly string[] = ['millrace', 'streaming'];

export function customResourceDefinition({ names, scale, columns, ...rest }: Definition): Json {
  const { kind, plural, singular, short } = names;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames: [short], categories: CATEGORIES },
      scope: 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: columns.map(printerColumn),
          subresources: { status: {}, ...(scale === undefined ? {} : { scale }) },
          schema: { openAPIV3Schema: rootSchema(rest) },
        },
      ],
    },
  };
}

function printerColumn({ name, type, jsonPath, description, isWide }: Column): Json {
  return { name, type, jsonPath, description, ...(isWide === true ? { priority: 1 } : {}) };
}

function rootSchema({
  description,
  spec,
  status,
  rules,
  lists,
}: Pick<Definition, 'description' | 'spec' | 'status' | 'rules' | 'lists'>): Json {
  const root: Json = {
    type: 'object',
    description,
    required: ['spec'],
    properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' }, spec, status },
  };
  const additions = new Map<string, Json>();
  for (const list of lists) additions.set(list.at, { ...additions.get(list.at), ...listWords(list) });
  for (const [at, own] of Map.groupBy(rules, (rule) => rule.at))
    additions.set(at, { ...additions.get(at), 'x-kubernetes-validations': own.map(validation) });
  const used = new Set<string>();
  const whole = withAdditions(root, '', { additions, used });
  const lost = [...additions.keys()].filter((at) => !used.has(at));
  if (lost.length > 0) throw new Error(`no place of the schema is called ${lost.join(', ')}`);
  return whole;
}

function listWords(list: ListForm): Json {
  if ('isSet' in list) return { 'x-kubernetes-list-type': 'set' };
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': list.keys };
}

function validation({ rule, message, messageExpression }: CelRule): Json {
  return { rule: oneLine(rule), message, ...(messageExpression === undefined ? {} : { messageExpression: oneLine(messageExpression) }) };
}

type Additions = { readonly additions: ReadonlyMap<string, Json>; readonly used: Set<string> };

function withAdditions(schema: Json, at: string, context: Additions): Json {
  const own = context.additions.get(at);
  if (own !== undefined) context.used.add(at);
  const { items, properties, additionalProperties, ...words } = schema as Readonly<Record<string, Json>>;
  const join = (name: string): string => (at === '' ? name : `${at}.${name}`);
  return {
    ...words,
    ...own,
    ...(items === undefined ? {} : { items: withAdditions(items, `${at}[]`, context) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties as Readonly<Record<string, Json>>).map(([name, field]) => [
              name,
              withAdditions(field, join(name), context),
            ]),
          ),
        }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: withAdditions(additionalProperties, `${at}{}`, context) }),
  };
}
