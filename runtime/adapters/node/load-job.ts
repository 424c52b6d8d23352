// A job from its file: YAML or JSON, or a TypeScript module that declares it.
//
//   L1. What comes back was checked: form, names, expressions. All mistakes are told at once, with their places.
//   L2. A module is found a job in, in this order: the export `job`, the default export, the only export that is a job.

import { readFile } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import type { StreamJob } from '../../../crds/stream-job/spec.ts';
import { MillraceError } from '../../base/errors.ts';
import { BadDeclaration } from '../../base/issues.ts';
import { readJobValue } from '../../job/job-value.ts';
import { assertValidJob, readStreamJob } from '../../plan/check.ts';
import { importModule } from './import-module.ts';
import { withProvidedModules, type ModuleExports } from './provided-modules.ts';

export type LoadedJob = {
  readonly job: StreamJob;
  /** Relative paths of the job start here: the folder of its file. */
  readonly baseDir: string;
  readonly kind: 'yaml' | 'typescript';
};
export type LoadOptions = {
  /** Values of `--set name=value`. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Modules that a module of the job gets by these names; without them they are found beside Millrace. */
  readonly modules?: ReadonlyMap<string, ModuleExports>;
};

type Declared = { readonly name: string; build(parameters: Readonly<Record<string, string>>): unknown };

const TEXTS = ['.yaml', '.yml', '.json'];
const MODULES = ['.ts', '.mts', '.js', '.mjs'];

/** The checked job of the file at `path`. Throws MR1001 when it cannot be read, else BadDeclaration with all mistakes. */
export async function loadJob(path: string, { parameters, modules = new Map() }: LoadOptions): Promise<LoadedJob> {
  const file = resolve(path);
  const extension = extname(file);
  if (![...TEXTS, ...MODULES].includes(extension)) {
    const message = `a job file is YAML, JSON or a TypeScript module, not ${extension === '' ? 'a file without extension' : `*${extension}`}`;
    throw new BadDeclaration(path, [
      { path: 'file', message, fix: `name it ${[...TEXTS, ...MODULES].map((end) => `*${end}`).join(', ')}` },
    ]);
  }
  const text = await readText(file, path);
  if (TEXTS.includes(extension)) return { job: readStreamJob(text, { file: path, parameters }), baseDir: dirname(file), kind: 'yaml' };
  const exports = await withProvidedModules(modules, () => importModule(file, path));
  const job = jobOf(findJob(exports, path), parameters, path);
  assertValidJob(job, path);
  return { job, baseDir: dirname(file), kind: 'typescript' };
}

async function readText(file: string, path: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new MillraceError('MR1001', { path, problem: error instanceof Error ? error.message : String(error) }, error);
  }
}

function findJob(exports: Readonly<Record<string, unknown>>, path: string): unknown {
  for (const name of ['job', 'default']) {
    if (exports[name] === undefined) continue;
    if (isJob(exports[name])) return exports[name];
    throw new BadDeclaration(path, [
      { path: `export ${name}`, message: `it is ${describe(exports[name])}, not a job`, fix: "write export const job = job('name', …)" },
    ]);
  }
  const jobs = Object.keys(exports).filter((name) => isJob(exports[name]));
  const [only] = jobs;
  if (jobs.length === 1 && only !== undefined) return exports[only];
  const names = Object.keys(exports);
  const message =
    jobs.length > 1
      ? `the module exports several jobs: ${jobs.join(', ')}`
      : `the module exports no job${names.length === 0 ? '' : `, only ${names.join(', ')}`}`;
  throw new BadDeclaration(path, [
    {
      path: 'exports',
      message,
      fix: jobs.length > 1 ? 'name the one to run `job`, or keep each in a file of its own' : "write export const hello = job('hello', …)",
    },
  ]);
}

function jobOf(found: unknown, parameters: Readonly<Record<string, string>>, path: string): StreamJob {
  return readJobValue(isDeclared(found) ? found.build(parameters) : found, isDeclared(found) ? null : parameters, path);
}

function isJob(value: unknown): boolean {
  return isDeclared(value) || (typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'StreamJob');
}

function isDeclared(value: unknown): value is Declared {
  return typeof value === 'object' && value !== null && 'build' in value && typeof value.build === 'function';
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'function') return `a function${value.name === '' ? '' : ` (${value.name})`}`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object'
    ? `an object with ${Object.keys(value).slice(0, 5).join(', ') || 'nothing in it'}`
    : `the ${typeof value} ${JSON.stringify(value)}`;
}
