import { describe, expect, test } from 'vitest';
import { flightsPlan, planOfText } from '../../test/support/run-progress.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { FinalReport } from './final-report.ts';
import { summaryText } from './summary.ts';
import type { SummaryContext } from './summary.ts';

const packageFolder = '/srv/ada/millrace';
const flights = flightsPlan();
const context: SummaryContext = {
  from: { environment: { npm_lifecycle_event: 'start' }, cwd: packageFolder, packageFolder },
  file: 'examples/flights/stream-job.yaml',
  again: [],
  speed: null,
  columns: 80,
  color: false,
};
const counts: Readonly<Record<string, number>> = { hourly: 1642, sliding: 1828, 'knock-on': 615, lost: 85, sessions: 19821 };

function report(plan: PhysicalPlan, known: Partial<FinalReport> = {}): FinalReport {
  const stages = plan.stages.map(({ id, kind, partitionCount }) => ({
    stage: id,
    kind,
    partitions: partitionCount,
    eventsIn: 0,
    eventsOut: counts[id.replace(/-(file|subject)$/, '')] ?? 0,
    eventsInPerS: 0,
    filtered: 0,
    late: 0,
    deadLetters: 0,
  }));
  return {
    job: plan.job,
    ending: 'completed',
    failure: null,
    isContinued: false,
    elapsedMs: 5100,
    workers: 1,
    stages,
    eventsIn: 27004,
    eventsOut: 47982,
    eventsInThisRun: 27004,
    eventsInPerS: 5345,
    progress: 1,
    deadLetters: 0,
    firstDeadLetter: null,
    late: 0,
    unaccounted: [],
    recoveries: 0,
    commitMs: { p50: 4.9, p99: 71.2 },
    endToEndMs: { p50: 1412, p99: 1610 },
    peakMemoryBytes: 533 * 1024 * 1024,
    cpuMs: 5400,
    natsUrl: 'nats://127.0.0.1:4222',
    outDir: `${packageFolder}/out/flights`,
    ...known,
  };
}

function summary(known: Partial<FinalReport> = {}, given: Partial<SummaryContext> = {}, plan = flights): string {
  const told = report(plan, known);
  return summaryText({ ending: told.ending, failure: told.failure, report: told, plan }, { ...context, ...given });
}

test('a run that is complete: how it went, where the results are, what to try next', () => {
  expect(summary()).toMatchInlineSnapshot(`
    "
    ✓ flights completed in 5.1 s: 27,004 events in, 47,982 results out

      throughput  5,345 events/s         1 worker, 5.4 s CPU, 533 MiB at most
      commit      4.9 ms p50, 71 ms p99  a step until it is stored
      end to end  1.4 s p50, 1.6 s p99   an event until its result is visible
      on the way  0 dead letters, 0 late, 0 recoveries

    Results in out/flights
      hourly.ndjson     1,642 lines   subject flights.hourly     1,642 messages
      sliding.ndjson    1,828 lines   subject flights.sliding    1,828 messages
      knock-on.ndjson     615 lines   subject flights.knock-on     615 messages
      lost.ndjson          85 lines   subject flights.lost          85 messages
      sessions.ndjson  19,821 lines   subject flights.sessions  19,821 messages

    Try next
      npm start -- --speed 3600x                           watch an hour a second
      npx millrace plan examples/flights/stream-job.yaml   its stages, and why
      npm start -- --workers 2                             the same by two workers
    "
  `);
});

test('the code of a dead letter is told once, whoever wrote its message', () => {
  const firstDeadLetter = { code: 'MR3002', at: 'sized', place: null, message: 'MR3002 TransformFailed: sized: no number' };
  expect(summary({ deadLetters: 1, firstDeadLetter })).toContain('first: MR3002 sized: no number');
});

test('dead letters are told with one of them, and where they are (U2)', () => {
  const text = summary({
    deadLetters: 12,
    firstDeadLetter: { code: 'MR3001', at: 'flights', place: 'line 17', message: 'flights line 17: minute: expected an int, found "abc"' },
  });
  expect(text.split('\n\n').find((part) => part.startsWith('!'))).toMatchInlineSnapshot(`
    "! 12 dead letters: events that were not processed
      first: MR3001 flights line 17: minute: expected an int, found "abc"
      out/flights/dead-letters.ndjson
      subject flights.dead-letters"
  `);
});

test.each(['completed', 'failed', 'interrupted'] as const)('what is not accounted for is told behind the headline: %s', (ending) => {
  const [, headline, second, third] = summary({
    ending,
    unaccounted: ['2 events are gone on rows→counts (10 given out, 8 taken in)'],
  }).split('\n\n');
  expect([headline, second, third].find((part) => part?.startsWith('!')) ?? summary({ ending })).toBe(
    '! the results are not exact: not every event is accounted for\n  2 events are gone on rows→counts (10 given out, 8 taken in)',
  );
});

test('a run that failed: with which code, what happened, what to do', () => {
  const failure = {
    code: 'MR4002',
    task: 'hourly-file/0',
    message:
      'MR4002 SinkConflict: sink hourly-file: /srv/ada/millrace/out/flights/hourly.ndjson is shorter than what was written; nothing was overwritten',
    fix: 'Give the sink a target that nothing else writes, or start over with --fresh.',
  };
  expect(summary({ ending: 'failed', failure, eventsOut: 120, progress: 0.41 })).toMatchInlineSnapshot(`
    "
    ✗ flights failed after 5.1 s: MR4002

      hourly-file/0: sink hourly-file: /srv/ada/millrace/out/flights/hourly.ndjson
      is shorter than what was written; nothing was overwritten

      Give the sink a target that nothing else writes, or start over with --fresh.

      120 results written so far, from 41 % of the input, in out/flights

    Then go on
      npm start              where it stopped
      npm start -- --fresh   from the beginning
    "
  `);
});

test('a run that was interrupted: how to go on', () => {
  expect(summary({ ending: 'interrupted', eventsOut: 60, progress: 0.0069 }, { speed: 3600, again: ['--set', 'flights=my file.csv'] }))
    .toMatchInlineSnapshot(`
    "
    ■ flights interrupted after 5.1 s; all that was read is stored

      60 results written so far, from 0.6 % of the input, in out/flights

    Go on
      npm start -- --speed 3600x --set 'flights=my file.csv'
          where it stopped
      npm start -- --fresh --speed 3600x --set 'flights=my file.csv'
          from the beginning
    "
  `);
});

test('a run that went on says so, and one that had nothing left to read has no rate', () => {
  expect(summary({ isContinued: true })).toMatch(/gone on with and completed in 5\.1 s/);
  expect(summary({ isContinued: true, eventsInThisRun: 0, eventsInPerS: 0 })).toMatch(/throughput {2}nothing left to read/);
});

test('what is too wide for one line takes two, and no path is ever cut', () => {
  const narrow = summary({ outDir: '/srv/results/of/a/run/with/a/long/path' }, { columns: 50 });
  expect(narrow).toContain('  subject flights.sessions  19,821 messages');
  expect(narrow).toContain('Results in /srv/results/of/a/run/with/a/long/path\n');
  expect(narrow).toContain('  npx millrace plan examples/flights/stream-job.yaml\n      its stages, and why');
});

describe('what to try next fits the job and the way in which it was called (U1)', () => {
  const unbounded = planOfText(`
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: clicks }
spec:
  sources: [{ name: clicks, nats: { subjects: [clicks] }, schema: { page: string } }]
  sinks: [{ name: all, from: clicks, nats: { subject: all.clicks } }]
`);
  const next = (given: Partial<SummaryContext>, known: Partial<FinalReport> = {}, plan = flights): string[] =>
    (summary(known, { columns: 300, ...given }, plan).split('Try next\n')[1] ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split('   ')[0] ?? '');
  const elsewhere = { from: { environment: {}, cwd: '/srv/ada/jobs', packageFolder }, file: 'clicks.yaml' };

  test.each([
    {
      fact: 'after npm start',
      found: next({}),
      steps: ['npm start -- --speed 3600x', 'npx millrace plan examples/flights/stream-job.yaml', 'npm start -- --workers 2'],
    },
    {
      fact: 'after a replay there is none to try',
      found: next({ speed: 3600 }),
      steps: ['npx millrace plan examples/flights/stream-job.yaml', 'npm start -- --workers 2', 'head -n 3 out/flights/hourly.ndjson'],
    },
    {
      fact: 'with what was given, and for plan only what it takes',
      found: next({ again: ['--set', 'flights=/data/a b.csv', '--out', 'mine'] }, { workers: 2 }),
      steps: [
        "npm start -- --speed 3600x --set 'flights=/data/a b.csv' --out mine",
        "npx millrace plan examples/flights/stream-job.yaml --set 'flights=/data/a b.csv'",
        'head -n 3 out/flights/hourly.ndjson',
      ],
    },
    {
      fact: 'a job without an end has no replay, one without files no file to look at',
      found: next(elsewhere, {}, unbounded),
      steps: [
        'node ../millrace/cli/bin.mjs plan clicks.yaml',
        'node ../millrace/cli/bin.mjs run clicks.yaml --workers 2',
        'node ../millrace/cli/bin.mjs run clicks.yaml --report json',
      ],
    },
  ])('$fact', ({ found, steps }) => expect(found).toEqual(steps));
});

test('every line of a usual summary fits 80 columns', () => {
  for (const line of summary({ deadLetters: 1, late: 3, recoveries: 99 }).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});
