// Files as the ConfigMaps from which workers read them, and the names that they have there. Pure.
//
//   M1. The same files give the same ConfigMaps, whatever their order and wherever they lay.
//   M2. Workers see all ConfigMaps as one folder: no two files have one name.

import { Buffer } from 'node:buffer';
import { basename } from 'node:path';
import { CONFIG_MAP_BYTES_MAX } from './config-map-limit.ts';
import type { LocalFile } from './job-files.ts';
import type { Manifest } from './manifest.ts';
import { contentName, labelsOf, sha256 } from './object-labels.ts';

export type FileMaps = {
  readonly manifests: readonly Manifest[];
  /** Name in the workers' folder by local path. */
  readonly names: ReadonlyMap<string, string>;
};

type Named = { readonly name: string; readonly content: Uint8Array; readonly hash: string };

/** Each file has at most CONFIG_MAP_BYTES_MAX (job-files.ts). */
export function fileConfigMaps(job: string, files: readonly LocalFile[]): FileMaps {
  const names = new Map<string, string>();
  const named = new Map<string, Named>();
  for (const { path, content } of files) {
    const hash = sha256(content);
    const name = nameOf(path, hash, named);
    names.set(path, name);
    named.set(name, { name, content, hash });
  }
  return { manifests: pack([...named.values()]).map((some) => manifest(job, some)), names };
}

/** The file's own name; with its hash before it where another file has that name. */
function nameOf(path: string, hash: string, taken: ReadonlyMap<string, Named>): string {
  const name = basename(path).replaceAll(/[^-._a-zA-Z0-9]/g, '-');
  const other = taken.get(name);
  return other === undefined || other.hash === hash ? name : `${hash.slice(0, 8)}-${name}`;
}

/** M1. Into as few as a simple rule gives: largest first, each where it still fits. */
function pack(files: readonly Named[]): readonly (readonly Named[])[] {
  const largestFirst = files.toSorted((a, b) => b.content.length - a.content.length || (a.name < b.name ? -1 : 1));
  const maps: Named[][] = [];
  for (const file of largestFirst) {
    const map = maps.find((some) => bytesOf(some) + file.content.length <= CONFIG_MAP_BYTES_MAX);
    if (map === undefined) maps.push([file]);
    else map.push(file);
  }
  return maps.map((some) => some.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
}

function bytesOf(files: readonly Named[]): number {
  return files.reduce((sum, { content }) => sum + content.length, 0);
}

function manifest(job: string, files: readonly Named[]): Manifest {
  const name = contentName(job, 'files', sha256(files.map(({ name, hash }) => `${name} ${hash}\n`).join('')));
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: labelsOf(job, 'files') },
    immutable: true,
    binaryData: Object.fromEntries(files.map(({ name: key, content }) => [key, Buffer.from(content).toString('base64')])),
  };
}
