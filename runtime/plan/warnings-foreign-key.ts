// Who takes rows of a foreign-key join back must tell them apart by both rows that they are made of (ADR 43): when a row moves from one
// key of the join to another, what is gone comes from the one partition and what is new from the other, in either order. By the row's
// own id alone the retraction may come last, and take back what is there.
//
//   FK1. Judged where it can be read: texts, and a reader directly behind the join. Functions, and maps in between, are trusted.

import type { Code, Fields } from '../../crds/stream-job/code.ts';
import type { JoinSpec } from '../../crds/stream-job/joins.ts';
import type { StageSpec } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { inputsOf, type JobGraph, type StageElement } from './job-graph.ts';
import { isCode } from './stage-verbs.ts';

/** How a stage tells the rows of an input apart. */
type Telling = {
  readonly codes: readonly (Code | Fields | undefined)[];
  readonly side: 'left' | 'right';
  readonly path: readonly PathPart[];
};

export function warnForeignKeys(graph: JobGraph): readonly Issue[] {
  return graph.stages.flatMap((stage) => tellings(stage).flatMap((telling) => warnTelling(stage, telling, graph)));
}

function tellings({ spec, path }: StageElement): readonly Telling[] {
  const { keyBy, rows, changelog, join } = spec;
  const all: Telling[] = [];
  if (rows !== undefined) all.push({ codes: [keyBy, rows.id], side: 'left', path: [...path, 'rows', 'id'] });
  if (changelog !== undefined) all.push({ codes: [keyBy], side: 'left', path: [...path, 'keyBy'] });
  const { left, right } = join?.table ?? {};
  if (join?.table !== undefined) {
    all.push({
      codes: [keyBy, left?.id],
      side: 'left',
      path: [...path, 'join', 'table', ...(left?.id === undefined ? [] : ['left', 'id'])],
    });
    const key = join.key ?? keyBy;
    all.push({
      codes: [key, right?.id],
      side: 'right',
      path: [...path, 'join', 'table', ...(right?.id === undefined ? [] : ['right', 'id'])],
    });
  }
  return all;
}

function warnTelling(stage: StageElement, { codes, side, path }: Telling, graph: JobGraph): readonly Issue[] {
  if (side === 'left' && changesEvents(stage.spec)) return []; // FK1
  const texts = codes.filter((code) => code !== undefined).flatMap(textsOf);
  if (texts.includes(null)) return [];
  const told = texts.join(', ');
  const joins = inputsOf(stage).flatMap((input) => {
    const from = input.side === side && input.isFirst === undefined ? graph.byName.get(input.name) : undefined;
    return from?.kind === 'stage' && isForeign(from.spec) ? [from] : [];
  });
  return joins.flatMap(({ name, spec }) => {
    const missing = missingOf(told, spec);
    if (missing === null) return [];
    return [
      {
        path: formatPath(path),
        message: `rows of the join "${name}" are told apart by ${told}: one that moves to another key of the join is taken back and given by two partitions, in either order`,
        fix: missing.field === null ? `select ${missing.text} as a field, and name it here too` : `name ${missing.field} here too`,
      },
    ];
  });
}

function changesEvents({ map, flatMap, enrich, decompress, validate }: StageSpec): boolean {
  return [map, flatMap, enrich, decompress, validate].some((verb) => verb !== undefined);
}

/** A table join that takes rows back, of which a side has rows with an id of their own. */
function isForeign({ join }: StageSpec): boolean {
  const table = join?.table;
  return table?.emit === 'changes' && (table.left?.id !== undefined || table.right?.id !== undefined);
}

/** What of the join's key no part of `told` has; null: nothing is missing, or it cannot be read. */
function missingOf(told: string, spec: StageSpec): { readonly text: string; readonly field: string | null } | null {
  const join = spec.join as JoinSpec;
  const keys = [on('left', spec.keyBy), on('right', join.key ?? spec.keyBy)].filter((text) => text !== null);
  const fields = fieldsOf(join);
  if (keys.length === 0 || fields === null || /\bevent\b(?!\.[A-Za-z_])/.test(told)) return null;
  const read = [...told.matchAll(/\bevent\.([A-Za-z_]\w*)/g)].map(([, name = '']) => name);
  const codes = read.map((name) => fields.get(name) ?? null);
  const whole = told.replaceAll(/\bevent\.(left|right)\b/g, '$1');
  if (codes.includes(null) && join.select !== undefined) return null;
  if (keys.some((key) => [...codes, whole].some((code) => code !== null && holds(code, key)))) return null;
  const field = [...fields].find(([, code]) => code !== null && keys.some((key) => holds(code, key)));
  const name = join.select === undefined ? keys[0] : field?.[0];
  return { text: keys[0]!, field: name === undefined ? null : `event.${name}` };
}

/** Code of the selected fields; null for a function, or for one expression that gives all of them. */
function fieldsOf({ select }: JoinSpec): ReadonlyMap<string, string | null> | null {
  if (select === undefined) return new Map();
  if (isCode(select)) return null;
  return new Map(Object.entries(select).map(([name, code]) => [name, typeof code === 'string' ? code : null]));
}

/** The key as it reads in select; null: it is several codes, or a function. */
function on(side: 'left' | 'right', key: Code | Fields | undefined): string | null {
  return typeof key === 'string' ? key.trim().replaceAll(/\bevent\b/g, side) : null;
}

function textsOf(code: Code | Fields): readonly (string | null)[] {
  if (isCode(code)) return [typeof code === 'string' ? code : null];
  return Object.values(code).flatMap(textsOf);
}

/** `part` stands in `code`, not as the beginning of a longer name. */
function holds(code: string, part: string): boolean {
  const at = code.indexOf(part);
  return at >= 0 && (!/[\w.]/.test(code[at + part.length] ?? '') || holds(code.slice(at + part.length), part));
}
