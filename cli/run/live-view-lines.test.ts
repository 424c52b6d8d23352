import { describe, expect, test } from 'vitest';
import { flightsPlan, owned, planOfText, runProgress, someWorkers } from '../../test/support/run-progress.ts';
import { shownLength } from './ink.ts';
import { renderProgress } from './live-view-lines.ts';
import type { RunProgress, StageProgress } from '../../runtime/telemetry/progress.ts';

const flights = flightsPlan();
const EARLY = Date.UTC(2013, 0, 1, 20, 34, 1);
const LATE = Date.UTC(2013, 0, 1, 20, 43, 2);
const sinks = flights.stages.filter(({ kind, id }) => kind === 'sink' && !id.startsWith('dead-letters')).map(({ id }) => id);

const running = (of: (id: string) => Partial<StageProgress> = () => ({}), known: Partial<RunProgress> = {}): RunProgress =>
  runProgress(
    flights,
    {
      flights: { eventsIn: 27004, watermarkMs: LATE, partitions: owned('0') },
      hourly: { eventsIn: 506, eventsInPerS: 58.2, watermarkMs: EARLY, partitions: owned('22100133') },
      aircraft: { eventsIn: 827, eventsInPerS: 99, lagEvents: 12, watermarkMs: EARLY, partitions: owned('00223131') },
      sessions: { eventsIn: 489, eventsInPerS: 54, lagEvents: 5, partitions: owned('01(1)(3)..22') },
      ...Object.fromEntries(
        sinks.map((id) => [id, { eventsIn: 30, eventsInPerS: 3, watermarkMs: EARLY, partitions: owned('1'), ...of(id) }]),
      ),
    },
    {
      elapsedMs: 72_000,
      progress: 0.418,
      remainingMs: 102_000,
      workers: someWorkers(4),
      commitMs: { p50: 4.2, p99: 21 },
      endToEndMs: { p50: 18.4, p99: 1234 },
      peakMemoryBytes: 518 * 1024 * 1024,
      ...known,
    },
  );

const draw = (progress: RunProgress, columns: number, rows: number): string =>
  `\n${renderProgress(progress, flights, { columns, rows, color: false }).join('\n')}\n`;

describe('drawn', () => {
  test('in a usual terminal', () => {
    expect(draw(running(), 80, 24)).toMatchInlineSnapshot(`
      "
       flights  ━━━━━━━━━━━━━━━━──────────────────────   41 %  1:12  about 2 min left

         stage              events in    per s      lag  watermark         owners
       ● flights +3            27,004        0        –  2013-01-01 20:43  0
       ● hourly +1                506       58        0  2013-01-01 20:34  2210 0133
       ● aircraft                 827       99       12  2013-01-01 20:34  0022 3131
       ◌ sessions                 489       54        5  –                 0113 ··22
       ● hourly-file               30        3        0  2013-01-01 20:34  1
       ● sliding-file              30        3        0  2013-01-01 20:34  1
       ● knock-on-file             30        3        0  2013-01-01 20:34  1
       ● lost-file                 30        3        0  2013-01-01 20:34  1
       ● sessions-file             30        3        0  2013-01-01 20:34  1
       ● hourly-subject            30        3        0  2013-01-01 20:34  1
       ● sliding-subject           30        3        0  2013-01-01 20:34  1
       ● knock-on-subject          30        3        0  2013-01-01 20:34  1
       ● lost-subject              30        3        0  2013-01-01 20:34  1
       ● sessions-subject          30        3        0  2013-01-01 20:34  1

       commit 4.2 ms p50, 21 ms p99 · end to end 18 ms p50, 1.2 s p99
       4 workers · 518 MiB · 0 dead letters · 0 late · 0 recoveries
      "
    `);
  });

  test('in a wide one there are seconds and the state in words', () => {
    expect(draw(running(), 120, 40)).toMatchInlineSnapshot(`
      "
       flights  ━━━━━━━━━━━━━━━━━━━━────────────────────────────   41 %  1:12  about 2 min left

         stage              events in    per s      lag  watermark            owners     state
       ● flights +3            27,004        0        –  2013-01-01 20:43:02  0          running
       ● hourly +1                506       58        0  2013-01-01 20:34:01  2210 0133  running
       ● aircraft                 827       99       12  2013-01-01 20:34:01  0022 3131  running
       ◌ sessions                 489       54        5  –                    0113 ··22  claiming
       ● hourly-file               30        3        0  2013-01-01 20:34:01  1          running
       ● sliding-file              30        3        0  2013-01-01 20:34:01  1          running
       ● knock-on-file             30        3        0  2013-01-01 20:34:01  1          running
       ● lost-file                 30        3        0  2013-01-01 20:34:01  1          running
       ● sessions-file             30        3        0  2013-01-01 20:34:01  1          running
       ● hourly-subject            30        3        0  2013-01-01 20:34:01  1          running
       ● sliding-subject           30        3        0  2013-01-01 20:34:01  1          running
       ● knock-on-subject          30        3        0  2013-01-01 20:34:01  1          running
       ● lost-subject              30        3        0  2013-01-01 20:34:01  1          running
       ● sessions-subject          30        3        0  2013-01-01 20:34:01  1          running

       commit 4.2 ms p50, 21 ms p99 · end to end 18 ms p50, 1.2 s p99
       4 workers · 518 MiB · 0 dead letters · 0 late · 0 recoveries
      "
    `);
  });

  test('in one of few rows all sinks share a line', () => {
    expect(draw(running(), 80, 14)).toMatchInlineSnapshot(`
      "
       flights  ━━━━━━━━━━━━━━━━──────────────────────   41 %  1:12  about 2 min left

         stage        events in    per s      lag  watermark         owners
       ● flights +3      27,004        0        –  2013-01-01 20:43  0
       ● hourly +1          506       58        0  2013-01-01 20:34  2210 0133
       ● aircraft           827       99       12  2013-01-01 20:34  0022 3131
       ◌ sessions           489       54        5  –                 0113 ··22
       ● 10 sinks           300       30        0  2013-01-01 20:34

       commit 4.2 ms p50, 21 ms p99 · end to end 18 ms p50, 1.2 s p99
       4 workers · 518 MiB · 0 dead letters · 0 late · 0 recoveries
      "
    `);
  });

  test('sinks that are done share a line before all do', () => {
    expect(
      draw(
        running((id) => (id.endsWith('-file') ? { done: true, watermarkMs: Number.MAX_SAFE_INTEGER } : {})),
        80,
        17,
      ),
    ).toMatchInlineSnapshot(`
      "
       flights  ━━━━━━━━━━━━━━━━──────────────────────   41 %  1:12  about 2 min left

         stage              events in    per s      lag  watermark         owners
       ● flights +3            27,004        0        –  2013-01-01 20:43  0
       ● hourly +1                506       58        0  2013-01-01 20:34  2210 0133
       ● aircraft                 827       99       12  2013-01-01 20:34  0022 3131
       ◌ sessions                 489       54        5  –                 0113 ··22
       ● hourly-subject            30        3        0  2013-01-01 20:34  1
       ● sliding-subject           30        3        0  2013-01-01 20:34  1
       ● knock-on-subject          30        3        0  2013-01-01 20:34  1
       ● lost-subject              30        3        0  2013-01-01 20:34  1
       ● sessions-subject          30        3        0  2013-01-01 20:34  1
       ✓ 5 sinks, done            150       15        0  end

       commit 4.2 ms p50, 21 ms p99 · end to end 18 ms p50, 1.2 s p99
       4 workers · 518 MiB · 0 dead letters · 0 late · 0 recoveries
      "
    `);
  });

  test('in a narrow one the least telling columns go', () => {
    expect(draw(running(), 50, 16)).toMatchInlineSnapshot(`
      "
       flights  ━━━─────   41 %  1:12  about 2 min left

         stage        events in    per s      lag
       ● flights +3      27,004        0        –
       ● hourly +1          506       58        0
       ● aircraft           827       99       12
       ◌ sessions           489       54        5
       ● 10 sinks           300       30        0

       commit 4.2 ms p50, 21 ms p99
       end to end 18 ms p50, 1.2 s p99
       4 workers · 518 MiB · 0 dead letters · 0 late
      "
    `);
  });

  test('in a tiny one something is left', () => {
    expect(draw(running(), 30, 6)).toMatchInlineSnapshot(`
      "
       flights   41 %  1:12  about…
         stage            events in
       ● flights +3          27,004
       ◌ 13 more stages       2,122
       commit 4.2 ms p50, 21 ms p99
      "
    `);
  });

  test('before a worker has said anything', () => {
    expect(draw(runProgress(flights, {}, { elapsedMs: 1500 }), 80, 11)).toMatchInlineSnapshot(`
      "
       flights  starting  0:01
         stage        events in    per s      lag  watermark         owners
       ◌ flights +3           0        0        –  –                 ·
       ◌ hourly +1            0        0        0  –                 ···· ····
       ◌ aircraft             0        0        0  –                 ···· ····
       ◌ sessions             0        0        0  –                 ···· ····
       ◌ 10 sinks             0        0        0  –
       commit – · end to end –
       0 workers · 0 MiB · 0 dead letters · 0 late · 0 recoveries
      "
    `);
  });

  test('when all input is read, and something went wrong on the way', () => {
    const progress = running(() => ({}), { progress: 1, remainingMs: null, deadLetters: 3, late: 1204, recoveries: 37 });
    expect(draw(progress, 80, 11)).toMatchInlineSnapshot(`
      "
       flights  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  100 %  1:12  input read, finishing
         stage        events in    per s      lag  watermark         owners
       ● flights +3      27,004        0        –  2013-01-01 20:43  0
       ● hourly +1          506       58        0  2013-01-01 20:34  2210 0133
       ● aircraft           827       99       12  2013-01-01 20:34  0022 3131
       ◌ sessions           489       54        5  –                 0113 ··22
       ● 10 sinks           300       30        0  2013-01-01 20:34
       commit 4.2 ms p50, 21 ms p99 · end to end 18 ms p50, 1.2 s p99
       4 workers · 518 MiB · 3 dead letters · 1,204 late · 37 recoveries
      "
    `);
  });
});

describe('the first line', () => {
  const first = (known: Partial<RunProgress>): string =>
    renderProgress(
      running(() => ({}), known),
      flights,
      { columns: 80, rows: 24, color: false },
    )[0] ?? '';
  test('a job without an end has no bar', () => expect(first({ progress: null, remainingMs: null })).toBe(' flights  running  1:12'));
  test('a guess of what is left needs a pace', () => expect(first({ remainingMs: null })).toMatch(/ 41 % {2}1:12$/));
  test('a job that nobody works on says so', () => expect(first({ workers: [] })).toMatch(/no worker answers$/));
});

describe('dead letters', () => {
  const lines = (known: Partial<StageProgress>): string[] =>
    renderProgress(runProgress(flights, { 'dead-letters': known }, { workers: someWorkers(1) }), flights, {
      columns: 100,
      rows: 40,
      color: false,
    });
  test('have no line while there are none', () => expect(lines({}).some((line) => line.includes('dead-letters'))).toBe(false));
  test('have one when there are some', () => expect(lines({ eventsIn: 2 }).some((line) => line.includes('dead-letters'))).toBe(true));
});

describe('owners', () => {
  const many = planOfText(`
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: many }
spec:
  partitions: 64
  sources: [{ name: rows, file: { path: rows.ndjson }, schema: { k: string } }]
  stages: [{ name: counts-by-a-key-with-a-long-name, from: rows, keyBy: event.k, aggregate: { n: { count: {} } } }]
  sinks: [{ name: out, from: counts-by-a-key-with-a-long-name, file: { path: out.ndjson } }]
`);
  const line = (columns: number, partitions: StageProgress['partitions']): string =>
    renderProgress(runProgress(many, { 'counts-by-a-key-with-a-long-name': { partitions } }, { workers: someWorkers(2) }), many, {
      columns,
      rows: 24,
      color: false,
    })[4] ?? '';
  test('one digit a partition, in groups of four', () =>
    expect(line(250, owned('0123'.repeat(16)))).toContain(`  ${Array<string>(16).fill('0123').join(' ')}  running`));
  test('without gaps where they do not fit', () => expect(line(200, owned('0123'.repeat(16)))).toContain('0123'.repeat(16)));
  test('as counts where there are too many, and the name is cut in its middle', () =>
    expect(line(80, owned(`${'0'.repeat(40)}${'1'.repeat(20)}....`))).toMatchInlineSnapshot(
      `" ◌ counts…g-name           0        0        0  –                 0×40 1×20 ·×4"`,
    ));
});

describe('whatever the size', () => {
  const sizes = [1, 5, 20, 40, 79, 80, 81, 132, 300].flatMap((columns) => [1, 2, 5, 8, 15, 24, 60].map((rows) => ({ columns, rows })));
  test.each(sizes)('$columns x $rows is kept (L1)', ({ columns, rows }) => {
    for (const color of [true, false]) {
      const lines = renderProgress(running(), flights, { columns, rows, color });
      expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
      for (const line of lines) expect(shownLength(line)).toBeLessThanOrEqual(Math.max(2, columns - 1));
    }
  });
  test('colours change nothing but colours', () => {
    const [plain, coloured] = [false, true].map((color) => renderProgress(running(), flights, { columns: 80, rows: 24, color }));
    expect(coloured?.map((line) => line.replace(/\u001b\[[\d;]*m/g, ''))).toEqual(plain);
  });
  test('a partition has the colour of its worker', () => {
    const lines = renderProgress(running(), flights, { columns: 80, rows: 24, color: true });
    const colours = [...(lines.find((line) => line.includes('hourly')) ?? '').matchAll(/\u001b\[(\d+)m(\d)\u001b/g)].map(
      ([, colour, digit]) => `${digit} ${colour}`,
    );
    expect(new Set(colours.filter((colour) => !colour.endsWith(' 2'))).size).toBe(4); // without the lag of none, which is faint
  });
});
