// Runs the checks and tests: `node test/run.ts check` (format, lint, types, tidy, unit), `… all` (and integration), `… e2e`
// (what needs Kubernetes: a real API server, and a whole cluster).
//
//   R1. Every step is bounded in time; what overruns is ended and counts as failed.
//   R2. The last line is `N passed, N failed` (`, N skipped`): each test of vitest's own report, and each other step, is one.
//   R3. A step that fails without naming a failed test (an error outside of tests, a time-out) counts as one failed.
//   R4. What failed stands at the end again, with the beginning of why: elsewhere thousands of lines may follow it.
//   R5. So does what Node says when it dies by itself.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { whyNoCluster } from './cluster/cluster.ts';
import { setup as buildForApiServer } from './support/cluster-setup.ts';
import { addTallies, failuresOfReport, formatTally, tallyOfReport, type Tally } from './support/tally.ts';

type Step = { readonly name: string; readonly program: string; readonly args: readonly string[]; readonly timeoutMs: number };
type Ended = { readonly isOk: boolean; readonly output: string; readonly seconds: number };

const minuteMs = 60_000;
const killGraceMs = 5_000;
const lastWordsOfNode = /^#|Fatal|FATAL|^ *\d+: 0x|stack trace|heap out of memory/;
const lastWordsMax = 60;
const pathWithPrograms = [resolve(import.meta.dirname, '../node_modules/.bin'), process.env['PATH']].join(delimiter);
const quick: readonly Step[] = [
  {
    name: 'format',
    program: 'prettier',
    args: ['--check', '--log-level', 'warn', '--cache', '--cache-location', '.cache/prettier', '.'],
    timeoutMs: 20 * minuteMs,
  },
  { name: 'lint', program: 'oxlint', args: [], timeoutMs: 20 * minuteMs },
  { name: 'types', program: 'tsc', args: ['-p', '.'], timeoutMs: 20 * minuteMs },
  { name: 'types of the page', program: 'tsc', args: ['-p', 'console/page'], timeoutMs: 20 * minuteMs },
];

const building: Step = {
  name: 'what a cluster is made of',
  program: 'nice',
  args: ['-n', '19', process.execPath, 'test/cluster/main.ts', 'build'],
  timeoutMs: 70 * minuteMs,
};

/** R4. */
const failures: string[] = [];
/** R5. */
const lastWords: string[] = [];

process.exitCode = await main(process.argv[2] ?? 'all');

async function main(wanted: string): Promise<number> {
  const startedMs = performance.now();
  const reports = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  try {
    if (wanted === 'e2e') return conclude(wanted, startedMs, await runOnKubernetes(reports));
    // The quick steps and the unit tests fit side by side on two cores; integration tests measure time and go alone.
    const tallies = await Promise.all([...quick.map(runQuick), runTests('unit', reports, 30 * minuteMs)]);
    if (wanted === 'all') tallies.push(await runTests('integration', reports, 60 * minuteMs));
    return conclude(wanted, startedMs, tallies);
  } finally {
    await rm(reports, { recursive: true, force: true });
  }
}

/** On a machine that cannot run a cluster the reason is told, and counts as one skipped: never silently. */
async function runOnKubernetes(reports: string): Promise<Tally[]> {
  const why = await whyNoCluster();
  if (why !== null) {
    console.log(`\nSKIPPED: no Kubernetes tests on this machine: ${why}\n`);
    return [{ passed: 0, failed: 0, skipped: 1 }];
  }
  // What a cluster is made of takes many minutes of compiling from cold, and the tests on an API server mostly wait: it is made beside them, of
  // what they leave of the processors. Not before what they need is there: two compilers at once make twice what both need. Where one of the
  // two fails, the project that needs it tries it again, and says why.
  await buildForApiServer().catch(() => undefined);
  const [onApiServer] = await Promise.all([runTests('cluster', reports, 70 * minuteMs), run(building, 'shown')]);
  return [onApiServer, await runTests('e2e', reports, 100 * minuteMs)];
}

function conclude(wanted: string, startedMs: number, tallies: readonly Tally[]): number {
  const total = addTallies(tallies);
  if (failures.length > 0) console.log(`\nWhat failed:\n${failures.join('\n')}`);
  if (lastWords.length > 0) console.log(`\nWhat Node said when it died:\n${lastWords.join('\n')}`);
  console.log(`\nMillrace ${wanted}: ${seconds(performance.now() - startedMs)} s`);
  console.log(formatTally(total));
  return total.failed === 0 ? 0 : 1;
}

async function runQuick(step: Step): Promise<Tally> {
  const ended = await run(step, 'kept');
  console.log(`${ended.isOk ? 'ok    ' : 'FAILED'} ${step.name} (${ended.seconds} s)${ended.isOk ? '' : `\n${ended.output}`}`);
  if (!ended.isOk) failures.push(step.name);
  return { passed: ended.isOk ? 1 : 0, failed: ended.isOk ? 0 : 1, skipped: 0 };
}

async function runTests(project: 'unit' | 'integration' | 'cluster' | 'e2e', reports: string, timeoutMs: number): Promise<Tally> {
  const reportPath = join(reports, `${project}.json`);
  const args = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`];
  const ended = await run({ name: project, program: 'vitest', args, timeoutMs }, 'shown');
  if (!ended.isOk)
    lastWords.push(
      ...ended.output
        .split('\n')
        .filter((line) => lastWordsOfNode.test(line))
        .slice(0, lastWordsMax),
    );
  const report = await readFile(reportPath, 'utf8').catch(() => null);
  failures.push(...failuresOfReport(report).map((failure) => `${project}: ${failure}`));
  return tallyOfReport(report, ended.isOk);
}

/** Runs one step to its end, or to its time limit (R1). `kept`: its output is returned; `shown`: it goes to the terminal, errors are returned as well. */
function run(step: Step, output: 'kept' | 'shown'): Promise<Ended> {
  const startedMs = performance.now();
  const child = spawn(step.program, step.args, {
    stdio: ['ignore', output === 'kept' ? 'pipe' : 'inherit', 'pipe'],
    env: { ...process.env, PATH: pathWithPrograms },
  });
  let text = '';
  child.stdout?.on('data', (bytes) => (text += bytes));
  child.stderr?.on('data', (bytes) => (text += bytes));
  if (output === 'shown') child.stderr?.pipe(process.stderr);
  const limit = setTimeout(() => {
    text += `\nended: it took longer than ${step.timeoutMs / minuteMs} minutes`;
    console.log(`${step.name}: longer than ${step.timeoutMs / minuteMs} minutes, ended`);
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), killGraceMs).unref();
  }, step.timeoutMs);
  return new Promise((resolve) => {
    const finish = (isOk: boolean): void => {
      clearTimeout(limit);
      resolve({ isOk, output: text, seconds: seconds(performance.now() - startedMs) });
    };
    child.once('error', (error) => {
      text += error.message;
      finish(false);
    });
    child.once('close', (code) => finish(code === 0));
  });
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
