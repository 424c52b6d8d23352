import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isError } from '../../base/errors.ts';
import type { Batch } from '../../event/batch.ts';
import type { SinkRecord, SinkState, SinkWriter } from '../sink.ts';
import { makeFileSink } from './file-sink.ts';

let folder = '';
let out = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-sink-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
let cases = 0;
beforeEach(async () => {
  out = join(folder, `out-${cases++}`);
  await mkdir(out);
});

let ids = 0;
const uniqueId = (): string => `u${ids++}`;
const path = 'deep/er/hourly.ndjson';
const results = (): Promise<string> => readFile(join(out, path), 'utf8');

function connector(runId = 'run1') {
  return makeFileSink({ name: 'hourly', from: 'x', file: { path, format: 'ndjson' } }, { outDir: out, runId, uniqueId });
}

function batch(values: readonly unknown[]): Batch {
  return { values, times: values.map(() => 5), keys: null, ingestMs: 0 };
}

/** Records with one line a value, one behind the other, as a task would commit them. */
function records(writer: SinkWriter, values: readonly (readonly unknown[])[]): readonly SinkRecord[] {
  let before: SinkState = connector().initial;
  return values.map((some, index) => {
    const { payload, count, after } = writer.prepare([batch(some)], before);
    const record = { number: index + 1, payload, count, before, after };
    before = after;
    return record;
  });
}

const VALUES = [[{ a: 1 }, { a: 2 }], [{ b: 'x'.repeat(50) }], [], [{ c: 3 }]];
const WHOLE = `{"a":1}\n{"a":2}\n{"b":"${'x'.repeat(50)}"}\n{"c":3}\n`;

test('records are lines, and the folders are made', async () => {
  const writer = await connector().open(0);
  for (const record of records(writer, VALUES)) await writer.apply(record);
  await writer.finish();
  await writer.close();
  expect(await results()).toBe(WHOLE);
});

test('a record applied twice, or by a zombie after newer ones, changes nothing', async () => {
  const [zombie, owner] = [await connector().open(0), await connector().open(0)];
  const all = records(owner, VALUES);
  await zombie.apply(all[0]!);
  for (const record of all) await owner.apply(record);
  for (const record of all) await zombie.apply(record);
  await zombie.finish();
  await zombie.apply(all[0]!);
  for (const record of [all[3]!, all[1]!]) await owner.apply(record);
  await owner.finish();
  expect(await results()).toBe(WHOLE);
  for (const writer of [zombie, owner]) await writer.close();
});

test('an owner that died in the middle of a record is followed by one that writes it whole', async () => {
  const first = await connector().open(0);
  const all = records(first, VALUES);
  await first.apply(all[0]!);
  const half = { ...all[1]!, payload: all[1]!.payload.subarray(0, 10), after: { offset: Number(all[1]!.before['offset']) + 10 } };
  await first.apply(half);
  await first.close();
  expect((await results()).length).toBe(26);
  const next = await connector().open(0);
  for (const record of all.slice(1)) await next.apply(record);
  await next.finish();
  await next.close();
  expect(await results()).toBe(WHOLE);
});

test('a run killed behind its last write goes on: finishing and applying again change nothing', async () => {
  for (let life = 0; life < 3; life++) {
    const writer = await connector().open(0);
    const all = records(writer, VALUES);
    for (const record of life === 0 ? all : all.slice(-1)) await writer.apply(record);
    await writer.finish();
    await writer.finish();
    await writer.close();
  }
  expect(await results()).toBe(WHOLE);
});

describe('a fresh run', () => {
  test('replaces what an earlier run or anyone else left, also when it is longer', async () => {
    await mkdir(join(out, 'deep/er'), { recursive: true });
    await writeFile(join(out, path), 'old\n'.repeat(1000));
    for (const runId of ['run1', 'run2']) {
      const writer = await connector(runId).open(0);
      for (const record of records(writer, VALUES)) await writer.apply(record);
      await writer.finish();
      await writer.close();
      expect(await results()).toBe(WHOLE);
    }
    expect((await readdir(join(out, 'deep/er'))).sort()).toEqual(['.hourly.ndjson.millrace-run2', 'hourly.ndjson']);
  });

  test('without results leaves an empty file, not the old one', async () => {
    await mkdir(join(out, 'deep/er'), { recursive: true });
    await writeFile(join(out, path), 'old\n');
    const writer = await connector().open(0);
    await writer.finish();
    await writer.close();
    expect(await results()).toBe('');
  });

  test('is not touched by a zombie of the run before', async () => {
    const zombie = await connector('run1').open(0);
    const all = records(zombie, VALUES);
    await zombie.apply(all[0]!);
    const owner = await connector('run2').open(0);
    for (const record of all) await owner.apply(record);
    await zombie.apply({ ...all[1]!, payload: all[1]!.payload.map(() => 0x7a) });
    await owner.finish();
    expect(await results()).toBe(WHOLE);
    for (const writer of [zombie, owner]) await writer.close();
  });
});

describe('results that someone took away are not replaced by holes', () => {
  test.each<{ fact: string; harm: () => Promise<void>; says: string }>([
    { fact: 'the folder was removed', harm: () => rm(join(out, 'deep'), { recursive: true }), says: 'are gone' },
    { fact: 'the file was cut', harm: () => truncate(join(out, path), 3), says: 'has 3 bytes, but 16 were written' },
  ])('$fact: the sink stops', async ({ harm, says }) => {
    const writer = await connector().open(0);
    const all = records(writer, VALUES);
    await writer.apply(all[0]!);
    await writer.close();
    await harm();
    const error = await (await connector().open(0)).apply(all[1]!).catch((caught: unknown) => caught);
    expect(isError(error, 'MR4002') && error.message).toContain(says);
  });

  test('only the name was removed: it comes back', async () => {
    const writer = await connector().open(0);
    const all = records(writer, VALUES);
    await writer.apply(all[0]!);
    await writer.close();
    await unlink(join(out, path));
    const next = await connector().open(0);
    for (const record of all.slice(1)) await next.apply(record);
    expect(await results()).toBe(WHOLE);
    await next.close();
  });
});

test('a folder in the place of the file is a conflict', async () => {
  await mkdir(join(out, path), { recursive: true });
  const writer = await connector().open(0);
  const error = await writer.apply(records(writer, VALUES)[0]!).catch((caught: unknown) => caught);
  expect(isError(error, 'MR4002') && error.message).toContain("can't be a file");
});

test.skipIf(process.getuid?.() === 0)('a folder without permission is tried again', async () => {
  await chmod(out, 0o500);
  const writer = await connector().open(0);
  const all = records(writer, VALUES);
  const error = await writer.apply(all[0]!).catch((caught: unknown) => caught);
  expect(isError(error, 'MR4001')).toBe(true);
  await chmod(out, 0o700);
  for (const record of all) await writer.apply(record);
  expect(await results()).toBe(WHOLE);
  await writer.close();
});

test('an event that has no JSON is returned with its problem, the others are written', () => {
  let deep: unknown = 1n;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  return connector()
    .open(0)
    .then((writer) => {
      const prepared = writer.prepare([batch([1, deep, { x: 2n }])], { offset: 7 });
      expect([prepared.count, Buffer.from(prepared.payload).toString(), prepared.after]).toEqual([2, '1\n{"x":2}\n', { offset: 17 }]);
      expect(prepared.failed.map(({ timeMs, problem }) => [timeMs, problem.slice(0, 25)])).toEqual([[5, 'cannot be written as JSON']]);
    });
});

test('partitions have files of their own', async () => {
  const writers = [await connector().open(0), await connector().open(1)];
  for (const writer of writers) {
    await writer.apply(records(writer, VALUES)[0]!);
    await writer.close();
  }
  expect(await readFile(join(out, 'deep/er/hourly-1.ndjson'), 'utf8')).toBe('{"a":1}\n{"a":2}\n');
});

test('a full disk: the sink waits, and goes on without loss when there is space', async (context) => {
  const probe = join(import.meta.dirname, 'full-disk-probe.ts');
  const mounted = 'mount -t tmpfs -o size=256k tmpfs "$1" && exec "$2" "$3" "$1"';
  const run = promisify(execFile);
  const namespace = process.getuid?.() === 0 ? '-m' : '-rm';
  const able = await run('unshare', [namespace, 'sh', '-c', 'mount -t tmpfs tmpfs "$1"', 'sh', out]).then(
    () => true,
    () => false,
  );
  if (!able) {
    console.warn('SKIPPED: no mount namespaces here, so no full disk of our own (needs root or user namespaces on Linux)');
    context.skip();
  }
  const { stdout } = await run('unshare', [namespace, 'sh', '-c', mounted, 'sh', out, process.execPath, probe], { timeout: 100_000 });
  expect(JSON.parse(stdout)).toEqual({ full: 'MR4001', problem: expect.stringContaining('ENOSPC'), same: true });
});
