import { expect, test } from 'vitest';
import type { StreamJobStatus } from '../../crds/stream-job/status.ts';
import { verdictOf } from './verdict.ts';

type Said = readonly [type: string, status: 'True' | 'False' | 'Unknown', reason: string, generation?: number];

function status(phase: StreamJobStatus['phase'], ...said: readonly Said[]): StreamJobStatus {
  const conditions = said.map(([type, value, reason, observedGeneration = 3]) => ({
    type,
    status: value,
    reason,
    observedGeneration,
    lastTransitionTime: '2026-01-05T09:00:00Z',
    message: `${reason}.`,
  }));
  return { phase, conditions };
}

test.each([
  { fact: 'nothing is said yet', status: {}, verdict: 'waiting Pending: no operator has looked at it yet' },
  {
    fact: 'ready is what the operator says of this spec',
    status: status('Running', ['Ready', 'True', 'Running'], ['Stalled', 'False', 'Running']),
    verdict: 'ready Running: Running.',
  },
  {
    fact: 'ready of the spec before says nothing of this one',
    status: status('Running', ['Ready', 'True', 'Running', 2]),
    verdict: 'waiting Pending: no operator has looked at it yet',
  },
  {
    fact: 'stalled is final, whatever else holds',
    status: status('Failed', ['Ready', 'False', 'InvalidSpec'], ['Stalled', 'True', 'InvalidSpec']),
    verdict: 'refused InvalidSpec: InvalidSpec.',
  },
  {
    fact: 'a mistake of the spec before was mended',
    status: status('Upgrading', ['Stalled', 'True', 'InvalidSpec', 2], ['Ready', 'False', 'Upgrading']),
    verdict: 'waiting Upgrading: Upgrading.',
  },
  {
    fact: 'unknown is waited for',
    status: status('Running', ['Ready', 'Unknown', 'NatsUnreachable']),
    verdict: 'waiting Running: NatsUnreachable.',
  },
  {
    fact: 'a suspended job is what was asked for',
    status: status('Suspended', ['Ready', 'True', 'Suspended']),
    verdict: 'ready Suspended: Suspended.',
  },
])('$fact', ({ status: seen, verdict }) => {
  const found = verdictOf(seen, 3);
  expect(`${found.kind} ${found.kind === 'waiting' ? found.phase : found.reason}: ${found.message}`).toBe(verdict);
});
