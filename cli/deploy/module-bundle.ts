// A job's module with all that it imports, as one text that a worker can load.
//
//   B1. `millrace` and `xstate` stay imports: a worker has them once, and a job's code must meet the worker's own.
//   B2. The same sources give the same bytes, on any machine and from any folder: no time, no absolute path, no setting from
//       outside. Paths in comments start at the module's own folder.
//   B3. Nothing is renamed or minified: the code of a dead letter's stack can be read.

import { basename, dirname, resolve } from 'node:path';
import type { BuildResult, Message, Plugin } from 'esbuild';
import { BadDeclaration, type Issue } from '../../runtime/base/issues.ts';

/** B1. */
const OUTSIDE: readonly string[] = ['millrace', 'xstate'];

/** The bundle of the module `file`. Throws BadDeclaration with all that cannot be bundled. */
export async function bundleModule(file: string): Promise<string> {
  const { outputFiles } = await bundle(file);
  return outputFiles[0]?.text ?? '';
}

/** Paths of the module `file` and of all that it imports which would be in its bundle. Throws as `bundleModule` does. */
export async function modulesOf(file: string): Promise<readonly string[]> {
  const { metafile } = await bundle(file);
  return Object.keys(metafile.inputs).map((path) => resolve(dirname(file), path));
}

async function bundle(file: string): Promise<BuildResult<{ write: false; metafile: true }>> {
  const { build } = await import('esbuild');
  const path = resolve(file);
  return build({
    absWorkingDir: dirname(path),
    entryPoints: [`./${basename(path)}`],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    charset: 'utf8',
    legalComments: 'inline',
    logLevel: 'silent',
    plugins: [outside],
    // B2; and imports are kept and dropped as Node does it when it strips types.
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  }).catch((error: unknown) => {
    throw badModule(file, error);
  });
}

const outside: Plugin = {
  name: 'outside',
  setup: (build) => {
    build.onResolve({ filter: /^(millrace|xstate)(\/|$)/ }, ({ path }) => {
      if (OUTSIDE.includes(path)) return { path, external: true };
      return { errors: [{ text: `${path} is not there in a worker`, notes: [{ text: `import from '${path.split('/')[0]}'` }] }] };
    });
  },
};

function badModule(file: string, error: unknown): unknown {
  if (!(error instanceof Error && 'errors' in error && Array.isArray(error.errors))) return error;
  return new BadDeclaration(file, (error.errors as readonly Message[]).map(issueOf));
}

function issueOf({ text, location, notes }: Message): Issue {
  const fix = notes.find((note) => note.text !== '')?.text;
  return {
    path: location?.file ?? 'module',
    message: `cannot be bundled: ${text}`,
    ...(fix === undefined ? {} : { fix }),
    ...(location === null ? {} : { line: location.line, column: location.column + 1 }),
  };
}
