// The StreamJob as it is applied. Pure.

import type { PathPart } from '../../runtime/base/path.ts';
import type { CodeReference } from './code-config-map.ts';
import type { Manifest } from './manifest.ts';
import { withoutUnused } from './resolve-parameters.ts';

/** What a job's file gives: its spec, and the code that belongs to it. */
export type SpecPart = {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly configMaps: readonly Manifest[];
  readonly code: CodeReference | null;
  readonly notes: readonly string[];
};

export type StreamJobParts = {
  readonly name: string;
  /** Labels and annotations of the job's text. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly part: SpecPart;
  /** Paths of files as workers see them, and where in the spec they stand. */
  readonly rewrites: readonly { readonly at: readonly PathPart[]; readonly path: string }[];
  readonly fileMaps: readonly string[];
  readonly values: Readonly<Record<string, string>>;
};

export function streamJobManifest({ name, metadata, part, rewrites, fileMaps, values }: StreamJobParts): Manifest {
  const rewritten = rewrites.reduce((before: unknown, { at, path }) => withValueAt(before, at, path), part.spec) as SpecPart['spec'];
  const valued = { ...rewritten, ...(Object.keys(values).length === 0 ? {} : { values }) };
  // A module is run again by each worker, with all its parameters.
  const spec = part.code === null ? withoutUnused(valued) : valued;
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name, ...metadata },
    spec: {
      ...spec,
      ...(part.code === null ? {} : { code: part.code }),
      ...(fileMaps.length === 0 ? {} : { workers: withFiles(part.spec['workers'], fileMaps) }),
    },
  };
}

function withFiles(workers: unknown, configMaps: readonly string[]): object {
  const { files = [], ...rest } = (workers ?? {}) as { readonly files?: readonly unknown[] };
  return { ...rest, files: [...files, ...configMaps.map((configMap) => ({ configMap }))] };
}

/** A copy with `value` at `path`, which is there. */
function withValueAt(root: unknown, [first, ...rest]: readonly PathPart[], value: unknown): unknown {
  if (first === undefined) return value;
  if (Array.isArray(root)) return root.map((item: unknown, index) => (index === first ? withValueAt(item, rest, value) : item));
  const object = root as Readonly<Record<PathPart, unknown>>;
  return { ...object, [first]: withValueAt(object[first], rest, value) };
}
