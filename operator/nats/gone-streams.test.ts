import { expect, test } from 'vitest';
import { GONE_AFTER_MS, GoneStreams, type Wanted } from './gone-streams.ts';

type Look = { readonly atMs: number; readonly names: string } | 'no answer';
const at = (atMs: number, names: string): Look => ({ atMs, names });

const wanted: readonly Wanted[] = [
  { stream: 'a', account: 'job' },
  { stream: 'b', account: 'job' },
  { stream: 'c', account: 'streams' },
];

test.each<{ fact: string; looks: readonly Look[]; gone: string; missing: string }>([
  { fact: 'what is there is neither', looks: [at(0, 'a b')], gone: '', missing: '' },
  { fact: 'what one look did not find is missing', looks: [at(0, 'a')], gone: '', missing: 'b' },
  { fact: 'what all looks for long enough did not find is gone', looks: [at(0, 'a'), at(GONE_AFTER_MS, 'a')], gone: 'b', missing: '' },
  {
    fact: 'what was found in between is missing since then only',
    looks: [at(0, 'a'), at(1_000, 'a b'), at(2_000, 'a'), at(4_000, 'a')],
    gone: '',
    missing: 'b',
  },
  { fact: 'a time without an answer is no look', looks: [at(0, 'a'), 'no answer', at(GONE_AFTER_MS, 'a')], gone: '', missing: 'b' },
])('$fact', ({ looks, gone, missing }) => {
  const streams = new GoneStreams();
  let last: ReturnType<GoneStreams['look']> = { gone: [], missing: [] };
  for (const look of looks) {
    if (look === 'no answer') streams.reset();
    else last = streams.look(wanted, { job: new Set(look.names.split(' ')), streams: new Set(['c']) }, look.atMs);
  }
  expect({ gone: last.gone.join(' '), missing: last.missing.join(' ') }).toEqual({ gone, missing });
});
