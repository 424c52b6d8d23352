import { describe, expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { compareForUpgrade } from './compatibility.ts';
import type { PhysicalPlan } from './physical-plan.ts';
import { planJob } from './plan.ts';

type Spec = Readonly<Record<string, unknown>>;

describe('tables that are streams', () => {
  const eventTime = { at: 'event.at' };
  const plan = (table: Spec, before: PhysicalPlan | null = null): PhysicalPlan => {
    const spec = {
      sources: ['rows', 'more'].map((name) => ({ name, nats: { subjects: [name] }, eventTime })),
      tables: [{ name: 'known', from: 'more', key: 'row.id', ...table }],
      stages: [{ name: 'found', from: 'rows', enrich: [{ table: 'known', key: 'event.id', as: 'row' }] }],
      sinks: [{ name: 'out', from: 'found', nats: { subject: 'out' } }],
    };
    const job = streamJobSchema.parse({ apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'j' }, spec });
    return planJob(job, { rows: 1, more: 1 }, { identity: 'ns_j', deadLetterFile: false, before });
  };
  const compareTables = (was: Spec, is: Spec): readonly string[] => {
    const old = plan(was);
    return compareForUpgrade(old, plan(is, old)).incompatible.map(({ reason }) => reason);
  };
  const versions = { at: 'row.n', keepFor: '1h' };
  test.each<{ fact: string; was: Spec; is: Spec; says: readonly string[] }>([
    { fact: 'may be deleted by another rule', was: {}, is: { deleted: 'row.n < 0' }, says: [] },
    { fact: 'may keep versions for a shorter time', was: versions, is: { ...versions, keepFor: '1m', validFor: '1d' }, says: [] },
    {
      fact: 'but not longer: what was before is forgotten',
      was: versions,
      is: { ...versions, keepFor: '2h' },
      says: ['sideInput found/side: table "known" kept versions for 1h and would for 2h: those before are forgotten'],
    },
    {
      fact: 'have versions or have none',
      was: {},
      is: versions,
      says: ['sideInput found/side: table "known" had one row a key and would have versions (at), which are kept otherwise'],
    },
    {
      fact: 'and keep them',
      was: versions,
      is: {},
      says: ['sideInput found/side: table "known" had versions and would have one row a key (at), which are kept otherwise'],
    },
  ])('$fact', ({ was, is, says }) => expect(compareTables(was, is)).toEqual(says));
});
