// The Secret with a job's NATS credentials: its pods mount it, nobody else needs it.

import { childMetadata, childNames, type Manifest, type Owner } from './manifest.ts';
import { CREDENTIALS_ANNOTATION } from './worker-deployment.ts';

/** `credentials`: text of a NATS creds file; `hash`: of what it allows and who signed it (a new text with the same rights is no
 *  change). */
export function credentialsSecret(owner: Owner, { credentials, hash }: { readonly credentials: string; readonly hash: string }): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: childMetadata(owner, childNames.credentials(owner.name), { [CREDENTIALS_ANNOTATION]: hash }),
    type: 'Opaque',
    data: { 'nats.creds': Buffer.from(credentials).toString('base64') },
  };
}
