// Modules of this process that code loaded later finds by their names: the very instances, also where this process is one bundle
// and has no packages beside it.
//
//   P1. A name always gives one module: XState's machines must meet the XState that runs them.
//   P2. Only while something is imported do the names mean this: nothing else in the process is touched.

import { registerHooks } from 'node:module';

export type ModuleExports = Readonly<Record<string, unknown>>;

const SCHEME = 'millrace-provided:';
/** The generated module runs in the same realm and finds the instance here. */
const REGISTRY = Symbol.for('millrace.dev/provided-modules');

type Registry = Map<string, ModuleExports>;

/** Runs `load` while `modules` can be imported by their names. */
export async function withProvidedModules<T>(modules: ReadonlyMap<string, ModuleExports>, load: () => Promise<T>): Promise<T> {
  const registry = ((globalThis as Record<symbol, unknown>)[REGISTRY] ??= new Map()) as Registry;
  for (const [name, exports] of modules) registry.set(name, exports);
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      registry.has(specifier) ? { url: SCHEME + specifier, format: 'module', shortCircuit: true } : next(specifier, context),
    load: (url, context, next) => {
      const exports = url.startsWith(SCHEME) ? registry.get(url.slice(SCHEME.length)) : undefined;
      if (exports === undefined) return next(url, context);
      return { format: 'module', source: moduleText(url.slice(SCHEME.length), Object.keys(exports)), shortCircuit: true };
    },
  });
  try {
    return await load();
  } finally {
    hooks.deregister();
  }
}

/** A module that exports what the registry has under `name`. Any text may be the name of an export. */
export function moduleText(name: string, exports: readonly string[]): string {
  const lines = exports.map(
    (text, index) =>
      `const e${index} = m[${JSON.stringify(text)}]; export { e${index} as ${text === 'default' ? text : JSON.stringify(text)} };`,
  );
  return `const m = globalThis[Symbol.for('millrace.dev/provided-modules')].get(${JSON.stringify(name)});\n${lines.join('\n')}\n`;
}
