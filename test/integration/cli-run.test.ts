// `millrace run` from outside: what it prints, how it ends, and that a run which was stopped goes on where it was.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { freePort } from '../../cli/local/server-process.ts';
import type { FinalReport } from '../../cli/run/final-report.ts';
import { findNatsServer } from '../../cli/setup/nats-server.mjs';
import { endCommands, runCommand, startCommand } from '../support/command.ts';
import type { Command, Ended } from '../support/command.ts';
import { startTestServer } from '../support/nats.ts';

const JOB = fileURLToPath(new URL('../../examples/flights/stream-job.yaml', import.meta.url));
const JANUARY = fileURLToPath(new URL('../../examples/flights/data/flights-2013-01.csv.gz', import.meta.url));
const ROWS = 3000;
/** 3,000 rows are four days: some seconds at this pace. */
const SPEED = '60000x';
/** Windows close one by one, also on a machine with much to do. */
const SLOW = '20000x';
const RESULTS = ['hourly', 'sliding', 'knock-on', 'lost', 'sessions'];

let shared = '';
let folder = '';
/** What an undisturbed run gives: sorted lines by file. */
let undisturbed: Readonly<Record<string, readonly string[]>> = {};
let first: Ended;

beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
  const lines = gunzipSync(await readFile(JANUARY))
    .toString('utf8')
    .split('\n');
  await writeFile(join(shared, 'rows.csv'), `${lines.slice(0, ROWS + 1).join('\n')}\n`);
  first = await runCommand(['run', JOB, '--set', 'flights=rows.csv', '--data', 'data', '--out', 'out'], { cwd: shared });
  undisturbed = await sortedResults(join(shared, 'out'));
});

afterAll(() => rm(shared, { recursive: true, force: true, maxRetries: 5 }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
});

afterEach(async () => {
  await endCommands();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

describe('a run that is complete', () => {
  test('ends with 0, says where the results are and what to try next, and nothing on stderr', () => {
    expect(first.stderr).toBe('');
    expect(first.code).toBe(0);
    expect(first.stdout).toContain('✓ flights completed in');
    expect(first.stdout).toMatch(/Results in out\n {2}hourly\.ndjson/);
    expect(first.stdout).toContain('Try next');
  });

  test('a file named by --set is looked for where the command was typed', () => {
    expect(first.stdout).toContain(`${ROWS.toLocaleString('en-US')} events in`);
  });

  test('tells as many lines as the files have', async () => {
    for (const name of RESULTS) {
      const [, told] = new RegExp(`${name}\\.ndjson +([\\d,]+) lines`).exec(first.stdout) ?? [];
      expect(`${name} ${told?.replaceAll(',', '')}`).toBe(`${name} ${undisturbed[`${name}.ndjson`]?.length}`);
    }
  });

  test('the commands to try next work as they stand', async () => {
    const plan = /^ {2}(node .* plan .*)$/m.exec(first.stdout)?.[1] ?? '';
    const child = spawn('sh', ['-c', plan], { cwd: shared, stdio: ['ignore', 'ignore', 'inherit'] });
    expect(plan).toContain('--set');
    expect((await once(child, 'exit')) as unknown[]).toEqual([0, null]);
  });
});

describe('a run that is stopped', () => {
  test('by Ctrl-C ends with 130; the same command goes on, and gives what an undisturbed run gives', async () => {
    const running = start('--speed', SPEED);
    await untilWritten('hourly.ndjson');
    running.child.kill('SIGINT');
    const stopped = await running.ended;
    expect(stopped.code).toBe(130);
    expect(stopped.stdout).toContain('■ flights interrupted after');
    expect((await sortedResults(join(folder, 'out')))['sessions.ndjson']?.length ?? 0).toBeLessThan(
      undisturbed['sessions.ndjson']?.length ?? 0,
    );

    const next = await start().ended; // without --speed: the rest of the replay as fast as it goes
    expect(next.stdout).toContain('going on with flights');
    expect(next.code).toBe(0);
    expect(await sortedResults(join(folder, 'out'))).toEqual(undisturbed);
  });

  test('by SIGKILL it leaves nothing that keeps the next one from going on', async () => {
    const running = start('--speed', SPEED);
    await untilWritten('hourly.ndjson');
    running.child.kill('SIGKILL');
    await running.ended;
    const next = await start('--workers', '2').ended;
    expect(next.stderr).toBe('');
    expect(next.code).toBe(0);
    expect(await sortedResults(join(folder, 'out'))).toEqual(undisturbed);
  });

  test('with --fresh it starts over, in the same files', async () => {
    const running = start('--speed', SPEED);
    await untilWritten('hourly.ndjson');
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(130);
    const next = await start('--fresh').ended;
    expect(next.stdout).toContain('running flights');
    expect(next.code).toBe(0);
    expect(await sortedResults(join(folder, 'out'))).toEqual(undisturbed);
  });

  test('a --speed that comes too late has no effect, and it says so', async () => {
    const running = start();
    await untilSaid(running, /running flights/);
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
    const next = await start('--speed', '1x').ended; // at this pace it would take four days
    expect(next.stdout).toContain('--speed has no effect: this run was begun without it');
    expect(next.code).toBe(0);
    expect(await sortedResults(join(folder, 'out'))).toEqual(undisturbed);
  });

  test('a result file that was removed meanwhile is there again, whole', async () => {
    const running = start('--speed', SPEED);
    await untilWritten('hourly.ndjson');
    running.child.kill('SIGINT');
    await running.ended;
    await rm(join(folder, 'out', 'hourly.ndjson'));
    expect((await start().ended).code).toBe(0);
    expect(await sortedResults(join(folder, 'out'))).toEqual(undisturbed);
  });

  test('results that are gone for good are not written anew from the middle: it ends with 1, the code and what to do', async () => {
    const running = start('--speed', SLOW);
    await untilWritten('hourly.ndjson', { times: 3 }); // the last record is applied once more: with one alone nothing would be missing
    running.child.kill('SIGINT');
    await running.ended;
    for (const name of await readdir(join(folder, 'out'))) if (name.includes('hourly')) await rm(join(folder, 'out', name));
    const next = await start().ended;
    expect(next.code).toBe(1);
    expect(next.stdout).toMatch(/✗ flights failed after .*: MR4002/);
    expect(next.stdout).toContain('hourly.ndjson');
    expect(next.stdout).toContain('--fresh');
  });
});

describe('two runs of one name', () => {
  test('with one data folder: the second is refused, the first goes on', async () => {
    const running = start('--speed', SPEED);
    await untilSaid(running, /running flights/);
    const second = await start('--speed', SPEED).ended;
    expect(second.stderr).toMatch(new RegExp(`^MR1006 .*job flights is already run by process ${running.child.pid}`));
    expect(second.code).toBe(3);
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
  });

  test('on one server: the second is refused, the first goes on; under another name it may run', async () => {
    const server = await startTestServer();
    try {
      const running = start('--nats', server.url, '--speed', SPEED);
      await untilSaid(running, /running flights/);
      const second = await start('--nats', server.url).ended;
      expect(second.stderr).toMatch(new RegExp(`^MR1006 .*job flights is already run by process ${running.child.pid}`));
      expect(second.code).toBe(3);
      running.child.kill('SIGINT');
      expect((await running.ended).code).toBe(130);
    } finally {
      await server.stop();
    }
  });
});

describe('--report json', () => {
  test('is one line on stdout, and its counts are those of the input and the files', async () => {
    const { code, stdout, stderr } = await start('--report', 'json', '--workers', '2').ended;
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toContain('✓ flights completed');
    const report = JSON.parse(stdout) as FinalReport;
    expect(report).toMatchObject({
      job: 'flights',
      ending: 'completed',
      failure: null,
      workers: 2,
      eventsIn: ROWS,
      eventsInThisRun: ROWS,
      deadLetters: 0,
      late: 0,
      recoveries: 0,
      isContinued: false,
    });
    for (const name of RESULTS) {
      const lines = undisturbed[`${name}.ndjson`]?.length;
      for (const sink of ['file', 'subject'])
        expect(report.stages.find(({ stage }) => stage === `${name}-${sink}`)).toMatchObject({ eventsIn: lines, eventsOut: lines });
    }
    expect(report.eventsOut).toBe(2 * Object.values(undisturbed).reduce((sum, lines) => sum + lines.length, 0));
    expect(report.commitMs.p99).toBeGreaterThan(0);
    expect(report.endToEndMs.p50).toBeGreaterThan(0);
    expect(report.peakMemoryBytes).toBeGreaterThan(10 * 1024 * 1024);
    expect(report.eventsInPerS).toBeCloseTo(ROWS / (report.elapsedMs / 1000), -1);
  });

  test('counts rows that are none as dead letters, and shows the first', async () => {
    const rows = (await readFile(join(shared, 'rows.csv'), 'utf8')).split('\n');
    rows[10] = rows[10]?.split(',').slice(0, 5).join(',') ?? '';
    rows[20] = rows[20]?.replace(/,[^,]*$/, ',yesterday') ?? '';
    await writeFile(join(folder, 'broken.csv'), rows.join('\n'));
    const { code, stdout, stderr } = await runCommand(
      ['run', JOB, '--set', 'flights=broken.csv', '--data', 'data', '--out', 'out', '--report', 'json'],
      { cwd: folder },
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout) as FinalReport).toMatchObject({
      eventsIn: ROWS,
      deadLetters: 2,
      firstDeadLetter: { code: 'MR3001', at: 'flights', place: 'line 11' },
    });
    expect(stderr).toMatch(/! 2 dead letters: events that were not processed\n {2}first: MR3001 /);
    expect((await readFile(join(folder, 'out', 'dead-letters.ndjson'), 'utf8')).trimEnd().split('\n')).toHaveLength(2);
  });

  test('is the only thing on stdout, whatever code of the job prints', async () => {
    await writeFile(join(folder, 'rows.ndjson'), '{"n":1}\n{"n":2}\n');
    await writeFile(join(folder, 'job.ts'), LOUD_JOB);
    const { code, stdout, stderr } = await runCommand(['run', 'job.ts', '--report', 'json'], { cwd: folder });
    expect(code).toBe(0);
    expect(JSON.parse(stdout) as FinalReport).toMatchObject({ job: 'loud', eventsIn: 2, eventsOut: 2 });
    expect(stderr).toMatch(/^worker 0: seen 1$/m);
  });
});

describe('what is asked for and cannot be had', () => {
  test('a server that nobody runs: 3', async () => {
    const url = `nats://127.0.0.1:${await freePort()}`;
    const { code, stdout, stderr } = await start('--nats', url).ended;
    expect(stderr).toMatch(new RegExp(`^MR1003 NatsUnreachable: cannot reach NATS at ${url}: connection refused\n {2}Check`));
    expect([code, stdout]).toEqual([3, '']);
  });

  test('a server without JetStream: 3, and what it lacks', async () => {
    await withPlainServer(async (url) => {
      const { code, stdout, stderr } = await start('--nats', url).ended;
      expect(stderr).toMatch(/^MR1005 JetStreamMissing: .*; nothing was created\n/);
      expect([code, stdout]).toEqual([3, '']);
    });
  });

  test('an input that is not there: 3, and where it was looked for', async () => {
    const { code, stderr } = await runCommand(['run', JOB, '--set', 'flights=/none/rows.csv'], { cwd: folder });
    expect(stderr).toMatch(/^MR1001 FileUnreadable: cannot read \/none\/rows\.csv/);
    expect(code).toBe(3);
  });

  test('a folder for results that is a file: 3', async () => {
    await writeFile(join(folder, 'out'), '');
    const { code, stderr } = await start().ended;
    expect(stderr).toMatch(/^MR1009 FolderUnwritable: results cannot be written in .*out: /);
    expect(code).toBe(3);
  });
});

describe('what is declared wrong', () => {
  test('all mistakes of a job at once: 2, nothing is started', async () => {
    const text = (await readFile(JOB, 'utf8')).replace('keyBy: event.origin', 'keyBy: event.orign').replace('gap: 12h', 'gap: twelve');
    await writeFile(join(folder, 'job.yaml'), text);
    const { code, stdout, stderr } = await runCommand(['run', 'job.yaml'], { cwd: folder });
    expect(stderr).toMatch(/^job\.yaml: \d+ mistakes\n/);
    expect(stderr).toContain('did you mean origin?');
    expect(stderr).toContain('"twelve"');
    expect([code, stdout]).toEqual([2, '']);
    expect((await readdir(folder)).sort()).toEqual(['job.yaml']);
  });

  test('all sources that cannot be read are told at once: 2', async () => {
    const source = (name: string): object => ({ name, nats: { subjects: [`${name}.>`] } });
    const stages = [{ name: 'both', from: ['clicks', 'tiers'], filter: 'true' }];
    const spec = { sources: [source('clicks'), source('tiers')], stages, sinks: [{ name: 'out', from: 'both', journal: {} }] };
    const job = { apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'unread' }, spec };
    await writeFile(join(folder, 'job.json'), JSON.stringify(job));
    const { code, stderr } = await runCommand(['run', 'job.json'], { cwd: folder });
    for (const name of ['clicks', 'tiers'])
      expect(stderr).toContain(`source ${name}: nats.subjects[0]: no stream holds the subject "${name}.>"`);
    expect(code).toBe(2);
  });

  test.each([
    { args: ['--workers', '0'], says: 'must be a whole number from 1 to 256' },
    { args: ['--speed', 'fast'], says: 'must be a factor such as 3600x, not "fast"' },
    { args: ['--set', 'flights'], says: 'must be name=value, not "flights"' },
    { args: ['--name', 'Last Year'], says: '--name: "Last Year" must be lower-case letters, digits and dashes' },
    { args: ['--sped', '2x'], says: '(Did you mean --speed?)' },
  ])('$args: 2', async ({ args, says }) => {
    const { code, stderr } = await runCommand(['run', JOB, ...args], { cwd: folder });
    expect(stderr).toContain(says);
    expect(code).toBe(2);
  });
});

const LOUD_JOB = `
import { file, job } from 'millrace';
export const loud = job('loud', (j) => {
  j.source('rows', file({ path: 'rows.ndjson', schema: { n: 'int' } }))
    .filter((row) => { console.log('seen ' + row.n); return true; })
    .toFile('rows-out.ndjson');
});
`;

/** The flights job over the few rows, with data and results in this test's folder. */
function start(...args: string[]): Command {
  return startCommand(['run', JOB, '--set', `flights=${join(shared, 'rows.csv')}`, '--data', 'data', '--out', 'out', ...args], {
    cwd: folder,
  });
}

async function untilWritten(name: string, { times } = { times: 1 }): Promise<void> {
  const sizes = new Set<number>();
  const look = async (): Promise<void> => {
    const { size } = await stat(join(folder, 'out', name));
    if (size > 0) sizes.add(size);
    expect(sizes.size).toBeGreaterThanOrEqual(times);
  };
  await vi.waitFor(look, { timeout: 60_000, interval: 20 });
}

async function untilSaid(command: Command, text: RegExp): Promise<void> {
  await vi.waitFor(() => expect(command.stdout()).toMatch(text), { timeout: 60_000, interval: 20 });
}

async function sortedResults(outDir: string): Promise<Record<string, string[]>> {
  const results: Record<string, string[]> = {};
  for (const name of (await readdir(outDir)).filter((file) => RESULTS.includes(file.replace('.ndjson', '')))) {
    results[name] = (await readFile(join(outDir, name), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .sort();
  }
  return results;
}

/** A nats-server as it comes, without JetStream. */
async function withPlainServer(use: (url: string) => Promise<void>): Promise<void> {
  const port = await freePort();
  const server = spawn(findNatsServer().path, ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  try {
    await vi.waitFor(() => canConnect(port), { timeout: 90_000, interval: 50 });
    await use(`nats://127.0.0.1:${port}`);
  } finally {
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
}

async function canConnect(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
