// Whether what came is what api.ts says, as far as the page would fail without it. Another version may tell more. Pure.

import type { Declared, JobRef, Live, ShownDeadLetters, Story } from '../api.ts';

type Fields = Readonly<Record<string, unknown>>;

export function isRefs(value: unknown): value is readonly JobRef[] {
  return areAll(value, ({ namespace, name }) => typeof namespace === 'string' && typeof name === 'string');
}

export function isDeclared(value: unknown): value is Declared {
  const { id, ref, text, planText, stages, edges, charts } = fieldsOf(value);
  return (
    [id, text, planText].every((one) => typeof one === 'string') &&
    isRefs([ref]) &&
    areAll(stages, (stage) => typeof stage['id'] === 'string' && Array.isArray(stage['nodes'])) &&
    areAll(edges, (edge) => typeof edge['from'] === 'string' && typeof edge['to'] === 'string') &&
    areAll(charts, (chart) => Array.isArray(chart['states']) && Array.isArray(chart['transitions']))
  );
}

export function isLive(value: unknown): value is Live {
  const { declaredId, phase, stages, edges, workers, pools = [], machines, windows, timeline } = fieldsOf(value);
  return (
    typeof declaredId === 'string' &&
    typeof fieldsOf(phase)['name'] === 'string' &&
    areAll(stages, (stage) => typeof stage['id'] === 'string' && areAll(stage['partitions'], () => true)) &&
    areAll(pools, (pool) => typeof pool['name'] === 'string' && Array.isArray(pool['stages'])) &&
    areAll(machines, (machine) => typeof machine['actors'] === 'object' && Array.isArray(machine['taken'])) &&
    areAll(windows, (window) => Array.isArray(window['spans'])) &&
    areAll(timeline, (entry) => typeof entry['atMs'] === 'number' && typeof entry['text'] === 'string') &&
    [edges, workers].every((all) => areAll(all, () => true))
  );
}

export function isDeadLetters(value: unknown): value is ShownDeadLetters {
  const { total, groups } = fieldsOf(value);
  return typeof total === 'number' && areAll(groups, (group) => typeof group['id'] === 'string' && areAll(group['samples'], () => true));
}

export function isStory(value: unknown): value is Story {
  const { kind, message, answer } = fieldsOf(value);
  const { cells, timers, recent } = fieldsOf(answer);
  return kind === 'nobody'
    ? typeof message === 'string'
    : kind === 'told' && [cells, timers, recent].every((all) => areAll(all, () => true));
}

function areAll(value: unknown, isOne: (fields: Fields) => boolean): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'object' && one !== null && isOne(one as Fields));
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
