import { describe, expect, test } from 'vitest';
import { flightsPlan, owned, planOfText, runProgress, someWorkers } from '../../test/support/run-progress.ts';
import { openingLines, plainView, progressLine } from './plain-view.ts';

const plan = flightsPlan();
const opened = { plan, natsUrl: 'nats://127.0.0.1:4222', isContinued: false, outDir: '/out', tableIssues: [] };

describe('the first lines', () => {
  test('what runs, and where', () =>
    expect(openingLines(opened)).toEqual(['running flights: 4 stages, 10 sinks, NATS at nats://127.0.0.1:4222']));
  test('a sink whose results stay in the journal is one, too', () => {
    const kept = planOfText(`
      apiVersion: millrace.dev/v1alpha1
      kind: StreamJob
      metadata: { name: kept }
      spec:
        sources: [{ name: rows, file: { path: rows.csv } }]
        sinks: [{ name: all, from: rows, file: { path: all.ndjson } }, { name: kept, from: rows, journal: {} }]`);
    expect(openingLines({ ...opened, plan: kept })[0]).toContain('running kept: 1 stage, 2 sinks');
  });
  test('that it goes on', () => expect(openingLines({ ...opened, isContinued: true })[0]).toMatch(/^going on with flights:/));
  test('rows of tables that were left out, a few of them', () => {
    const lines = openingLines({ ...opened, tableIssues: Array.from({ length: 8 }, (_, line) => `planes.csv line ${line}`) });
    expect(lines.slice(1)).toEqual([
      'table row left out: planes.csv line 0',
      'table row left out: planes.csv line 1',
      'table row left out: planes.csv line 2',
      'table row left out: planes.csv line 3',
      'table row left out: planes.csv line 4',
      'and 3 more table rows left out',
    ]);
  });
});

test('what a row of a table quotes makes no line of its own', () =>
  expect(openingLines({ ...opened, tableIssues: ['a\u001b[2J\nrunning'] })[1]).toBe('table row left out: a\u241b[2J\n  running'));

describe('a line now and then', () => {
  test.each([
    {
      fact: 'how far it is, how fast, and what waits',
      progress: runProgress(
        plan,
        {
          flights: { eventsIn: 11000, eventsInPerS: 5500.4, partitions: owned('0') },
          hourly: { eventsIn: 9800, lagEvents: 1200, watermarkMs: Date.UTC(2013, 0, 13, 4, 59) },
        },
        { elapsedMs: 10_000, progress: 0.416, remainingMs: 14_200, workers: someWorkers(1) },
      ),
      line: '10.0 s  41 %  11,000 events read (5,500/s), lag 1,200, watermark 2013-01-13 04:59, about 14 s left',
    },
    {
      fact: 'dead letters when there are some',
      progress: runProgress(plan, { flights: { eventsIn: 3 } }, { elapsedMs: 5_000, deadLetters: 1, workers: someWorkers(1) }),
      line: '5.0 s  3 events read (0/s), lag 0, 1 dead letter',
    },
    {
      fact: 'that nobody works on it',
      progress: runProgress(plan, {}, { elapsedMs: 65_000 }),
      line: '1 min 5 s  0 events read (0/s), lag 0, no worker answers',
    },
  ])('$fact', ({ progress, line }) => expect(progressLine(progress)).toBe(line));

  test('every 5 seconds in the first minute, then every minute', () => {
    const lines: string[] = [];
    const view = plainView((line) => lines.push(line));
    for (let elapsedMs = 0; elapsedMs <= 300_000; elapsedMs += 250) view.onProgress(runProgress(plan, {}, { elapsedMs }));
    expect(lines.map((line) => line.split('  ')[0])).toEqual([
      ...[5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55].map((seconds) => `${seconds}.0 s`),
      ...[1, 2, 3, 4, 5].map((minutes) => `${minutes} min 0 s`),
    ]);
  });
});
