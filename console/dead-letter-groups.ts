// Dead letters by their cause: code, place, and message without what differs from event to event. Bounded, whatever comes.
//
//   DG1. What was decided about a letter is counted in its group; of letters before the newest LETTERS_MAX that is not known any more.

import { createHash } from 'node:crypto';
import type { DeadLetter } from '../runtime/event/batch.ts';
import { decodeKey } from '../runtime/event/key.ts';
import type { DeadLetterGroup, DeadLetters } from './api.ts';

const GROUPS_MAX = 200;
const SAMPLES_MAX = 5;
const LETTERS_MAX = 200_000;
const EVENT_CHARACTERS_MAX = 4_096;
const MESSAGE_CHARACTERS_MAX = 500;
const ISSUES_MAX = 8;

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Sample = Writable<DeadLetterGroup['samples'][number]>;
type Group = Writable<Omit<DeadLetterGroup, 'samples'>> & { samples: Sample[] };
export type LetterState = 'open' | 'redriven' | 'dropped';

export class DeadLetterGroups {
  readonly #groups = new Map<string, Group>();
  readonly #letters = new Map<string, Group>();
  #total = 0;

  /** `id`: null where it is not known; then nothing can be decided about it. */
  add(letter: DeadLetter, id: string | null = null): void {
    this.#total++;
    const code = text(letter.code, 16);
    const at = text(letter.at, 128);
    const name = causeId(letter);
    let group = this.#groups.get(name);
    if (group === undefined) {
      if (this.#groups.size >= GROUPS_MAX) return;
      const message = text(letter.message, MESSAGE_CHARACTERS_MAX);
      group = { id: name, code, at, message, count: 0, open: 0, redriven: 0, dropped: 0, lastMs: null, samples: [] };
      this.#groups.set(name, group);
    }
    group.count++;
    group.open++;
    if (typeof letter.timeMs === 'number') group.lastMs = letter.timeMs;
    group.samples.unshift(sampleOf(letter, id));
    group.samples.length = Math.min(group.samples.length, SAMPLES_MAX);
    if (id === null) return;
    this.#letters.set(id, group);
    for (const oldest of this.#letters.keys()) {
      if (this.#letters.size <= LETTERS_MAX) break;
      this.#letters.delete(oldest); // DG1
    }
  }

  /** Once for each letter; false: no such letter was added. */
  decide(id: string, state: Exclude<LetterState, 'open'>): boolean {
    const group = this.#letters.get(id);
    if (group === undefined) return false;
    group.open--;
    group[state]++;
    const sample = group.samples.find((one) => one.id === id);
    if (sample !== undefined) sample.state = state;
    this.#letters.delete(id);
    return true;
  }

  told(note: string | null): DeadLetters {
    const groups = [...this.#groups.values()].toSorted((a, b) => b.open - a.open || b.count - a.count);
    return { total: this.#total, open: groups.reduce((sum, { open }) => sum + open, 0), groups: groups.map(copyOf), note };
  }
}

function copyOf(group: Group): DeadLetterGroup {
  return { ...group, samples: group.samples.map((sample) => ({ ...sample })) };
}

/** Letters of one cause have the same, always: short enough for a person to type. */
export function causeId(letter: DeadLetter): string {
  return createHash('sha256').update(causeName(letter)).digest('hex').slice(0, 10);
}

function causeName(letter: DeadLetter): string {
  return JSON.stringify([text(letter.code, 16), text(letter.at, 128), causeOf(letter)]);
}

/** Numbers and quoted values differ from event to event, the cause stays. */
function causeOf({ message, issues }: DeadLetter): string {
  const said = Array.isArray(issues) && issues.length > 0 ? issues.join('; ') : text(message, MESSAGE_CHARACTERS_MAX);
  return said.slice(0, MESSAGE_CHARACTERS_MAX).replaceAll(/"[^"]*"|'[^']*'|\d+/g, '…');
}

function sampleOf({ place, key, issues, event, traceId }: DeadLetter, id: string | null): Sample {
  return {
    id,
    state: 'open',
    place: place === null ? null : text(place, 200),
    key: key === null ? null : text(keyText(key), 200),
    issues: Array.isArray(issues) ? issues.slice(0, ISSUES_MAX).map((issue) => text(issue, MESSAGE_CHARACTERS_MAX)) : [],
    traceId: /^[0-9a-f]{32}$/.test(traceId ?? '') ? (traceId ?? null) : null,
    event: text(typeof event === 'string' ? event : (JSON.stringify(event) ?? 'null'), EVENT_CHARACTERS_MAX),
  };
}

function keyText(key: string): string {
  try {
    const value = decodeKey(key);
    return typeof value === 'string'
      ? value
      : JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  } catch {
    return key;
  }
}

function text(value: unknown, charactersMax: number): string {
  const whole = typeof value === 'string' ? value : String(value);
  return whole.length <= charactersMax ? whole : `${whole.slice(0, charactersMax)}…`;
}
