// What `kubectl get` shows of a StreamSavepoint.

import type { Column } from '../cel-rule.ts';

export const streamSavepointColumns: readonly Column[] = [
  { name: 'JOB', type: 'string', jsonPath: '.spec.job', description: 'The StreamJob whose state it is.' },
  { name: 'PHASE', type: 'string', jsonPath: '.status.phase', description: 'Whether it is taken.' },
  { name: 'REVISION', type: 'integer', jsonPath: '.status.revision', description: 'Revision of the job whose state it is.' },
  { name: 'SIZE', type: 'integer', jsonPath: '.status.bytes', description: 'Bytes.' },
  { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since it was made.' },
  { name: 'MESSAGE', type: 'string', jsonPath: '.status.message', description: 'Why it failed.', isWide: true },
];
