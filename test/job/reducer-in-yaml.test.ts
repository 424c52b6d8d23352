// A reducer is declared in YAML as a machine of one state (ADR 56): both give the same.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { file, job } from '../../runtime/index.ts';
import { runInMemory } from '../../runtime/testing/index.ts';
import { withFolder } from '../support/flights-run.ts';

const SCHEMA = { customer: 'string', amount: 'double', at: 'timestamp' } as const;

const reducer = job('rewards', (j) => {
  j.source('orders', file({ path: 'orders.ndjson', schema: SCHEMA, eventTime: { at: (order) => order.at } }))
    .keyBy('customer')
    .reduce<number, { readonly customer: unknown; readonly spent: number }>({
      init: () => 0,
      step: (spent, order, context) => {
        if (spent + order.amount < 100) return spent + order.amount;
        context.emit({ customer: context.key, spent: spent + order.amount });
        return 0;
      },
    })
    .toFile('rewards.ndjson', { name: 'rewards-file' });
});

const MACHINE = `
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: rewards }
spec:
  sources:
    - { name: orders, file: { path: orders.ndjson }, schema: { customer: string, amount: double, at: timestamp }, eventTime: { at: event.at } }
  stages:
    - name: rewards
      from: orders
      keyBy: event.customer
      machine:
        eventType: '"order"'
        context: { spent: 0 }
        initial: counting
        states:
          counting:
            on:
              order:
                - guard: context.spent + event.amount < 100
                  actions: [{ assign: { spent: context.spent + event.amount } }]
                - actions:
                    - emit: { output: earned, value: { customer: key, spent: context.spent + event.amount } }
                    - assign: { spent: '0' }
  sinks:
    - { name: rewards-file, from: rewards.earned, file: { path: rewards.ndjson } }
`;

test('a machine of one state gives what a reducer gives', async () => {
  const orders = Array.from({ length: 400 }, (_, n) => ({
    customer: `c${(n * 7) % 11}`,
    amount: ((n * 31) % 40) + 0.5,
    at: new Date(Date.UTC(2026, 2, 1) + n * 1_000).toISOString(),
  }));
  const inTypeScript = await runInMemory(reducer, { events: { orders } });
  await withFolder(async (folder) => {
    const path = join(folder, 'stream-job.yaml');
    writeFileSync(path, MACHINE);
    const inYaml = await runInMemory(path, { events: { orders } });
    expect(inTypeScript.results['rewards-file']!.length).toBeGreaterThan(40);
    expect(inYaml).toEqual(inTypeScript);
  });
});
