// The ConfigMaps with the code of a TypeScript job, and what the spec says of them. Pure.
//
//   C1. `spec.code.sha256` is that of the bytes that lie under the key, packed or not; a worker unpacks what begins as gzip does.
//   C2. The name follows from it, so the ConfigMap is immutable and an old revision keeps its own.
//   C3. What no worker would unpack is refused here, before anything is written.
//   C4. What is too large for one when packed is cut, and lies in several (docs/adr/0057).

import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { CODE_MAPS_MAX } from '../../crds/stream-job/cluster.ts';
import { MillraceError } from '../../runtime/base/errors.ts';
import { CODE_BYTES_MAX } from '../../runtime/base/limits.ts';
import { CONFIG_MAP_BYTES_MAX } from './config-map-limit.ts';
import type { Manifest } from './manifest.ts';
import { contentName, labelsOf, nextPartName, sha256 } from './object-labels.ts';

export type CodeReference = {
  readonly configMap: string;
  readonly more?: readonly string[];
  readonly key: string;
  readonly sha256: string;
};
type CodeMaps = { readonly manifests: readonly Manifest[]; readonly reference: CodeReference };

/** As it is, or packed when that does not fit one. Throws MR1020 when it does not fit all that there may be (C3). */
export function codeConfigMaps(job: string, bundle: string, subject: string): CodeMaps {
  const bytes = Buffer.byteLength(bundle);
  if (bytes <= CONFIG_MAP_BYTES_MAX)
    return made(job, { key: 'job.mjs', hash: sha256(bundle), contents: [{ data: { 'job.mjs': bundle } }] });
  const packed = pack(bundle);
  const [key, bytesMax, packedBytesMax] = ['job.mjs.gz', CODE_BYTES_MAX, CODE_MAPS_MAX * CONFIG_MAP_BYTES_MAX];
  if (bytes > bytesMax || packed.length > packedBytesMax)
    throw new MillraceError('MR1020', { file: subject, bytes, bytesMax, packedBytes: packed.length, packedBytesMax });
  const parts = Array.from({ length: Math.ceil(packed.length / CONFIG_MAP_BYTES_MAX) }, (_, i) =>
    packed.subarray(i * CONFIG_MAP_BYTES_MAX, (i + 1) * CONFIG_MAP_BYTES_MAX),
  );
  return made(job, { key, hash: sha256(packed), contents: parts.map((part) => ({ binaryData: { [key]: part.toString('base64') } })) });
}

function made(
  job: string,
  { key, hash, contents }: { readonly key: string; readonly hash: string; readonly contents: readonly object[] },
): CodeMaps {
  const configMap = contentName(job, 'code', hash);
  const more = contents.slice(1).map((_, i) => nextPartName(configMap, i + 2));
  const manifests = [configMap, ...more].map((name, i) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: labelsOf(job, 'code') },
    immutable: true,
    ...contents[i],
  }));
  return { manifests, reference: { configMap, ...(more.length === 0 ? {} : { more }), key, sha256: hash } };
}

/** gzip, with the byte that names the packing system as unknown: the same bytes everywhere. */
function pack(text: string): Buffer {
  const packed = gzipSync(text, { level: 9 });
  packed[9] = 255;
  return packed;
}
