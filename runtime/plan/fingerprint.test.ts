import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { explainChange, fingerprintOf, stageFingerprints } from './fingerprint.ts';
import type { PhysicalPlan } from './physical-plan.ts';
import { planJob } from './plan.ts';

type Spec = Record<string, unknown>;

const COUNT = { n: { count: {} } };
const WINDOW = { name: 'w', from: 's', keyBy: 'event.id', window: { tumbling: { size: '1h' } }, aggregate: COUNT };
const BASE: Spec = {
  sources: [
    {
      name: 's',
      file: { path: 's.ndjson' },
      eventTime: { at: 'event.at' },
      schema: { id: 'string', at: { type: 'timestamp', description: 'when' }, row: 'any' },
    },
  ],
  tables: [{ name: 'rows', file: { path: 'rows.ndjson' }, key: 'row.id' }],
  stages: [
    WINDOW,
    { name: 'm', from: 'w', map: 'event' },
    { name: 'e', from: 's', enrich: [{ table: 'rows', key: 'event.id', as: 'row' }] },
  ],
  sinks: [
    { name: 'out', from: 'm', file: { path: 'out.ndjson' } },
    { name: 'out-e', from: 'e', file: { path: 'e.ndjson' } },
  ],
};

function plan(change: Spec = {}, name = 'j'): PhysicalPlan {
  const job = streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name },
    spec: { ...BASE, ...change },
  });
  return planJob(job, {});
}

const stagesWith = (window: Spec): Spec => ({ stages: [window, ...(BASE['stages'] as Spec[]).slice(1)] });

test('the fingerprint is the same for the same declaration, and fixed for ever', () => {
  expect(plan().fingerprint).toBe(plan().fingerprint);
  expect(fingerprintOf(JSON.parse(JSON.stringify(plan())) as PhysicalPlan)).toBe(plan().fingerprint);
});

test('descriptions do not count', () => {
  const source = (BASE['sources'] as Spec[])[0]!;
  const sources = [{ ...source, schema: { id: 'string', at: { type: 'timestamp', description: 'other words' }, row: 'any' } }];
  expect(plan({ sources, description: 'of the job' }).fingerprint).toBe(plan().fingerprint);
});

test.each([
  {
    fact: 'the size of a window',
    change: stagesWith({ ...WINDOW, window: { tumbling: { size: '2h' } } }),
    says: ['window w: window.sizeMs was 3600000 and is now 7200000', 'window w: spec.tumbling.size was "1h" and is now "2h"'],
  },
  { fact: 'partitions', change: stagesWith({ ...WINDOW, partitions: 16 }), says: ['stage w had 8 partitions and now has 16'] },
  {
    fact: 'a key',
    change: stagesWith({ ...WINDOW, keyBy: 'event.at' }),
    says: [
      'keyBy w/key: code was "event.id" and is now "event.at"',
      'keyBy w/key: names[0] was "id" and is now "at"',
      'window w: keyNames[0] was "id" and is now "at"',
    ],
  },
  {
    fact: 'an aggregate that is new',
    change: stagesWith({ ...WINDOW, aggregate: { ...COUNT, last: { last: 'event.at' } } }),
    says: ['window w: aggregates.last was absent and is now {"last":"event.at"}'],
  },
  {
    fact: 'a stage that is gone',
    change: { stages: (BASE['stages'] as Spec[]).slice(0, 2), sinks: [(BASE['sinks'] as Spec[])[0]] },
    says: ['stage out-e is gone', 'transform e is gone'],
  },
  {
    fact: 'a sink that is new',
    change: { sinks: [...(BASE['sinks'] as Spec[]), { name: 'more', from: 'w', nats: { subject: 'more' } }] },
    says: ['stage more is new'],
  },
  {
    fact: 'another file',
    change: { sinks: [{ name: 'out', from: 'm', file: { path: 'other.ndjson' } }, (BASE['sinks'] as Spec[])[1]] },
    says: ['sink out: spec.file.path was "out.ndjson" and is now "other.ndjson"'],
  },
  {
    fact: 'the key of a table',
    change: { tables: [{ name: 'rows', file: { path: 'rows.ndjson' }, key: 'row.key' }] },
    says: ['table rows: key was "row.id" and is now "row.key"'],
  },
  {
    fact: 'another kind of transform of the same name',
    change: { stages: [WINDOW, { name: 'm', from: 'w', sample: { ratio: 0.5 } }, (BASE['stages'] as Spec[])[2]] },
    says: ['transform m was map and is now sample'],
  },
  {
    fact: 'the order of stages, on which positions in journals rest',
    change: { sinks: (BASE['sinks'] as Spec[]).toReversed() },
    says: ['stages are declared in another order'],
  },
  {
    fact: 'what a sink reads',
    change: { sinks: [{ name: 'out', from: 'w', file: { path: 'out.ndjson' } }, (BASE['sinks'] as Spec[])[1]] },
    says: ['sink out: spec.from was "m" and is now "w"'],
  },
])('$fact counts, and is told', ({ change, says }) => {
  expect(plan(change).fingerprint).not.toBe(plan().fingerprint);
  const told = explainChange(plan(), plan(change));
  for (const sentence of says) expect(told).toContain(sentence);
});

test('nothing is told of equal plans, and the name of a job is told', () => {
  expect(explainChange(plan(), plan())).toEqual([]);
  expect(explainChange(plan(), plan({}, 'k'))[0]).toBe('the job was called j and is now k');
});

test('of functions the text counts; against a plan that lost them in JSON only that something changed is known', () => {
  const withMap = (map: unknown): PhysicalPlan => plan({ stages: [WINDOW, { name: 'm', from: 'w', map }, (BASE['stages'] as Spec[])[2]] });
  const one = withMap((event: unknown) => [event]);
  const other = withMap((event: unknown) => ({ event }));
  expect(withMap((event: unknown) => [event]).fingerprint).toBe(one.fingerprint);
  expect(explainChange(one, other)).toEqual(['map m: map was a function and is now a function']);
  expect(explainChange(JSON.parse(JSON.stringify(one)) as PhysicalPlan, other)).toEqual(['the code of a function changed']);
});

test('a change in one stage leaves the fingerprints of the others, but of the one that sums up for it', () => {
  const [before, after] = [
    stageFingerprints(plan()),
    stageFingerprints(plan(stagesWith({ ...WINDOW, window: { tumbling: { size: '2h' } } }))),
  ];
  expect(Object.keys(before).filter((id) => before[id] !== after[id])).toEqual(['s', 'w']);
});

test('a stage that is added elsewhere leaves the fingerprints of those that it does not touch', () => {
  const [before, after] = [
    stageFingerprints(plan()),
    stageFingerprints(plan({ stages: [{ name: 'x', from: 's', keyBy: 'event.at', aggregate: COUNT }, ...(BASE['stages'] as Spec[])] })),
  ];
  expect(Object.keys(before).filter((id) => before[id] !== after[id])).toEqual(['s', 'dead-letters', 'dead-letters-subject']);
});
