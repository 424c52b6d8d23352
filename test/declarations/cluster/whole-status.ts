// A status of the sample with every field.
import type { StreamJobStatus } from '../../../crds/stream-job/status.ts';

const at = '2026-01-01T00:00:00Z';
const revision = { number: 3, hash: '0123456789abcdef', generation: 1 };

export const wholeStatus: StreamJobStatus = {
  observedGeneration: 1,
  phase: 'Running',
  conditions: [
    {
      type: 'Reconciling',
      status: 'False',
      observedGeneration: 1,
      lastTransitionTime: at,
      reason: 'Running',
      message: 'Nothing is to be done.',
    },
    {
      type: 'Ready',
      status: 'True',
      observedGeneration: 1,
      lastTransitionTime: at,
      reason: 'Running',
      message: 'All 2 partitions are running.',
    },
  ],
  replicas: 1,
  readyReplicas: 1,
  selector: 'millrace.dev/job=sample',
  ready: '1/1',
  lag: '12',
  watermark: '2013-01-01T05:00:00Z',
  rate: 'Unknown',
  stages: [{ name: 'counts', partitions: 2, running: 2, lag: '12', rate: 'Unknown', watermark: 'Unknown', deadLetters: 0 }],
  runId: 'run',
  revision,
  stableRevision: revision,
  rejectedHash: 'fedcba9876543210',
  intent: { action: 'upgrade', revision, since: at, stages: ['counts'], stagesMore: 3 },
  lastSavepoint: { name: 'nightly', takenAt: at, bytes: 123 },
  scaling: {
    replicas: 2,
    declared: 1,
    eventsPerWorker: 2_400,
    lastOut: at,
    lastIn: at,
    trial: { from: 1, since: at, eventsPerS: 2_100, eventsPerWorker: 2_400 },
    hold: { until: at, times: 1, why: '2 did what 1 did' },
    wakeTo: 2,
    now: '2 workers stay, 2 are needed',
  },
  pools: [{ name: 'heavy', replicas: 2, ready: '1/2', scaling: { replicas: 2, declared: 1, now: '2 workers stay' } }],
  decisions: ['1 worker stays: 12 events wait.'],
};
