// `npm run bench -- generate`: writes Nexmark events to a file, one a line, compressed when its name ends in .gz.

import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { NexmarkOptions } from './nexmark/generator.ts';
import { generatedPieces } from './nexmark/pieces.ts';

export type GenerateOptions = NexmarkOptions & {
  readonly events: number;
  /** Number of the first one. */ readonly from: number;
  readonly out: string;
};

/** Events differ too much for more effort to pay: level 6 takes four times as long for 8 % fewer bytes. */
const GZIP_LEVEL = 1;

export async function generate({ events, from, out, ...options }: GenerateOptions): Promise<void> {
  await mkdir(dirname(out), { recursive: true });
  const texts = Readable.from(pieceTexts(generatedPieces(options, { from, to: from + events })));
  const file = createWriteStream(out);
  if (out.endsWith('.gz')) await pipeline(texts, createGzip({ level: GZIP_LEVEL }), file);
  else await pipeline(texts, file);
}

function* pieceTexts(pieces: Iterable<readonly string[]>): Generator<Buffer> {
  for (const lines of pieces) yield Buffer.from(`${lines.join('\n')}\n`, 'latin1');
}
