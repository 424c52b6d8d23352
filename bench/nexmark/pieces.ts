// Events as lines, a thousand at a time: from the generator, or from a file that it (or Beam) wrote.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { NexmarkGenerator } from './generator.ts';
import type { NexmarkOptions } from './generator.ts';

const PIECE_EVENTS = 1_000;

/** Events `from` up to, not including, `to`. */
export function* generatedPieces(
  options: NexmarkOptions,
  { from, to }: { readonly from: number; readonly to: number },
): Generator<readonly string[]> {
  const generator = new NexmarkGenerator(options);
  for (let at = from; at < to; at += PIECE_EVENTS) {
    const lines: string[] = [];
    for (let n = at; n < Math.min(to, at + PIECE_EVENTS); n++) lines.push(generator.line(n));
    yield lines;
  }
}

/** The first `eventsMax` lines of a file of events, compressed when its name ends in .gz. */
export async function* filePieces(path: string, eventsMax: number): AsyncGenerator<readonly string[]> {
  const bytes = createReadStream(path);
  const input = path.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  let [lines, left]: [string[], number] = [[], eventsMax];
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (left-- === 0) break;
    if (lines.push(line) < PIECE_EVENTS) continue;
    yield lines;
    lines = [];
  }
  bytes.destroy();
  if (lines.length > 0) yield lines;
}
