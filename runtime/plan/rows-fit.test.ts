// What may change of figures of rows while there is state.

import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { compareForUpgrade } from './compatibility.ts';
import { planJob } from './plan.ts';

type Rows = Readonly<Record<'id' | 'deleted', string>> | Readonly<Record<'id', string>>;

function planOf(rows: Rows | undefined) {
  const spec = {
    sources: [{ name: 'orders', nats: { subjects: ['in'] }, eventTime: { at: 'event.at' } }],
    stages: [{ name: 'totals', from: 'orders', keyBy: 'event.customer', rows, aggregate: { total: { sum: 'event.n' } } }],
    sinks: [{ name: 'out', from: 'totals', nats: { subject: 'out' } }],
  };
  const job = streamJobSchema.parse({ apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'shop' }, spec });
  return planJob(job, {}, { deadLetterFile: false });
}

const byId = { id: 'event.id' };

test.each<{ fact: string; from?: Rows; to?: Rows; says: readonly string[] }>([
  { fact: 'another rule for deletions', from: byId, to: { ...byId, deleted: 'event.n == 0' }, says: [] },
  { fact: 'another id', from: byId, to: { id: 'event.number' }, says: ['its rows would have another id'] },
  { fact: 'rows where there were events', to: byId, says: ['its figures were of events and would be of rows'] },
  { fact: 'events where there were rows', from: byId, says: ['its figures were of rows and would be of events'] },
])('$fact', ({ from, to, says }) => {
  const before = planOf(from);
  const reasons = compareForUpgrade(before, planOf(to)).incompatible.map(({ reason }) => reason);
  expect(reasons).toEqual(says.map((part) => expect.stringContaining(part) as string));
});
