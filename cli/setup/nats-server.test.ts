import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cachedPath, findNatsServer, isAtLeast, NatsServerNotFound, versionMinimum } from './nats-server.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-find-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  { version: '2.15.2', minimum: '2.15.2', is: true },
  { version: '2.15.10', minimum: '2.15.2', is: true },
  { version: '2.16.0', minimum: '2.15.2', is: true },
  { version: '3.0.0', minimum: '2.15.2', is: true },
  { version: '2.15.1', minimum: '2.15.2', is: false },
  { version: '2.9.30', minimum: '2.15.2', is: false },
  { version: '2.15.2-RC.1', minimum: '2.15.2', is: false },
  { version: '2.16.0-RC.1', minimum: '2.15.2', is: true },
])('$version is at least $minimum: $is', ({ version, minimum, is }) => expect(isAtLeast(version, minimum)).toBe(is));

test('one on the PATH is taken when it is new enough', () => {
  const path = program('bin', 'echo "nats-server: v2.16.3"');
  expect(findNatsServer(environment(['bin']))).toEqual({ path, version: '2.16.3', origin: 'path' });
});

test('an old one on the PATH does not hide a newer one after it', () => {
  program('old', 'echo "nats-server: v2.10.0"');
  const path = program('new', 'echo "nats-server: v2.15.2"');
  expect(findNatsServer(environment(['old', 'new'])).path).toBe(path);
});

test('an old one on the PATH is passed over for the one in the cache', () => {
  program('old', 'echo "nats-server: v2.10.0"');
  const settings = environment(['old']);
  mkdirSync(dirname(cachedPath(settings)), { recursive: true });
  writeFileSync(cachedPath(settings), '', { mode: 0o755 });
  expect(findNatsServer(settings)).toEqual({ path: cachedPath(settings), version: '2.15.2', origin: 'cache' });
});

test('the one that MILLRACE_NATS_SERVER names is the only one that counts', () => {
  program('bin', 'echo "nats-server: v2.16.3"');
  const named = program('named', 'echo "nats-server: v2.1.0"');
  const tried = triedWith({ ...environment(['bin']), MILLRACE_NATS_SERVER: named });
  expect(tried).toEqual([`$MILLRACE_NATS_SERVER: ${named} is 2.1.0, too old`]);
});

test('what was tried is told, all of it', () => {
  const old = program('old', 'echo "nats-server: v2.10.0"');
  const broken = program('broken', 'exit 1');
  const settings = environment(['old', 'broken', 'no-such-folder']);
  expect(triedWith(settings)).toEqual([
    `PATH: ${old} is 2.10.0, too old`,
    `PATH: ${broken} is no nats-server that runs here`,
    `cache: no ${cachedPath(settings)}`,
  ]);
});

test('without any the PATH is named too', () => {
  const settings = environment([]);
  expect(triedWith(settings)).toEqual(['PATH: no nats-server there', `cache: no ${cachedPath(settings)}`]);
});

/** A nats-server of that behaviour in the folder `name`. */
function program(name: string, script: string): string {
  const path = join(folder, name, 'nats-server');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

function environment(path: readonly string[]): Record<string, string> {
  return { PATH: path.map((name) => join(folder, name)).join(':'), MILLRACE_CACHE: join(folder, 'cache') };
}

function triedWith(settings: Record<string, string>): readonly string[] {
  try {
    findNatsServer(settings);
  } catch (error) {
    if (!(error instanceof NatsServerNotFound)) throw error;
    expect(error.message).toContain(`no nats-server of at least ${versionMinimum}`);
    return error.tried;
  }
  throw new Error('it found one');
}
