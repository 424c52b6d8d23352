// What a stage does: its verbs, its key, the compiled form of its window.

import type { Code } from '../../crds/stream-job/code.ts';
import type { Fields } from '../../crds/stream-job/code.ts';
import type { StageSpec } from '../../crds/stream-job/spec.ts';
import type { WindowSpec } from '../../crds/stream-job/window.ts';
import { parseDuration } from '../base/duration.ts';
import { assert } from '../base/assert.ts';
import type { CompiledKeyWatermark, CompiledPanes, CompiledWindow } from './physical-plan.ts';

export const STATELESS_VERBS = [
  'map',
  'flatMap',
  'eventTime',
  'enrich',
  'sample',
  'branch',
  'rateLimit',
  'validate',
  'compress',
  'decompress',
] as const;
export const KEYED_VERBS = [
  'window',
  'aggregate',
  'changelog',
  'dedupe',
  'join',
  'lookup',
  'machine',
  'pattern',
  'reduce',
  'xstate',
] as const;
export type Verb = (typeof STATELESS_VERBS)[number] | (typeof KEYED_VERBS)[number];
/** For people who write YAML: without what only the builder can say. */
export const YAML_VERBS: readonly string[] = [
  'filter',
  ...STATELESS_VERBS,
  ...KEYED_VERBS.filter((verb) => verb !== 'reduce' && verb !== 'xstate'),
];

/** Verbs of a stage, without filter; `window` with its `aggregate` is one. */
export function verbsOf(spec: StageSpec): readonly Verb[] {
  const given = [...STATELESS_VERBS, ...KEYED_VERBS].filter((verb) => spec[verb] !== undefined);
  return given.filter((verb) => verb !== 'aggregate' || spec.window === undefined);
}

export function isKeyed(spec: StageSpec): boolean {
  return KEYED_VERBS.some((verb) => spec[verb] !== undefined);
}

/** True for one code, false for named codes. */
export function isCode(code: Code | Fields): code is Code {
  return typeof code === 'string' || typeof code === 'function';
}

const PLAIN_FIELD = /^\s*event\.([A-Za-z_]\w*)\s*$/;
/** Name of a key that is neither a plain field nor made of named parts. */
const UNNAMED_KEY = 'key';

/** Fields of results that hold the key's parts. */
export function keyNames(keyBy: Code | Fields | undefined): readonly string[] {
  if (keyBy === undefined) return [];
  if (!isCode(keyBy)) return Object.keys(keyBy);
  return [(typeof keyBy === 'string' ? PLAIN_FIELD.exec(keyBy)?.[1] : undefined) ?? UNNAMED_KEY];
}

/** True when a window has several results by its declaration (transforms/window/panes.ts). */
export function hasPanes({ early, accumulation, global }: WindowSpec): boolean {
  return early !== undefined || accumulation === 'discarding' || global !== undefined;
}

/** Fields of its results beside key and aggregates. */
export function windowFields(window: WindowSpec | undefined): readonly string[] {
  if (window === undefined) return [];
  const bounds = window.global === undefined ? ['windowStartMs', 'windowEndMs'] : [];
  if (window.count !== undefined) return [...bounds, 'windowNumber'];
  if (hasPanes(window)) return [...bounds, 'pane', 'paneNumber', 'isLast'];
  return window.allowedLateness === undefined ? bounds : [...bounds, 'pane'];
}

export function compileKeyWatermark({ maxOutOfOrder, closeAfter }: NonNullable<WindowSpec['keyWatermark']>): CompiledKeyWatermark {
  return { maxOutOfOrderMs: parseDuration(maxOutOfOrder), closeAfterMs: parseDuration(closeAfter) };
}

export function compilePanes({ early = [], accumulation = 'accumulating' }: WindowSpec): CompiledPanes {
  return {
    early: early.map(({ every, processingTime, count, when, once }) => ({
      ...(processingTime === undefined ? {} : { afterMs: parseDuration(processingTime) }),
      everyMs: every === undefined ? null : parseDuration(every),
      count: count ?? null,
      when: when ?? null,
      once,
    })),
    accumulation,
  };
}

export function compileWindow({ tumbling, sliding, session, count, global }: WindowSpec): CompiledWindow {
  if (count !== undefined) {
    const { size, every = size, orAfter } = count;
    return { kind: 'count', size, every, orAfterMs: orAfter === undefined ? null : parseDuration(orAfter) };
  }
  if (global !== undefined) return { kind: 'global' };
  if (tumbling !== undefined)
    return { kind: 'tumbling', sizeMs: parseDuration(tumbling.size), offsetMs: parseDuration(tumbling.offset ?? '0s') };
  if (sliding !== undefined) {
    return {
      kind: 'sliding',
      sizeMs: parseDuration(sliding.size),
      everyMs: parseDuration(sliding.every),
      offsetMs: parseDuration(sliding.offset ?? '0s'),
    };
  }
  assert(session !== undefined, 'a window has one kind (rules-stages)');
  return { kind: 'session', gapMs: parseDuration(session.gap) };
}
