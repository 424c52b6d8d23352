// What was seen lately of the whole and of each stage, for small curves. Lost with the page: the server keeps none.

import { useRef } from 'react';
import type { Live } from '../api.ts';

export type Sample = { readonly atMs: number; readonly perS: number; readonly lag: number | null };
/** By stage; `''`: the whole job. Oldest first. */
export type History = ReadonlyMap<string, readonly Sample[]>;

const SAMPLES_MAX = 240;
const EVERY_MS = 500;

export function useHistory(live: Live | null): History {
  const kept = useRef({ declaredId: '', atMs: 0, samples: new Map<string, Sample[]>() });
  const { current } = kept;
  if (live === null) return current.samples;
  if (live.declaredId !== current.declaredId) kept.current = { declaredId: live.declaredId, atMs: 0, samples: new Map() };
  const now = kept.current;
  if (live.atMs - now.atMs < EVERY_MS) return now.samples;
  now.atMs = live.atMs;
  const add = (name: string, perS: number, lag: number | null): void => {
    const samples = now.samples.get(name) ?? [];
    samples.push({ atMs: live.atMs, perS, lag });
    if (samples.length > SAMPLES_MAX) samples.shift();
    now.samples.set(name, samples);
  };
  add('', live.eventsPerS, null);
  for (const { id, eventsInPerS, lagEvents } of live.stages) add(id, eventsInPerS, lagEvents);
  return now.samples;
}
