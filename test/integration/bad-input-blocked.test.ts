// Sinks that cannot write for a while: nothing is dropped, nobody else waits, memory stays bounded.

import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { TestContext } from 'vitest';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { NatsReader } from '../../runtime/adapters/nats/nats-reader.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { endCommands, startCommand } from '../support/command.ts';
import type { Command } from '../support/command.ts';
import { withFolder } from '../support/flights-run.ts';
import { jobText, readLines, runText } from '../support/job-run.ts';
import { startTestServer } from '../support/nats.ts';

afterEach(endCommands);

const WAIT = { timeout: 60_000, interval: 50 };

describe('a disk that is full', () => {
  const ROWS = 3_000;
  const DISK_JOB = jobText(
    'disk',
    `
  sources: [{ name: rows, file: { path: rows.ndjson } }]
  sinks:
    - { name: full, from: rows, file: { path: full/rows.ndjson } }
    - { name: free, from: rows, file: { path: free.ndjson } }
`,
  );

  test('holds up its own sink only; when there is space again, all is written once', (context) =>
    onFullDisk(context, async ({ running, free, out }) => {
      await vi.waitFor(async () => expect(numbersOf(await readLines(out, 'free.ndjson'))).toEqual(range(ROWS)), WAIT);
      expect(running.stdout()).toMatch(/MR4001 SinkBlocked: sink full cannot write .*ENOSPC.*nothing is dropped/);
      const file = await open(join(out, 'full', 'rows.ndjson')); // the disk lives as long as the command, or this
      try {
        await free();
        const { code, stdout } = await running.ended;
        expect(stdout).toContain('✓ disk completed');
        expect(code).toBe(0);
        expect(numbersOf(linesIn(await file.readFile('utf8')))).toEqual(range(ROWS));
      } finally {
        await file.close();
      }
    }));

  test('does not keep Ctrl-C waiting', (context) =>
    onFullDisk(context, async ({ running }) => {
      const askedMs = performance.now();
      running.child.kill('SIGINT');
      expect((await running.ended).code).toBe(130);
      expect(performance.now() - askedMs).toBeLessThan(60_000); // the disk stays full: who waits for it waits for ever
    }));

  type OnDisk = { readonly running: Command; readonly free: () => Promise<void>; /** As the command sees it. */ readonly out: string };

  /** Runs the job with a disk of 2 MB, nearly full, under out/full; calls `use` when the sink was refused. */
  async function onFullDisk(context: TestContext, use: (on: OnDisk) => Promise<void>): Promise<void> {
    const namespace = process.getuid?.() === 0 ? '-m' : '-rm';
    await withFolder(async (folder) => {
      const full = join(folder, 'out', 'full');
      await mkdir(full, { recursive: true });
      const able = await promisify(execFile)('unshare', [namespace, 'sh', '-c', 'mount -t tmpfs tmpfs "$1"', 'sh', full]).then(
        () => true,
        () => false,
      );
      if (!able) {
        console.warn('SKIPPED: no mount namespaces here, so no full disk of our own (needs root or user namespaces on Linux)');
        return context.skip();
      }
      await writeFile(
        join(folder, 'rows.ndjson'),
        range(ROWS)
          .map((n) => `${JSON.stringify({ n, text: 'x'.repeat(300) })}\n`)
          .join(''),
      );
      await writeFile(join(folder, 'job.yaml'), DISK_JOB);
      const mounted = 'mount -t tmpfs -o size=2m tmpfs "$0" && head -c 1800000 /dev/zero > "$0/filler" && exec "$@"';
      const running = startCommand(['run', 'job.yaml', '--out', 'out'], {
        cwd: folder,
        under: ['unshare', namespace, 'sh', '-c', mounted, full],
      });
      const out = join('/proc', String(running.child.pid), 'root', folder, 'out');
      await vi.waitFor(() => expect(running.stdout()).toContain('MR4001'), WAIT);
      await use({ running, free: () => rm(join(out, 'full', 'filler')), out });
    });
  }
});

describe('a sink that blocks for seconds', () => {
  const ROWS = 400_000;
  const ROW_BYTES = 1_000;
  /** All rows together are far more than what a worker may hold of them: credit, its heap between collections, and Node itself. */
  const MEMORY_BYTES_MAX = 500 * 1024 * 1024;
  const BLOCKED_MS = 4_000;
  const SLOW_JOB = jobText(
    'slow',
    `
  sources: [{ name: rows, file: { path: rows.ndjson.gz } }]
  sinks:
    - { name: slow, from: rows, nats: { subject: slow.out, stream: slow, batch: 1000 } }
`,
  );

  test('slows the source: memory stays bounded, nothing is dropped, all is written once', (context) =>
    withFolder(async (folder) => {
      if (process.platform !== 'linux') {
        console.warn('SKIPPED: the peak memory of a process is read from /proc, which only Linux has');
        return context.skip();
      }
      await writeRows(join(folder, 'rows.ndjson.gz'));
      const server = await startTestServer();
      const connection = await connectNats({ url: server.url, name: 'test' });
      try {
        const stream = { name: 'slow', subjects: ['slow.out'], retention: 'limits', storage: 'file', discard: 'new' };
        const api = (action: string, config: object): Promise<unknown> => callApi(Link.of(connection), `STREAM.${action}.slow`, config);
        expect(await api('CREATE', { ...stream, max_msgs: 10 })).toMatchObject({ kind: 'ok' });
        let pids: readonly number[] = [];
        const running = runText(
          folder,
          SLOW_JOB,
          { natsUrl: server.url, isolation: 'process' },
          { onWorkers: (_resize, now) => (pids = now()) },
        );
        await vi.waitFor(async () => expect(await countMessages(api)).toBe(10), WAIT);
        await new Promise((resolve) => setTimeout(resolve, BLOCKED_MS));
        expect(await countMessages(api)).toBe(10);
        const blocked = await peakBytes(pids[0]);
        expect(await api('UPDATE', { ...stream, max_msgs: -1 })).toMatchObject({ kind: 'ok' });
        const peak = await highest(() => peakBytes(pids[0]), running);
        const { outcome, logs } = await running;
        expect(outcome).toMatchObject({ ending: 'completed', report: { eventsIn: ROWS, eventsOut: ROWS, deadLetters: 0 } });
        expect(logs.join('\n')).toContain('MR4001 SinkBlocked: sink slow');
        expect(Math.max(blocked, peak)).toBeLessThan(MEMORY_BYTES_MAX);
        expect(await countRows(connection)).toEqual({ rows: ROWS, inOrder: ROWS });
      } finally {
        await connection.close();
        await server.stop();
      }
    }));

  /** 400 MB of rows, packed; made piece by piece. */
  async function writeRows(path: string): Promise<void> {
    const packed = createGzip({ level: 1 });
    const file = packed.pipe(createWriteStream(path));
    const padding = 'x'.repeat(ROW_BYTES - 30);
    for (let from = 0; from < ROWS; from += 1_000) {
      const piece = range(1_000).map((index) => `${JSON.stringify({ n: from + index, text: `${from + index}${padding}` })}\n`);
      if (!packed.write(piece.join(''))) await once(packed, 'drain');
    }
    packed.end();
    await once(file, 'close');
  }

  async function countMessages(api: (action: string, config: object) => Promise<unknown>): Promise<number> {
    const answer = (await api('INFO', {})) as { value: { state: { messages: number } } };
    return answer.value.state.messages;
  }
});

/** Highest memory that the process ever had; 0 when it is gone. */
async function peakBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

async function highest(measure: () => Promise<number>, until: Promise<unknown>): Promise<number> {
  let isOver = false;
  let found = 0;
  const over = until.finally(() => (isOver = true));
  while (!isOver) {
    found = Math.max(found, await measure());
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 100))]);
  }
  return found;
}

/** Rows of the subject, and how many of them follow the one before. */
async function countRows(connection: NatsConnection): Promise<{ rows: number; inOrder: number }> {
  const reader = new NatsReader(Link.of(connection), 'slow', { fromSequence: 1, subjects: ['slow.out'] });
  let [rows, inOrder] = [0, 0];
  for (;;) {
    const some = await reader.next({ bytesMax: 4_000_000, waitMs: 500 });
    if (some.length === 0) break;
    for (const { bytes } of some)
      for (const row of linesIn(Buffer.from(bytes).toString())) if ((row as { n: number }).n === rows++) inOrder++;
  }
  await reader.close();
  return { rows, inOrder };
}

function linesIn(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function numbersOf(values: readonly unknown[]): number[] {
  return values.map((value) => (value as { n: number }).n).sort((a, b) => a - b);
}
