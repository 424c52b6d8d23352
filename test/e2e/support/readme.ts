// The commands of a README, as a person would type them: taken out of the file itself, so that it cannot tell anything else than what
// works.

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { runWith, wanted } from './programs.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** The blocks of commands, in order; lines that are comments are left out. */
export function commandsOf(markdown: string): readonly (readonly string[])[] {
  return [...markdown.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) =>
    block.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
  );
}

/** The one that begins so. */
export function commandOf(blocks: ReturnType<typeof commandsOf>, beginning: string): string {
  const found = blocks.flat().filter((line) => line.startsWith(beginning));
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} commands begin with ${beginning}`);
  return found[0];
}

/** In a shell, from the top folder, with kubectl at hand. Gives what it printed; rejects when it fails. */
export async function typed(line: string, timeoutMs = 330_000): Promise<string> {
  const { env, kubectl } = inject('bed');
  const path = `${dirname(kubectl)}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  const script = `cd ${JSON.stringify(repository)} && ${line}`;
  return wanted('sh', ['-c', line], await runWith({ ...env, PATH: path, NO_COLOR: '1' }, 'sh', ['-c', script], { timeoutMs }));
}
