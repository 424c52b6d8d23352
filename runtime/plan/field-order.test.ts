import { expect, test } from 'vitest';
import { parseStreamJob } from '../job/parse.ts';
import { planJob } from './plan.ts';

const plan = (aggregate: string, map: string): string =>
  JSON.stringify(
    planJob(
      parseStreamJob(
        `{ apiVersion: millrace.dev/v1alpha1, kind: StreamJob, metadata: { name: a }, spec: { sources: [{ name: s, nats: { subjects: [s] } }], stages: [{ name: m, from: s, map: ${map} }, { name: c, from: m, keyBy: event.x, aggregate: ${aggregate} }], sinks: [{ name: o, from: c, nats: { subject: o } }] } }`,
        { file: 'a', parameters: {} },
      ),
      {},
    ),
  );

test('the order in which fields are written down changes nothing of what runs', () => {
  const [one, two] = ['{ n: { count: {} }, a: { sum: event.x } }', '{ a: { sum: event.x }, n: { count: {} } }'] as const;
  expect(plan(two, '{ y: event.y, x: event.x }')).toBe(plan(one, '{ x: event.x, y: event.y }'));
  expect(plan(one, '{ x: event.x }')).toMatch(/"x".*"a".*"n"/);
});
