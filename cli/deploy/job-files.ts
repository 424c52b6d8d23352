// The local files that a job's sources and tables read, for ConfigMaps that its workers are given.
//
//   F1. What is here is taken along; what is not must be in a ConfigMap that the job names itself.
//   F2. All that cannot be taken along is told at once.

import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../../runtime/base/issues.ts';
import { formatPath, type PathPart } from '../../runtime/base/path.ts';
import { CONFIG_MAP_BYTES_MAX } from './config-map-limit.ts';

/** A file, and the places within the spec where its path stands. */
export type LocalFile = { readonly path: string; readonly content: Uint8Array; readonly usedAt: readonly (readonly PathPart[])[] };
export type FoundFiles = { readonly files: readonly LocalFile[]; readonly issues: readonly Issue[]; readonly notes: readonly string[] };

type Use = { readonly who: string; readonly path: string; readonly at: readonly PathPart[] };

export async function findFiles({ spec }: StreamJob, baseDir: string): Promise<FoundFiles> {
  const own = (spec.workers.files ?? []).map(({ configMap }) => configMap);
  const files = new Map<string, LocalFile>();
  const issues: Issue[] = [];
  const notes: string[] = [];
  for (const use of usesOf(spec)) {
    const path = resolve(baseDir, use.path);
    const known = files.get(path);
    if (known !== undefined) {
      files.set(path, { ...known, usedAt: [...known.usedAt, use.at] });
      continue;
    }
    const read = await readIfSmall(path);
    if (read.kind === 'file') files.set(path, { path, content: read.content, usedAt: [use.at] });
    else if (read.kind === 'large') issues.push(tooLarge(use, read.bytes));
    else if (own.length === 0) issues.push(missing(use, read.problem));
    else notes.push(`${use.who} reads ${use.path}, which is not here: it must be in the ConfigMap ${own.join(' or ')}`);
  }
  return { files: [...files.values()], issues, notes };
}

function usesOf({ sources, tables }: StreamJob['spec']): readonly Use[] {
  return [
    ...sources.flatMap(({ name, file }, i): Use[] =>
      file === undefined ? [] : [{ who: `source "${name}"`, path: file.path, at: ['sources', i, 'file', 'path'] }],
    ),
    ...tables.flatMap(({ name, file }, i): Use[] =>
      file === undefined ? [] : [{ who: `table "${name}"`, path: file.path, at: ['tables', i, 'file', 'path'] }],
    ),
  ];
}

type Read =
  | { readonly kind: 'file'; readonly content: Uint8Array }
  | { readonly kind: 'large'; readonly bytes: number }
  | { readonly kind: 'missing'; readonly problem: string };

async function readIfSmall(path: string): Promise<Read> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return { kind: 'missing', problem: 'is no regular file' };
    if (found.size > CONFIG_MAP_BYTES_MAX) return { kind: 'large', bytes: found.size };
    return { kind: 'file', content: await readFile(path) };
  } catch (error) {
    return {
      kind: 'missing',
      problem: error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'is not here' : String(error),
    };
  }
}

function tooLarge({ who, path, at }: Use, bytes: number): Issue {
  return {
    path: formatPath(['spec', ...at]),
    message: `${who} reads ${path} of ${bytes} bytes, and a ConfigMap holds ${CONFIG_MAP_BYTES_MAX}`,
    fix: 'put its events on a JetStream subject and read that: nats: { subjects: […], bounded: true }',
  };
}

function missing({ who, path, at }: Use, problem: string): Issue {
  return {
    path: formatPath(['spec', ...at]),
    message: `${who} reads ${path}, which ${problem}`,
    fix: 'check the path; or name the ConfigMap that holds the file in spec.workers.files',
  };
}
