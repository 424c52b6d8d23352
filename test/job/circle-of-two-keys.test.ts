// What the guide tells of a circle through two keys: one stage that is keyed by whom an event is for.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runInMemory } from '../../runtime/testing/index.ts';
import { jobText } from '../support/job-run.ts';

const HOUR = 3_600_000;
const BANKS = 3;
const ACCOUNTS = 11;

/** An account pays a tenth to its bank, which pays half of that back. */
const CIRCLE = jobText(
  'circle',
  `
  partitions: 4
  sources:
    - name: payments
      file: { path: payments.ndjson }
      schema: { to: string, kind: string, bank: string, from: { type: string, nullable: true }, amount: int, at: timestamp }
      eventTime: { at: event.at }
  stages:
    - name: both
      from: payments
      keyBy: event.to
      feedback: { from: both.moved }
      machine:
        eventType: event.kind
        context: { total: 0 }
        initial: open
        states:
          open:
            on:
              pay:
                actions:
                  - emit: { output: booked, value: { to: key, amount: event.amount } }
                  - emit: { output: moved, value: { to: event.bank, kind: "'fee'", from: key, amount: event.amount / 10 } }
              fee:
                actions:
                  - emit: { output: booked, value: { to: key, amount: event.amount } }
                  - emit: { output: moved, value: { to: event.from, kind: "'bonus'", from: key, amount: event.amount / 2 } }
              bonus:
                actions:
                  - emit: { output: booked, value: { to: key, amount: event.amount } }
    - name: hourly
      from: both.booked
      keyBy: event.to
      window: { tumbling: { size: 1h } }
      aggregate: { times: { count: {} }, sum: { sum: event.amount } }
  sinks:
    - { name: out, from: hourly, file: { path: out.ndjson } }
`,
);

test('I5 events go round between two keys of one stage, and windows behind miss none of them', async () => {
  const payments = Array.from({ length: 600 }, (_, n) => ({
    to: `account:${(n * 7) % ACCOUNTS}`,
    kind: 'pay',
    bank: `bank:${((n * 7) % ACCOUNTS) % BANKS}`,
    amount: 20 * (n % 9),
    at: new Date(n * 60_000).toISOString(),
  }));
  const folder = await mkdtemp(join(tmpdir(), 'millrace-circle-'));
  try {
    await writeFile(join(folder, 'stream-job.yaml'), CIRCLE);
    const { results, deadLetters } = await runInMemory(join(folder, 'stream-job.yaml'), { events: { payments } });
    expect(deadLetters).toEqual([]);

    const booked = payments.flatMap(({ to, bank, amount, at }) =>
      [
        { to, amount },
        { to: bank, amount: amount / 10 },
        { to, amount: amount / 20 },
      ].map((one) => ({ ...one, start: Math.floor(Date.parse(at) / HOUR) * HOUR })),
    );
    const expected = [...Map.groupBy(booked, ({ to, start }) => `${to} ${start}`)].map(
      ([name, all]) => `${name} ${all.length} ${all.reduce((sum, { amount }) => sum + amount, 0)}`,
    );
    const found = (results['out'] as readonly Hour[]).map(({ to, windowStartMs, times, sum }) => `${to} ${windowStartMs} ${times} ${sum}`);
    expect(found.sort()).toEqual(expected.sort());
  } finally {
    await rm(folder, { recursive: true });
  }
});

type Hour = { readonly to: string; readonly windowStartMs: number; readonly times: number; readonly sum: number };
