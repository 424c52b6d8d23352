// Dead letters by their cause: code, place, and message without what differs from event to event. Bounded, whatever comes.

import type { DeadLetter } from '../runtime/event/batch.ts';
import { decodeKey } from '../runtime/event/key.ts';
import type { DeadLetterGroup, DeadLetters } from './api.ts';

const GROUPS_MAX = 200;
const SAMPLES_MAX = 3;
const EVENT_CHARACTERS_MAX = 4_096;
const MESSAGE_CHARACTERS_MAX = 500;
const ISSUES_MAX = 8;

type Group = {
  code: string;
  at: string;
  message: string;
  count: number;
  lastMs: number | null;
  samples: DeadLetterGroup['samples'][number][];
};

export class DeadLetterGroups {
  readonly #groups = new Map<string, Group>();
  #total = 0;

  add(letter: DeadLetter): void {
    this.#total++;
    const code = text(letter.code, 16);
    const at = text(letter.at, 128);
    const name = causeName(letter);
    let group = this.#groups.get(name);
    if (group === undefined) {
      if (this.#groups.size >= GROUPS_MAX) return;
      group = { code, at, message: text(letter.message, MESSAGE_CHARACTERS_MAX), count: 0, lastMs: null, samples: [] };
      this.#groups.set(name, group);
    }
    group.count++;
    if (typeof letter.timeMs === 'number') group.lastMs = letter.timeMs;
    group.samples.unshift(sampleOf(letter));
    group.samples.length = Math.min(group.samples.length, SAMPLES_MAX);
  }

  told(note: string | null): DeadLetters {
    return { total: this.#total, groups: [...this.#groups.values()].sort((a, b) => b.count - a.count), note };
  }
}

/** Letters of one cause have the same name. */
export function causeName(letter: DeadLetter): string {
  return JSON.stringify([text(letter.code, 16), text(letter.at, 128), causeOf(letter)]);
}

/** Numbers and quoted values differ from event to event, the cause stays. */
function causeOf({ message, issues }: DeadLetter): string {
  const said = Array.isArray(issues) && issues.length > 0 ? issues.join('; ') : text(message, MESSAGE_CHARACTERS_MAX);
  return said.slice(0, MESSAGE_CHARACTERS_MAX).replaceAll(/"[^"]*"|'[^']*'|\d+/g, '…');
}

function sampleOf({ place, key, issues, event, traceId }: DeadLetter): DeadLetterGroup['samples'][number] {
  return {
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
