import { expect, test } from 'vitest';
import { operatorOptions } from './options.ts';

const needed = {
  MILLRACE_NAMESPACE: 'millrace',
  MILLRACE_POD: 'operator-0',
  MILLRACE_WORKER_IMAGE: 'worker',
  MILLRACE_NATS_URL: 'nats://n:4222',
  MILLRACE_NATS_KEYS_SECRET: 'keys',
};

test('who may read the metrics of workers is a list of peers; without one it is everybody', () => {
  expect(operatorOptions(needed).metricsFrom).toEqual([]);
  const peers = [{ namespaceSelector: { matchLabels: { a: 'b' } } }];
  expect(operatorOptions({ ...needed, MILLRACE_METRICS_FROM: JSON.stringify(peers) }).metricsFrom).toEqual(peers);
});

test.each(['{"a":1}', 'everybody'])(
  'a list that is none keeps the operator from starting: it does not open more than was meant: %s',
  (text) => expect(() => operatorOptions({ ...needed, MILLRACE_METRICS_FROM: text })).toThrow('MILLRACE_METRICS_FROM is'),
);
