// The Secret with a job's NATS credentials: its pods mount it, nobody else needs it.

import { childMetadata, childNames, type Manifest, type Owner } from './manifest.ts';
import { CREDENTIALS_ANNOTATION } from './worker-deployment.ts';

/** Text of a NATS creds file. `hash`: of what it allows and who signed it (a new text with the same rights is no change). */
export type SecretCredentials = { readonly text: string; readonly hash: string };

export function credentialsSecret(owner: Owner, { text, hash }: SecretCredentials): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: childMetadata(owner, childNames.credentials(owner.name), { [CREDENTIALS_ANNOTATION]: hash }),
    type: 'Opaque',
    data: { 'nats.creds': base64(text) },
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
