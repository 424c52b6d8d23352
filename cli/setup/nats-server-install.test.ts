// Getting a nats-server: from a fake Go toolchain, and from a fake release that a server on the loopback gives out.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { catalogue } from '../../runtime/base/error-catalogue.ts';
import { freePort } from '../local/server-process.ts';
import { ensureNatsServer } from './nats-server-install.mjs';
import { cachedPath, NatsServerNotFound, versionPinned } from './nats-server.mjs';
import { natsServerNotFoundFix } from './setup.mjs';
import { tarOf } from './tar-sample.ts';

const goodServer = `#!/bin/sh\necho "nats-server: v${versionPinned}"\n`;
const processors: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };
const archiveName = `nats-server-v${versionPinned}-${process.platform}-${processors[process.arch] ?? process.arch}.tar.gz`;
let folder = '';
let mirror: Server | null = null;
let asked: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-install-'));
  asked = [];
});
afterEach(() => {
  mirror?.close();
  mirror = null;
  rmSync(folder, { recursive: true, force: true });
});

test('a release is taken when its bytes have the published checksum', async () => {
  const server = await ensure({ release: goodServer });
  expect(server).toEqual({ path: cachedPath(settings()), version: versionPinned, origin: 'release' });
  expect(readFileSync(server.path, 'utf8')).toBe(goodServer);
  expect(asked).toEqual([`/v${versionPinned}/SHA256SUMS`, `/v${versionPinned}/${archiveName}`]);
});

test.each([
  {
    fact: 'other bytes than the checksum says are refused',
    give: { release: goodServer, sums: `${'0'.repeat(64)}  ${archiveName}\n` },
    says: /has sha256 [0-9a-f]{64}, its release publishes 0{64}; it was not used/,
  },
  {
    fact: 'a release without this platform is told as such',
    give: { release: goodServer, sums: `${'0'.repeat(64)}  other.tar.gz\n` },
    says: /does not name .*: there is none for this platform/,
  },
  { fact: 'a mirror that lacks the files is told with its status', give: {}, says: /release: http:.*SHA256SUMS: HTTP 404/ },
  { fact: 'an archive without a server is told as such', give: { release: null }, says: /holds no nats-server/ },
  {
    fact: 'a binary that does not run here is refused',
    give: { release: '#!/bin/sh\nexit 1\n' },
    says: /release: the result does not run here/,
  },
  {
    fact: 'a binary of another version is refused',
    give: { release: '#!/bin/sh\necho "nats-server: v2.1.0"\n' },
    says: /release: the result is 2\.1\.0, not/,
  },
])('$fact, and the cache stays empty', async ({ give, says }) => {
  expect((await failure(give)).message).toMatch(says);
  expect(existsSync(cachedPath(settings()))).toBe(false);
  expect(readdirSync(join(folder, 'cache'))).toEqual([]);
});

test('a mirror that can not be reached is told with the cause', async () => {
  const environment = { ...settings(), MILLRACE_NATS_MIRROR: `http://127.0.0.1:${await freePort()}` };
  const error: unknown = await ensureNatsServer({ log: () => {}, environment }).catch((reason: unknown) => reason);
  expect(String(error)).toMatch(/release: http:\S+SHA256SUMS: .*ECONNREFUSED/);
});

test('Go comes before the release, and builds the exact version', async () => {
  fakeGo(
    `echo "$@" > ${join(folder, 'arguments')}\nprintf '${goodServer.replaceAll('\n', '\\n')}' > "$GOBIN/nats-server"\n/bin/chmod 755 "$GOBIN/nats-server"`,
  );
  expect(await ensure({ release: goodServer })).toMatchObject({ origin: 'go', version: versionPinned });
  expect(readFileSync(join(folder, 'arguments'), 'utf8')).toContain(`github.com/nats-io/nats-server/v2@v${versionPinned}`);
  expect(asked).toEqual([]);
});

test('when the build fails the release is tried', async () => {
  fakeGo('echo "go: no network" >&2; exit 1');
  expect(await ensure({ release: goodServer })).toMatchObject({ origin: 'release' });
});

test('when all fails every way is told with its reason', async () => {
  fakeGo('echo "go: no network" >&2; exit 1');
  expect((await failure({})).tried).toEqual([
    'PATH: no nats-server there',
    `cache: no ${cachedPath(settings())}`,
    'go: exit code 1: go: no network',
    expect.stringContaining('HTTP 404') as string,
  ]);
});

test('several at once all get it whole', async () => {
  await startMirror({ release: goodServer });
  const servers = await Promise.all(Array.from({ length: 5 }, () => ensureNatsServer({ log: () => {}, environment: settings() })));
  for (const server of servers) expect(readFileSync(server.path, 'utf8')).toBe(goodServer);
  expect(readdirSync(join(folder, 'cache'))).toHaveLength(1);
});

test('set-up gives the same advice as the error catalogue', () => expect(natsServerNotFoundFix).toBe(catalogue.MR1002.fix));

/** What the mirror holds: an archive with a nats-server of that text (null: with none), and other checksums than true ones. */
type Release = { readonly release?: string | null; readonly sums?: string };

async function ensure(release: Release): ReturnType<typeof ensureNatsServer> {
  await startMirror(release);
  return ensureNatsServer({ log: () => {}, environment: settings() });
}

async function failure(release: Release): Promise<NatsServerNotFound> {
  const error: unknown = await ensure(release).catch((reason: unknown) => reason);
  if (error instanceof NatsServerNotFound) return error;
  throw new Error('it did not fail', { cause: error });
}

function settings(): Record<string, string> {
  const port = (mirror?.address() as AddressInfo | undefined)?.port ?? 1;
  return { PATH: join(folder, 'bin'), MILLRACE_CACHE: join(folder, 'cache'), MILLRACE_NATS_MIRROR: `http://127.0.0.1:${port}/` };
}

async function startMirror({ release, sums }: Release): Promise<void> {
  const archive =
    release === undefined
      ? null
      : gzipSync(tarOf({ 'nats-server-v/README.md': 'read me', ...(release === null ? {} : { 'nats-server-v/nats-server': release }) }));
  const published = archive === null ? null : (sums ?? `${createHash('sha256').update(archive).digest('hex')}  ${archiveName}\n`);
  mirror = createServer((request, response) => {
    asked.push(request.url ?? '');
    const body = request.url?.endsWith('/SHA256SUMS') === true ? published : archive;
    response.writeHead(body === null ? 404 : 200).end(body);
  }).listen(0, '127.0.0.1');
  await once(mirror, 'listening');
}

function fakeGo(script: string): void {
  const path = join(folder, 'bin', 'go');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
