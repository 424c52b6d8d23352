// Which ConfigMaps of a job are no longer needed. Pure.
//
//   O1. What any job of the namespace refers to stays.
//   O2. Of the others the newest stays, with all its parts: it is what ran before, and may be gone back to.

import type { AnyObject } from '../../operator/kube/kube-object.ts';
import { firstPartName } from './object-labels.ts';

/** `maps`: the ConfigMaps of one job and one part; `jobs`: all StreamJobs of the namespace. */
export function outdatedMaps(maps: readonly AnyObject[], jobs: readonly AnyObject[]): readonly AnyObject[] {
  const used = new Set(jobs.flatMap(mapsOf));
  const unused = maps.filter(({ metadata }) => !used.has(metadata.name)).toSorted((a, b) => ageOrder(b).localeCompare(ageOrder(a)));
  const [newest] = unused;
  return unused.filter(({ metadata }) => firstPartName(metadata.name) !== firstPartName(newest?.metadata.name ?? ''));
}

function ageOrder({ metadata }: AnyObject): string {
  return `${metadata.creationTimestamp ?? ''} ${metadata.name}`;
}

type Spec = {
  readonly code?: { readonly configMap: string; readonly more?: readonly string[] };
  readonly workers?: { readonly files?: readonly { readonly configMap: string }[] };
};

function mapsOf(job: AnyObject): readonly string[] {
  const { code, workers } = (job['spec'] ?? {}) as Spec;
  return [
    ...(code === undefined ? [] : [code.configMap, ...(code.more ?? [])]),
    ...(workers?.files ?? []).map(({ configMap }) => configMap),
  ];
}
