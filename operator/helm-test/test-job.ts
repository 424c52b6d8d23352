// The job of `helm test`: a bounded file, a window a key, and the end. Pure.
//
//   J1. It passes through everything that a job of a user needs: the CRD, the operator, a pod, its files, its credentials, NATS.
//   J2. Its state goes with it: the test leaves nothing behind.

import type { AppliedObject } from '../kube/kube-object.ts';
import { resources } from '../kube/resource.ts';

export type TestJob = {
  readonly name: string;
  readonly namespace: string;
  /** ConfigMap with the file `words.ndjson`: objects with `word` and `at`. */
  readonly configMap: string;
};

export function testJob({ name, namespace, configMap }: TestJob): AppliedObject {
  return {
    apiVersion: resources.streamJobs.apiVersion,
    kind: 'StreamJob',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/part-of': 'millrace', 'app.kubernetes.io/component': 'helm-test' } },
    spec: {
      description: 'Made by helm test; it is deleted when it is completed.',
      sources: [
        {
          name: 'words',
          file: { path: 'words.ndjson' },
          schema: { word: 'string', at: 'timestamp' },
          eventTime: { at: 'event.at', maxOutOfOrder: '1m' },
        },
      ],
      stages: [
        {
          name: 'count',
          from: 'words',
          keyBy: 'event.word',
          window: { tumbling: { size: '1m' } },
          aggregate: { words: { count: {} } },
          partitions: 2,
        },
      ],
      sinks: [{ name: 'counts', from: 'count', journal: {} }],
      deletionPolicy: 'Delete', // J2
      workers: { files: [{ configMap }], resources: { requests: { cpu: '50m', memory: '96Mi' } } },
    },
  };
}
