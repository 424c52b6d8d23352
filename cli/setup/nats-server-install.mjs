// Gets a nats-server into the cache folder when none is there: built with Go, else the official release.
//
// Plain JavaScript without dependencies. N1 to N3 are in nats-server.mjs.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { cachedPath, executableName, lookAround, NatsServerNotFound, onPath, versionOf, versionPinned } from './nats-server.mjs';
import { fileInTar } from './tar.mjs';

const buildTimeoutMs = 900_000;
const downloadTimeoutMs = 300_000;
const progressMs = 10_000;
/** A release's archive has 7 MB; what is far larger is not one. */
const archiveBytesMax = 200_000_000;
const releasesUrl = 'https://github.com/nats-io/nats-server/releases/download';

/** @typedef {import('./nats-server.mjs').NatsServer} NatsServer */
/** @typedef {import('./nats-server.mjs').Environment} Environment */

/**
 * The nats-server to use; gets one when there is none. Throws NatsServerNotFound with everything that was tried.
 * Several processes may do this at once: each works in a folder of its own, and the last step is a rename.
 * @param {{ log: (line: string) => void, environment?: Environment }} options
 * @returns {Promise<NatsServer>}
 */
export async function ensureNatsServer({ log, environment = process.env }) {
  const { server, tried } = lookAround(environment);
  if (server !== null) return server;
  if (environment['MILLRACE_NATS_SERVER']) throw new NatsServerNotFound(tried);
  const target = cachedPath(environment);
  const work = `${dirname(target)}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
  try {
    mkdirSync(work, { recursive: true });
    for (const [origin, get] of /** @type {const} */ ([
      ['go', buildWithGo],
      ['release', download],
    ])) {
      try {
        const version = publish(await get(work, environment, log), target);
        log(`nats-server ${version} is ready`);
        return { path: target, version, origin };
      } catch (error) {
        tried.push(`${origin}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  } catch (error) {
    tried.push(`cache: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  throw new NatsServerNotFound(tried);
}

/**
 * N2: checks that `path` runs and is the pinned version, then lets it appear in the cache.
 * @param {string} path
 * @param {string} target
 */
function publish(path, target) {
  const version = versionOf(path);
  if (version !== versionPinned)
    throw new Error(version === null ? 'the result does not run here' : `the result is ${version}, not ${versionPinned}`);
  mkdirSync(dirname(target), { recursive: true });
  renameSync(path, target);
  return version;
}

/**
 * @param {string} work
 * @param {Environment} environment
 * @param {(line: string) => void} log
 */
async function buildWithGo(work, environment, log) {
  const go = onPath(environment, 'go')[0];
  if (go === undefined) throw new Error('no Go toolchain on the PATH');
  log(`building nats-server ${versionPinned} with ${go} (once, a minute or two)`);
  const startedMs = Date.now();
  const ticking = setInterval(() => log(`still building nats-server (${Math.round((Date.now() - startedMs) / 1000)} s)`), progressMs);
  try {
    const settings = { GOBIN: work, CGO_ENABLED: '0', GOFLAGS: '-trimpath', GOWORK: 'off', GO111MODULE: 'on' };
    // GOBIN with GOOS or GOARCH is an error, and the binary must run here.
    const { GOOS: _os, GOARCH: _arch, ...rest } = environment;
    await run(go, ['install', '-ldflags=-s -w', `github.com/nats-io/nats-server/v2@v${versionPinned}`], work, { ...rest, ...settings });
  } finally {
    clearInterval(ticking);
  }
  return join(work, executableName('nats-server'));
}

/**
 * Runs a program to its end; rejects with its last words when it fails or takes too long.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 * @param {Environment} env
 * @returns {Promise<void>}
 */
function run(program, args, cwd, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'], timeout: buildTimeoutMs, killSignal: 'SIGKILL' });
    let said = '';
    child.stderr.on('data', (bytes) => (said = (said + bytes).slice(-2000)));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve();
      const why = signal === null ? `exit code ${code}` : `ended by ${signal} (allowed: ${buildTimeoutMs / 1000} s)`;
      reject(new Error(`${why}: ${said.trim().split('\n').slice(-2).join(' | ')}`));
    });
  });
}

/**
 * @param {string} work
 * @param {Environment} environment
 * @param {(line: string) => void} log
 */
async function download(work, environment, log) {
  const base = (environment['MILLRACE_NATS_MIRROR'] || releasesUrl).replace(/\/+$/, '');
  const folder = `nats-server-v${versionPinned}-${releasePlatform()}`;
  const url = `${base}/v${versionPinned}/${folder}.tar.gz`;
  log(`downloading ${url}`);
  const sums = (await fetchBytes(`${base}/v${versionPinned}/SHA256SUMS`)).toString('utf8');
  const expected = checksumOf(sums, `${folder}.tar.gz`);
  const archive = await fetchBytes(url);
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== expected) throw new Error(`${url} has sha256 ${actual}, its release publishes ${expected}; it was not used`);
  const binary = fileInTar(gunzipSync(archive), executableName('nats-server'));
  if (binary === null) throw new Error(`${url} holds no ${executableName('nats-server')}`);
  const path = join(work, executableName('nats-server'));
  writeFileSync(path, binary);
  chmodSync(path, 0o755);
  return path;
}

/** This machine in the words of the release's file names. */
function releasePlatform() {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  /** @type {Record<string, string>} */
  const processors = { x64: 'amd64', ia32: '386', arm: 'arm7' };
  return `${system}-${processors[process.arch] ?? process.arch}`;
}

/**
 * @param {string} sums lines of `sha256  file`
 * @param {string} file
 */
function checksumOf(sums, file) {
  for (const line of sums.split('\n')) {
    const [sum, name] = line.trim().split(/\s+\*?/);
    if (name === file && /^[0-9a-f]{64}$/.test(sum ?? '')) return sum;
  }
  throw new Error(`SHA256SUMS of the release does not name ${file}: there is none for this platform`);
}

/** @param {string} url */
async function fetchBytes(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs) }).catch((error) => {
    throw new Error(`${url}: ${error.cause?.message || error.message}`);
  });
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  const parts = [];
  let sizeBytes = 0;
  for await (const part of response.body ?? []) {
    parts.push(part);
    sizeBytes += part.length;
    if (sizeBytes > archiveBytesMax) throw new Error(`${url}: more than ${archiveBytesMax} bytes`);
  }
  return Buffer.concat(parts);
}
