// A task's heaviest key as others may see it: text for people, short, and only where it stands out.

import { keyText } from '../event/key.ts';
import type { HeavyKey } from '../task/heavy-keys.ts';
import { cleanText } from '../telemetry/conventions.ts';
import { KEY_CHARACTERS_MAX, type KeyShare } from './task-figures.ts';

/** A key with less of the events than this is none that somebody would look for. */
const SHARE_MIN = 0.2;

/** `undefined`: none stands out. */
export function shownKey(top: HeavyKey | null): KeyShare | undefined {
  if (top === null || top.share < SHARE_MIN) return undefined;
  return { key: shortKey(keyText(top.key)), share: Number(top.share.toFixed(2)) };
}

/** Without what cannot be seen or turns a terminal's lines around, and never longer than KEY_CHARACTERS_MAX. */
export function shortKey(text: string): string {
  const clean = cleanText(text);
  return clean.length <= KEY_CHARACTERS_MAX ? clean : `${clean.slice(0, KEY_CHARACTERS_MAX - 1).toWellFormed()}…`;
}
