import { describe, expect, test } from 'vitest';
import { readPodOptions } from './pod-options.ts';

const whole = { MILLRACE_NATS_URL: 'nats://nats:4222', MILLRACE_JOB: 'shop_orders', MILLRACE_WORKER: 'orders-worker-5b9f-x2' };

test('what is not said has a default', () => {
  expect(readPodOptions(whole)).toEqual({
    natsUrl: 'nats://nats:4222',
    credentials: null,
    job: 'shop_orders',
    worker: 'orders-worker-5b9f-x2',
    pool: 'default',
    filesDir: '/data',
    httpPort: 8081,
    logForm: 'json',
    tracing: null,
    tracingProblems: [],
  });
});

test('everything can be said', () => {
  const environment = {
    MILLRACE_NATS_CREDENTIALS: '/nats/nats.creds',
    MILLRACE_POOL: 'heavy',
    MILLRACE_FILES: '/f',
    MILLRACE_NODE: 'node-7',
    MILLRACE_HTTP_PORT: '0',
    MILLRACE_LOG: 'text',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
  };
  expect(readPodOptions({ ...whole, ...environment })).toMatchObject({
    credentials: '/nats/nats.creds',
    pool: 'heavy',
    filesDir: '/f',
    node: 'node-7',
    httpPort: 0,
    logForm: 'text',
    tracing: { url: 'http://collector:4318/v1/traces', ratio: 0.001 },
  });
});

describe('a wrong environment is told whole', () => {
  test.each([
    {
      fact: 'nothing set',
      set: { MILLRACE_NATS_URL: '', MILLRACE_JOB: undefined, MILLRACE_WORKER: '' },
      says: ['MILLRACE_NATS_URL', 'MILLRACE_JOB', 'MILLRACE_WORKER'],
    },
    { fact: 'a URL of something else', set: { MILLRACE_NATS_URL: 'http://nats:4222' }, says: ['MILLRACE_NATS_URL: it is no URL of NATS'] },
    {
      fact: 'an identity that would be several tokens',
      set: { MILLRACE_JOB: 'shop.orders' },
      says: ['MILLRACE_JOB: "shop.orders" is no identity'],
    },
    { fact: 'a name no pod has', set: { MILLRACE_WORKER: 'a b' }, says: ['MILLRACE_WORKER: "a b"'] },
    { fact: 'a port beyond all ports', set: { MILLRACE_HTTP_PORT: '65536' }, says: ['MILLRACE_HTTP_PORT: "65536"'] },
    { fact: 'a name no pool has', set: { MILLRACE_POOL: 'Heavy' }, says: ['MILLRACE_POOL: "Heavy" is no name of a pool'] },
    { fact: 'a log of another form', set: { MILLRACE_LOG: 'xml' }, says: ['MILLRACE_LOG: "xml"'] },
  ])('$fact', ({ set, says }) => {
    let message = '';
    try {
      readPodOptions({ ...whole, ...set });
    } catch (error) {
      message = (error as Error).message;
    }
    for (const part of says) expect(message).toContain(part);
  });
});
