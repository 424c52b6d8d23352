// The Secret with a job's NATS credentials: its pods mount it, nobody else needs it.

import { childMetadata, childNames, type Manifest, type Owner } from './manifest.ts';
import { CREDENTIALS_ANNOTATION } from './worker-deployment.ts';

/** Texts of NATS creds files: into the job's account, and (null: it needs no other) into that with the streams of its sources and sinks.
 *  `hash`: of what they allow and who signed them (a new text with the same rights is no change). */
export type SecretCredentials = { readonly text: string; readonly streams: string | null; readonly hash: string };

export function credentialsSecret(owner: Owner, { text, streams, hash }: SecretCredentials): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: childMetadata(owner, childNames.credentials(owner.name), { [CREDENTIALS_ANNOTATION]: hash }),
    type: 'Opaque',
    data: { 'nats.creds': base64(text), ...(streams === null ? {} : { 'streams.creds': base64(streams) }) },
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
