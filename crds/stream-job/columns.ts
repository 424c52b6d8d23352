// What `kubectl get` shows of a StreamJob.

import type { Column } from '../cel-rule.ts';

export const streamJobColumns: readonly Column[] = [
  { name: 'PHASE', type: 'string', jsonPath: '.status.phase', description: 'What the job is doing.' },
  { name: 'READY', type: 'string', jsonPath: '.status.ready', description: 'Pods that are ready, of those that are asked for.' },
  { name: 'LAG', type: 'string', jsonPath: '.status.lag', description: 'Events that wait to be taken in.' },
  { name: 'WATERMARK', type: 'string', jsonPath: '.status.watermark', description: 'The lowest watermark of the job.' },
  { name: 'RATE', type: 'string', jsonPath: '.status.rate', description: 'Events a second into the job.' },
  { name: 'REPLICAS', type: 'integer', jsonPath: '.spec.replicas', description: 'Worker pods that are asked for.' },
  { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since it was made.' },
  { name: 'REVISION', type: 'integer', jsonPath: '.status.revision.number', description: 'The revision that workers run.', isWide: true },
  { name: 'SAVEPOINT', type: 'string', jsonPath: '.status.lastSavepoint.name', description: 'The last savepoint.', isWide: true },
  {
    name: 'MESSAGE',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].message',
    description: 'Why it is ready, or why it is not.',
    isWide: true,
  },
];

/** So that `kubectl scale`, a HorizontalPodAutoscaler and KEDA can set the number of workers. */
export const streamJobScale = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
  labelSelectorPath: '.status.selector',
} as const;
