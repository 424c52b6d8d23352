// A machine's declaration → its chart, and what was counted → figures of that chart. Pure.
//
//   SC1. Anything may come: what is no state or transition is left out, and a chart is never larger than CHART_MAX.
//   SC2. Transitions with the same ends and event are one line with several guards: counts do not tell them apart.

import { formatDuration, isDuration, parseDuration } from '../runtime/base/duration.ts';
import { leavesOf } from '../runtime/client/active-states.ts';
import type { ActorFigures } from '../runtime/transforms/figures.ts';
import type { Chart, ChartState, ChartTransition, LiveMachine } from './api.ts';

const CHART_MAX = 1_000;
const DEPTH_MAX = 20;
const GUARD_CHARACTERS_MAX = 400;

type Fields = Readonly<Record<string, unknown>>;
type Draft = { from: string; to: string; event: string; eventType: string; guards: string[] };

export function chartOf(stage: string, node: string, machine: unknown): Chart {
  const states: ChartState[] = [];
  const ids = new Map<string, string>();
  walk(fieldsOf(machine), '', states, ids, 0);
  const known = new Set(states.map(({ path }) => path));
  const drafts: Draft[] = [];
  collect(fieldsOf(machine), '', { ids, known, drafts }, 0);
  return { stage, node, of: 'actors', states, transitions: merged(drafts) };
}

function walk(state: Fields, path: string, found: ChartState[], ids: Map<string, string>, depth: number): void {
  if (typeof state['id'] === 'string') ids.set(state['id'], path);
  const children = fieldsOf(state['states']);
  for (const [name, value] of Object.entries(children)) {
    if (found.length >= CHART_MAX || depth >= DEPTH_MAX) return;
    const child = fieldsOf(value);
    const childPath = path === '' ? name : `${path}.${name}`;
    const isInitial = state['initial'] === name || state['type'] === 'parallel';
    found.push({ path: childPath, name, parent: path === '' ? null : path, type: typeOf(child), isInitial });
    walk(child, childPath, found, ids, depth + 1);
  }
}

function typeOf(state: Fields): ChartState['type'] {
  const { type } = state;
  if (type === 'parallel' || type === 'final' || type === 'history') return type;
  return Object.keys(fieldsOf(state['states'])).length > 0 ? 'compound' : 'atomic';
}

type Collecting = { readonly ids: ReadonlyMap<string, string>; readonly known: ReadonlySet<string>; readonly drafts: Draft[] };

function collect(state: Fields, path: string, into: Collecting, depth: number): void {
  if (depth > DEPTH_MAX) return;
  const add = (event: string, eventType: string, value: unknown): void => {
    for (const one of Array.isArray(value) ? (value as readonly unknown[]) : [value]) addTransition(event, eventType, one, path, into);
  };
  for (const [event, value] of Object.entries(fieldsOf(state['on']))) add(event, event, value);
  for (const [delay, value] of Object.entries(fieldsOf(state['after']))) {
    const ms = delayMs(delay);
    add(`after ${ms === null ? delay : formatDuration(ms)}`, `xstate.after.${ms ?? delay}.`, value);
  }
  if (state['always'] !== undefined) add('always', '', state['always']);
  if (state['onDone'] !== undefined) add('done', 'xstate.done.state.', state['onDone']);
  for (const [name, child] of Object.entries(fieldsOf(state['states'])))
    collect(fieldsOf(child), path === '' ? name : `${path}.${name}`, into, depth + 1);
}

function addTransition(event: string, eventType: string, value: unknown, path: string, { ids, known, drafts }: Collecting): void {
  if (drafts.length >= CHART_MAX) return;
  const fields = typeof value === 'string' ? { target: value } : fieldsOf(value);
  const target = fields['target'];
  const to = typeof target === 'string' ? resolve(target, path, ids) : path;
  if (to !== '' && !known.has(to)) return;
  drafts.push({ from: path, to, event, eventType, guards: guardsOf(fields['guard']) });
}

/** `#id`, `.child`, else a sibling. */
function resolve(target: string, path: string, ids: ReadonlyMap<string, string>): string {
  if (target.startsWith('#')) {
    const [id = '', ...rest] = target.slice(1).split('.');
    return [ids.get(id) ?? '', ...rest].filter((part) => part !== '').join('.');
  }
  if (target.startsWith('.')) return path === '' ? target.slice(1) : `${path}${target}`;
  const parent = path.split('.').slice(0, -1).join('.');
  return parent === '' ? target : `${parent}.${target}`;
}

function guardsOf(guard: unknown): string[] {
  if (guard === undefined || guard === null) return [];
  const name = (guard as { readonly type?: unknown }).type;
  const text =
    typeof guard === 'string' ? guard : typeof name === 'string' ? name : typeof guard === 'function' ? guard.name || 'code' : 'code';
  return [text.slice(0, GUARD_CHARACTERS_MAX)];
}

/** SC2. */
function merged(drafts: readonly Draft[]): ChartTransition[] {
  const byLine = new Map<string, Draft>();
  for (const draft of drafts) {
    const line = JSON.stringify([draft.from, draft.to, draft.event]);
    const known = byLine.get(line);
    if (known === undefined) byLine.set(line, { ...draft, guards: [...draft.guards] });
    else known.guards.push(...draft.guards);
  }
  return [...byLine.values()].map((draft, id) => ({ id, ...draft }));
}

/** Figures by the chart's own names. `perS`: rate of a count by its name. */
export function liveMachine(chart: Chart, figures: ActorFigures, perS: (name: string, count: number) => number): LiveMachine {
  const actors = new Map<string, number>();
  for (const [state, count] of Object.entries(figures.states))
    for (const path of new Set(leavesOf(state).flatMap(withParents))) actors.set(path, (actors.get(path) ?? 0) + count);
  const taken = new Map<number, number>();
  const others: { from: string; event: string; to: string; count: number }[] = [];
  for (const [from, event, to, count] of figures.transitions) {
    const found = transitionFor(chart, leavesOf(from), event, leavesOf(to));
    if (found === undefined) others.push({ from, event, to, count });
    else taken.set(found.id, (taken.get(found.id) ?? 0) + count);
  }
  return {
    node: chart.node,
    actors: Object.fromEntries(actors),
    actorsTotal: Object.values(figures.states).reduce((sum, count) => sum + count, 0),
    taken: [...taken].map(([id, count]) => ({ id, count, perS: perS(`${chart.node}#${id}`, count) })),
    others: others.slice(0, 20),
  };
}

function withParents(path: string): readonly string[] {
  const parts = path.split('.');
  return parts.map((_part, at) => parts.slice(0, at + 1).join('.'));
}

/** The innermost declared transition that leads from one of the states, by the event, to one of the others. */
function transitionFor(chart: Chart, from: readonly string[], event: string, to: readonly string[]): ChartTransition | undefined {
  const fits = chart.transitions.filter((one) => isEvent(one, event) && from.some((path) => isWithin(path, one.from)));
  const exact = fits.filter((one) => to.some((path) => isWithin(path, one.to)));
  const stays = exact.filter((one) => from.join() !== to.join() || one.from === one.to || isWithin(one.from, one.to));
  return stays.toSorted((a, b) => b.from.length + b.to.length - a.from.length - a.to.length)[0];
}

function isEvent({ event, eventType }: ChartTransition, taken: string): boolean {
  if (eventType === '') return false;
  return eventType.startsWith('xstate.') ? taken.startsWith(eventType) : event === taken || event === '*' || isPrefix(event, taken);
}

function isPrefix(pattern: string, event: string): boolean {
  return pattern.endsWith('.*') && event.startsWith(pattern.slice(0, -1));
}

function isWithin(path: string, of: string): boolean {
  return of === '' || path === of || path.startsWith(`${of}.`);
}

function delayMs(delay: string): number | null {
  if (/^\d{1,15}$/.test(delay)) return Number(delay);
  return isDuration(delay) ? parseDuration(delay) : null;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
