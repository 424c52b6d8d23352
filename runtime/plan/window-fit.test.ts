// What may change of windows with several results while there is state.

import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { compareForUpgrade } from './compatibility.ts';
import { planJob } from './plan.ts';

type Window = Readonly<Record<string, unknown>>;

function planOf(window: Window) {
  const spec = {
    sources: [{ name: 'rows', nats: { subjects: ['in'] }, eventTime: { at: 'event.at' } }],
    stages: [{ name: 'w', from: 'rows', keyBy: 'event.id', window, aggregate: { n: { count: {} } } }],
    sinks: [{ name: 'out', from: 'w', nats: { subject: 'out' } }],
  };
  const job = streamJobSchema.parse({ apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'shop' }, spec });
  return planJob(job, {}, { deadLetterFile: false });
}

const hourly = (more: Window): Window => ({ tumbling: { size: '1h' }, ...more });
const every = [{ every: '5m' }, { count: 9 }];

test.each<{ fact: string; from: Window; to: Window; says: readonly string[] }>([
  {
    fact: 'other times and counts of triggers',
    from: hourly({ early: every }),
    to: hourly({ early: [{ count: 3 }, { every: '1m' }] }),
    says: [],
  },
  { fact: 'a trigger more', from: hourly({ early: every }), to: hourly({ early: [...every, { count: 3 }] }), says: ['places'] },
  {
    fact: 'a trigger that holds once',
    from: hourly({ early: every }),
    to: hourly({ early: [{ every: '5m' }, { count: 9, once: true }] }),
    says: ['places'],
  },
  {
    fact: 'another condition of a trigger',
    from: hourly({ early: [{ when: 'event.n > 1' }] }),
    to: hourly({ early: [{ when: 'event.n > 2' }] }),
    says: [],
  },
  {
    fact: 'the watermark of their key',
    from: hourly({}),
    to: hourly({ keyWatermark: { closeAfter: '1d' } }),
    says: ['so far all of it only counted', 'closed by the watermark of the stage and would by that of their key'],
  },
  {
    fact: 'other bounds of the watermark of a key',
    from: hourly({ keyWatermark: { closeAfter: '1d' } }),
    to: hourly({ keyWatermark: { closeAfter: '1h', maxOutOfOrder: '5s' } }),
    says: [],
  },
  {
    fact: 'early results of windows that had none',
    from: hourly({}),
    to: hourly({ early: every }),
    says: ['had one result a key and would have several'],
  },
  {
    fact: 'no early results of windows that had them',
    from: hourly({ early: every }),
    to: hourly({}),
    says: ['had several results a key and would have one'],
  },
  {
    fact: 'retracting what was not kept',
    from: hourly({ early: every }),
    to: hourly({ early: every, accumulation: 'retracting' }),
    says: ['were accumulating and would be retracting'],
  },
  { fact: 'retracting no more', from: hourly({ early: every, accumulation: 'retracting' }), to: hourly({ early: every }), says: [] },
  {
    fact: 'discarding what was kept',
    from: hourly({ early: every }),
    to: hourly({ early: every, accumulation: 'discarding' }),
    says: ['were accumulating and would be discarding'],
  },
  { fact: 'a lateness', from: hourly({ early: every }), to: hourly({ early: every, allowedLateness: '1h' }), says: [] },
  {
    fact: 'a window for all time',
    from: hourly({ early: every }),
    to: { global: {}, early: every },
    says: ['windows are tumbling 1h and would be global: those that are open would be cut elsewhere'],
  },
  {
    fact: 'another count',
    from: { count: { size: 5, orAfter: '1m' } },
    to: { count: { size: 6, every: 2 } },
    says: ['windows are count 5 orAfter 1m and would be count 6 every 2: those that are open would be cut elsewhere'],
  },
  {
    fact: 'arrival instead of time, while events are held for their turn',
    from: { count: { size: 5, order: 'eventTime' } },
    to: { count: { size: 5 } },
    says: ['w would take events as they come, and those that are held for their turn in w would be lost'],
  },
])('$fact', ({ from, to, says }) => {
  const { incompatible } = compareForUpgrade(planOf(from), planOf(to));
  expect(incompatible.map(({ reason }) => reason)).toEqual(says.map((text) => expect.stringContaining(text)));
});
