// Imports a user's module. `millrace` and `xstate` are found beside Millrace when the module's own folder has none, so a
// job file may lie anywhere.

import { registerHooks } from 'node:module';
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BadDeclaration } from '../../base/issues.ts';

const OURS = new Set(['millrace', 'millrace/testing', 'xstate']);

/** The exports of the module `file`. Throws BadDeclaration when it does not load; `path` names it in messages. */
export async function importModule(file: string, path: string): Promise<Readonly<Record<string, unknown>>> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        if (!OURS.has(specifier)) throw error;
        return next(specifier, { ...context, parentURL: import.meta.url });
      }
    },
  });
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof BadDeclaration) throw error;
    throw new BadDeclaration(path, [
      {
        path: placeOf(error, file),
        message: `the module cannot be loaded: ${problemOf(error)}`,
        fix: 'mend what it says; `node` with the file shows the whole stack',
      },
    ]);
  } finally {
    hooks.deregister();
  }
}

function problemOf(error: unknown): string {
  return error instanceof Error ? `${error.name === 'Error' ? '' : `${error.name}: `}${error.message}` : `it threw ${String(error)}`;
}

/** Line and column in the module where the stack says it happened. */
function placeOf(error: unknown, file: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const url = pathToFileURL(file).href;
  const at = [url, file].map((name) => stack.indexOf(`${name}:`) + name.length).find((index, i) => index >= [url, file][i]!.length);
  const place = at === undefined ? undefined : /^:(\d+(?::\d+)?)/.exec(stack.slice(at))?.[1];
  return place === undefined ? relative('.', file) : `line ${place}`;
}
