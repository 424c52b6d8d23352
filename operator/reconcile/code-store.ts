// The code of TypeScript jobs: read from ConfigMaps, held against the hash that the job names. And whether ConfigMaps of files are there.
//
//   S1. A bundle that was read once is not read again: its hash is its name.
//   S2. The bytes are used as they lie there: a bundle whose key ends with .gz stays packed until a worker loads it. One that lies in several is put
//       together.

import { createHash } from 'node:crypto';
import type { StreamJobSpec } from '../../crds/stream-job/spec.ts';
import type { AnyObject } from '../kube/kube-object.ts';
import type { KubeResult } from '../kube/kube-result.ts';

export type Bundle = { readonly sha256: string; readonly bytes: Uint8Array };
export type CodeRead = { readonly kind: 'read'; readonly bundle: Bundle | null } | { readonly kind: 'missing'; readonly reason: string };

/** Bundles kept in memory: of a few large jobs, or of many small ones. */
const KEPT_MAX = 256;

export class CodeStore {
  readonly #getConfigMap: (namespace: string, name: string) => Promise<KubeResult<AnyObject>>;
  readonly #known = new Map<string, Bundle>();

  constructor(getConfigMap: (namespace: string, name: string) => Promise<KubeResult<AnyObject>>) {
    this.#getConfigMap = getConfigMap;
  }

  /** null code: the job has none. */
  async read(namespace: string, code: StreamJobSpec['code'] | null): Promise<CodeRead> {
    if (code == null) return { kind: 'read', bundle: null };
    const place = `${namespace}/${code.configMap}/${code.key}/${code.sha256}`;
    const known = this.#known.get(place);
    if (known !== undefined) return { kind: 'read', bundle: known };
    const names = [code.configMap, ...(code.more ?? [])];
    const parts: Uint8Array[] = [];
    for (const name of names) {
      const answer = await this.#getConfigMap(namespace, name);
      if (answer.kind !== 'ok')
        return {
          kind: 'missing',
          reason: `spec.code: ConfigMap ${name} ${answer.kind === 'not-found' ? 'is not there yet' : 'cannot be read'}`,
        };
      const part = contentOf(answer.object, code.key);
      if (part === null) return { kind: 'missing', reason: `spec.code: ConfigMap ${name} has no key ${code.key}` };
      parts.push(part);
    }
    const bytes = Buffer.concat(parts);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== code.sha256)
      return {
        kind: 'missing',
        reason: `spec.code: ${names.join(' + ')}/${code.key} has sha256 ${sha256}, not ${code.sha256}: it is other code than the job was built with`,
      };
    this.#keep(place, { sha256, bytes });
    return { kind: 'read', bundle: { sha256, bytes } };
  }

  /** Sentences on those that are not there: a pod that mounts one does not start, and nothing of it says why. */
  async missingFiles(namespace: string, { files = [] }: StreamJobSpec['workers']): Promise<readonly string[]> {
    const answers = await Promise.all(files.map(({ configMap }) => this.#getConfigMap(namespace, configMap)));
    return files.flatMap(({ configMap }, i) =>
      answers[i]?.kind === 'not-found' ? [`spec.workers.files: ConfigMap ${configMap} is not there yet`] : [],
    );
  }

  #keep(place: string, bundle: Bundle): void {
    this.#known.set(place, bundle);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KEPT_MAX && oldest !== undefined) this.#known.delete(oldest);
  }
}

function contentOf(configMap: AnyObject, key: string): Uint8Array | null {
  const { data, binaryData } = configMap as { readonly data?: Record<string, string>; readonly binaryData?: Record<string, string> };
  const text = data?.[key];
  if (text !== undefined) return Buffer.from(text, 'utf8');
  const binary = binaryData?.[key];
  return binary === undefined ? null : Buffer.from(binary, 'base64');
}
