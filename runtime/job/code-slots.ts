// Where code may stand in a job: the one list of all slots. A text that looks like a mark is one only there.

import { AGGREGATE_FUNCTIONS } from '../../crds/stream-job/aggregates.ts';
import type { StreamJobSpec } from '../../crds/stream-job/spec.ts';
import type { PathPart } from '../base/path.ts';

/** What becomes of the code at `path` (within the spec). */
export type CodeChange = (code: unknown, path: readonly PathPart[]) => unknown;
type Fields = Readonly<Record<string, unknown>>;
/** A slot, a mapping or list of slots, or fields that hold slots. */
type Shape =
  | { readonly kind: 'code' | 'codeOrFields' }
  | { readonly kind: 'each'; readonly of: Shape }
  | { readonly kind: 'fields'; readonly of: () => Readonly<Record<string, Shape>> };

const code: Shape = { kind: 'code' };
const codeOrFields: Shape = { kind: 'codeOrFields' };
const each = (of: Shape): Shape => ({ kind: 'each', of });
const fields = (of: Readonly<Record<string, Shape>> | (() => Readonly<Record<string, Shape>>)): Shape => ({
  kind: 'fields',
  of: typeof of === 'function' ? of : () => of,
});

const eventTime = fields({ at: code, watermark: code });
const aggregate = fields({
  ...Object.fromEntries([...AGGREGATE_FUNCTIONS, 'where'].map((name) => [name, code])),
  count: fields({}),
  quantiles: fields({ of: code }),
  heavyHitters: fields({ of: code }),
  reservoir: fields({ of: code }),
  top: fields({ by: code, value: code }),
});

const action = fields({
  assign: each(code),
  emit: fields({ value: codeOrFields }),
  raise: fields({ data: each(code), delay: code, id: code }),
  cancel: code,
});
/** A name of a state, a transition, or a list of them: names are left alone by what has no fields. */
const transition: Shape = fields({ guard: code, actions: each(action) });
const states: Shape = each(
  fields(() => ({
    on: each(transition),
    always: transition,
    after: each(transition),
    onDone: transition,
    entry: each(action),
    exit: each(action),
    states,
  })),
);
const machine = fields(() => ({
  eventType: code,
  on: each(transition),
  always: transition,
  after: each(transition),
  onDone: transition,
  entry: each(action),
  exit: each(action),
  states,
}));

const steps: Shape = each(fields(() => ({ where: code, until: code, steps })));

const tableSide = fields({ id: code, deleted: code });

const stage = fields({
  filter: code,
  map: codeOrFields,
  flatMap: each(fields({ when: code, emit: codeOrFields })),
  eventTime,
  enrich: each(fields({ key: code, at: code, when: code })),
  sample: fields({ by: code }),
  branch: fields({ outputs: each(fields({ when: code })) }),
  validate: fields({ rules: each(fields({ holds: code })) }),
  keyBy: codeOrFields,
  window: fields({ early: each(fields({ when: code })) }),
  aggregate: each(aggregate),
  rows: fields({ id: code, deleted: code }),
  changelog: fields({ deleted: code }),
  join: fields({
    key: code,
    select: codeOrFields,
    temporal: fields({ deleted: code }),
    table: fields({ left: tableSide, right: tableSide }),
  }),
  lookup: fields({ http: fields({ url: code, query: each(code), headers: each(code), body: code }), code }),
  pattern: fields({ steps, select: codeOrFields }),
  machine,
  migrate: each(fields({ state: code })),
  reduce: fields({ init: code, step: code, expire: code, cells: each(fields({ reduce: code, init: code, add: code, result: code })) }),
  xstate: fields({ machine: code }),
});

const spec = fields({
  sources: each(fields({ eventTime })),
  tables: each(fields({ key: code, at: code, deleted: code })),
  stages: each(stage),
});

/** A copy of `spec` with `change` applied to each code, in the order of declaration. */
export function mapCode(value: StreamJobSpec, change: CodeChange): unknown {
  return mapShape(value, spec, change, []);
}

function mapShape(value: unknown, shape: Shape, change: CodeChange, path: readonly PathPart[]): unknown {
  if (value === undefined || value === null) return value;
  const isObject = typeof value === 'object';
  switch (shape.kind) {
    case 'code':
      return change(value, path);
    case 'codeOrFields':
      return isObject ? mapEach(value, code, change, path) : change(value, path);
    case 'each':
      // flatMap is one code, or a list of cases.
      return isObject ? mapEach(value, shape.of, change, path) : change(value, path);
    case 'fields': {
      // A transition is one, or a list of them; or the name of a state, which is no code.
      if (Array.isArray(value)) return mapEach(value, shape, change, path);
      if (!isObject) return value;
      const of = shape.of();
      const entries = Object.entries(value as Fields);
      return Object.fromEntries(
        entries.map(([name, field]) => {
          const inner = Object.hasOwn(of, name) ? of[name] : undefined;
          return [name, inner === undefined ? field : mapShape(field, inner, change, [...path, name])];
        }),
      );
    }
  }
}

function mapEach(value: object, of: Shape, change: CodeChange, path: readonly PathPart[]): unknown {
  if (Array.isArray(value)) return value.map((item, index) => mapShape(item, of, change, [...path, index]));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapShape(item, of, change, [...path, name])]));
}
