// A packaged job as files for a repository: what `kubectl apply --server-side -k` and GitOps tools read. Pure.
//
//   F1. The same package gives the same bytes: a repository shows a change only where one is.
//   F2. Texts and names that YAML 1.1 takes for something else are quoted: kubectl reads a bare `on` as true.

import { stringify } from 'yaml';
import type { JobPackage } from './job-package.ts';
import type { Manifest } from './manifest.ts';
import { PART_LABEL, type Part } from './object-labels.ts';

export const PACKAGE_FILES = {
  job: 'stream-job.yaml',
  code: 'code.configmap.yaml',
  files: 'files.configmap.yaml',
  kustomization: 'kustomization.yaml',
} as const;

/** Begins each file, and tells them from those of others. */
export const HEADER = '# Made by `millrace build`. Do not edit: change the job and build it again.\n';

/** Text by file name. */
export function packageFiles({ namespace, configMaps, streamJob }: JobPackage): Readonly<Record<string, string>> {
  const placed = (manifest: Manifest): string => text(inNamespace(manifest, namespace));
  const ofPart = (part: Part): string =>
    configMaps
      .filter(({ metadata }) => metadata.labels?.[PART_LABEL] === part)
      .map(placed)
      .join('---\n');
  const texts = Object.entries({
    [PACKAGE_FILES.code]: ofPart('code'),
    [PACKAGE_FILES.files]: ofPart('files'),
    [PACKAGE_FILES.job]: placed(streamJob),
  }).filter(([, content]) => content !== '');
  const kustomization = text({
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    ...(namespace === null ? {} : { namespace }),
    resources: texts.map(([name]) => name),
  });
  return Object.fromEntries(
    [...texts, [PACKAGE_FILES.kustomization, kustomization]].map(([name, content]) => [name, `${HEADER}${content}`]),
  );
}

/** F2. */
function text(value: object): string {
  return stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
}

/** The manifest as an object of `namespace`; null: of whatever namespace it is applied in. */
export function inNamespace(manifest: Manifest, namespace: string | null): Manifest {
  const { name, ...metadata } = manifest.metadata;
  return { ...manifest, metadata: { name, ...(namespace === null ? {} : { namespace }), ...metadata } };
}
