// How the objects that the command line makes beside a StreamJob are named and found again.

import { createHash } from 'node:crypto';

/** Whom the API server knows as the owner of the fields that the command line sets. */
export const FIELD_MANAGER = 'millrace-cli';

export const JOB_LABEL = 'millrace.dev/job';
export const PART_LABEL = 'millrace.dev/part';

/** code: the bundle of a TypeScript job. files: what its sources and tables read. */
export type Part = 'code' | 'files';

export function labelsOf(job: string, part: Part): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'millrace-job',
    'app.kubernetes.io/instance': job,
    'app.kubernetes.io/part-of': 'millrace',
    'app.kubernetes.io/managed-by': FIELD_MANAGER,
    [JOB_LABEL]: job,
    [PART_LABEL]: part,
  };
}

/** Selects the ConfigMaps of a job of one part. */
export function selectorOf(job: string, part: Part): string {
  return `${JOB_LABEL}=${job},${PART_LABEL}=${part},app.kubernetes.io/managed-by=${FIELD_MANAGER}`;
}

/** A name that changes with the content, so that a ConfigMap can be immutable. */
export function contentName(job: string, part: Part, hash: string): string {
  return `${job}-${part}-${hash.slice(0, 10)}`;
}

/** Of what is too large for one ConfigMap: the first has its name alone, the second one `<name>-2`. */
export function nextPartName(name: string, part: number): string {
  return `${name}-${part}`;
}

/** The name of the first, of whichever. */
export function firstPartName(name: string): string {
  return name.replace(/(-[0-9a-f]{10})-\d+$/, '$1');
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
