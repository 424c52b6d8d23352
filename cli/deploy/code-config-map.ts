// The ConfigMap with the code of a TypeScript job, and what the spec says of it. Pure.
//
//   C1. `spec.code.sha256` is that of the bytes that lie under the key, packed or not; a worker unpacks what begins as gzip does.
//   C2. The name follows from it, so the ConfigMap is immutable and an old revision keeps its own.

import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { MillraceError } from '../../runtime/base/errors.ts';
import { CONFIG_MAP_BYTES_MAX } from './config-map-limit.ts';
import type { Manifest } from './manifest.ts';
import { contentName, labelsOf, sha256 } from './object-labels.ts';

export type CodeReference = { readonly configMap: string; readonly key: string; readonly sha256: string };

/** As it is, or packed when only that fits. Throws MR1020 when neither does. */
export function codeConfigMap(
  job: string,
  bundle: string,
  subject: string,
): { readonly manifest: Manifest; readonly reference: CodeReference } {
  const bytes = Buffer.byteLength(bundle);
  if (bytes <= CONFIG_MAP_BYTES_MAX) return made(job, { key: 'job.mjs', stored: bundle });
  const packed = pack(bundle);
  if (packed.length <= CONFIG_MAP_BYTES_MAX) return made(job, { key: 'job.mjs.gz', stored: packed });
  throw new MillraceError('MR1020', { file: subject, bytes, packedBytes: packed.length, bytesMax: CONFIG_MAP_BYTES_MAX });
}

function made(job: string, { key, stored }: { readonly key: string; readonly stored: string | Buffer }) {
  const hash = sha256(stored);
  const name = contentName(job, 'code', hash);
  const content = typeof stored === 'string' ? { data: { [key]: stored } } : { binaryData: { [key]: stored.toString('base64') } };
  return {
    manifest: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: labelsOf(job, 'code') }, immutable: true, ...content },
    reference: { configMap: name, key, sha256: hash },
  };
}

/** gzip, with the byte that names the packing system as unknown: the same bytes everywhere. */
function pack(text: string): Buffer {
  const packed = gzipSync(text, { level: 9 });
  packed[9] = 255;
  return packed;
}
