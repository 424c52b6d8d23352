// The files of this repository and what they import, for the tidy tests.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, extname, join, posix, resolve } from 'node:path';

export type Import = {
  /** Path from the repository's root for files of ours; else the package or `node:` module, as written. */
  readonly target: string;
  readonly isOurs: boolean;
  /** Erased before it runs (`import type`). */
  readonly isTypeOnly: boolean;
  /** `import()`: loaded later, if at all. */
  readonly isLazy: boolean;
};
export type SourceFile = { readonly path: string; readonly text: string; readonly imports: readonly Import[] };

export const repository = resolve(import.meta.dirname, '../..');
const notOurs = new Set(['node_modules', '.git', '.cache', '.millrace', '.artefacts', 'out', 'coverage']);

/** Every file, by path from the root, sorted; without what git ignores. */
export function allFiles(folder = ''): readonly string[] {
  const entries = readdirSync(join(repository, folder), { withFileTypes: true }).filter((entry) => !notOurs.has(entry.name));
  return entries
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      return entry.isDirectory() ? allFiles(path) : [path];
    })
    .sort();
}

/** Every file of code, with its imports. */
export function sourceFiles(): readonly SourceFile[] {
  return allFiles()
    .filter((path) => ['.ts', '.tsx', '.mjs'].includes(extname(path)))
    .map((path) => sourceFile(path, readFileSync(join(repository, path), 'utf8')));
}

/** One file of code as the rules see it. */
export function sourceFile(path: string, text: string): SourceFile {
  return { path, text, imports: importsOf(path, text) };
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/') || path.startsWith('bench/');
}

/** The code of a file without its comments and the content of its texts. Good enough for a search of names. */
export function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, (part) =>
    part.startsWith('/') ? '' : "''",
  );
}

function importsOf(path: string, text: string): readonly Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/[^\n]*$/gm, '');
  const statements = [...code.matchAll(/^(?:import|export)\s+(type\s)?(?:[\w$*{}\s,]*?\sfrom\s+)?['"]([^'"\n]+)['"]/gm)];
  const lazy = [...code.matchAll(/(?<!typeof\s)\bimport\(\s*['"]([^'"\n]+)['"]\s*\)(?!\s*(?:\.[A-Z]|\[))/g)];
  return [
    ...statements.map((match) => toImport(path, match[2] ?? '', match[1] !== undefined, false)),
    ...lazy.map((match) => toImport(path, match[1] ?? '', false, true)),
  ];
}

function toImport(path: string, written: string, isTypeOnly: boolean, isLazy: boolean): Import {
  const isOurs = written.startsWith('.');
  return { target: isOurs ? posix.join(dirname(path), written) : written, isOurs, isTypeOnly, isLazy };
}
