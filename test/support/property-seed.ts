// Property tests draw the same values in each run, so that what is not seen before a change is landed is not seen by chance behind it.
// `MILLRACE_SEED=N` draws others; `MILLRACE_SEED=random` draws new ones each time, as who looks for what nobody thought of does.

import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';

const SEED = 20_261_128;

const { testPath } = expect.getState();
// Loading fast-check takes a tenth of a second: only for who uses it.
if (testPath !== undefined && (await readFile(testPath, 'utf8')).includes("from 'fast-check'")) await draw(process.env['MILLRACE_SEED']);

async function draw(wanted: string | undefined): Promise<void> {
  if (wanted === 'random') return;
  const { configureGlobal } = await import('fast-check');
  configureGlobal({ seed: wanted === undefined ? SEED : Number(wanted) });
}
