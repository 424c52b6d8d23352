import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileInTar } from './tar.mjs';
import { tarOf } from './tar-sample.ts';

test('a file is found by its base name, whatever stands before it', () => {
  const archive = tarOf({ 'a/README.md': 'x'.repeat(1500), 'a/nats-server': 'the binary' });
  expect(fileInTar(archive, 'nats-server')?.toString()).toBe('the binary');
});

test.each([
  { fact: 'an archive without the file', archive: tarOf({ 'a/other': 'text' }) },
  { fact: 'an empty archive', archive: tarOf({}) },
  { fact: 'an archive that is cut short', archive: tarOf({ 'a/nats-server': 'x'.repeat(5000) }).subarray(0, 2000) },
  { fact: 'bytes that are no archive', archive: Buffer.alloc(4096, 'no tar ') },
])('$fact gives nothing', ({ archive }) => expect(fileInTar(archive, 'nats-server')).toBeNull());

test("an archive of the system's own tar is read, folders and all", () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tar-'));
  try {
    mkdirSync(join(folder, 'release'));
    writeFileSync(join(folder, 'release', 'nats-server'), 'the binary');
    const archive = execFileSync('tar', ['-C', folder, '-cf', '-', 'release']);
    expect(fileInTar(archive, 'nats-server')?.toString()).toBe('the binary');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
