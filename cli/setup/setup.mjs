// Set-up: makes this folder ready to run on a machine that has only Node (20 or later) and npm.
//
// Plain JavaScript without dependencies. Says what it does while it works; when nothing is to do it says nothing and
// takes no time. Several at once wait for each other.
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { claim } from './lock.mjs';
import { ensureNode, isNodeChecked } from './node-install.mjs';
import { repositoryFolder } from './node-runtime.mjs';
import { lookAround, NatsServerNotFound } from './nats-server.mjs';
import { ensureNatsServer } from './nats-server-install.mjs';
import { installPackages, packagesProblem } from './packages.mjs';

const waitMs = 200;
const waitTimeoutMs = 2_400_000;

/** What the error catalogue says to MR1002, which is TypeScript and can't be read yet; a test holds the two equal. */
export const natsServerNotFoundFix =
  'Put nats-server on the PATH or name it in MILLRACE_NATS_SERVER; or install Go, or let this machine reach github.com or a mirror of its releases (MILLRACE_NATS_MIRROR), and run `npm start` again; or give --nats URL of a running server.';

/** @param {string} line */
const log = (line) => console.error(`Millrace set-up: ${line}`);

if (import.meta.main ?? process.argv[1]?.endsWith('setup.mjs')) process.exitCode = await main();

async function main() {
  try {
    if (!isReady()) await setUp();
    return 0;
  } catch (error) {
    console.error(`Millrace set-up failed: ${explain(error)}`);
    return 3;
  }
}

function isReady() {
  return packagesProblem(repositoryFolder) === null && isNodeChecked() && lookAround(process.env).server !== null;
}

async function setUp() {
  const lock = await waitForTurn();
  try {
    const problem = packagesProblem(repositoryFolder);
    if (problem !== null) await installPackages({ root: repositoryFolder, log });
    if (!isNodeChecked()) await ensureNode({ log });
    await ensureNatsServer({ log });
    log('done');
  } finally {
    lock.release();
  }
}

async function waitForTurn() {
  const deadlineMs = Date.now() + waitTimeoutMs;
  for (let turn = 0; ; turn++) {
    const lock = claim(join(repositoryFolder, '.cache'), 'setup');
    if (lock.kind === 'mine') return lock;
    if (Date.now() > deadlineMs)
      throw new Error(
        `process ${lock.by.pid} sets this folder up since ${new Date(lock.by.sinceMs).toISOString()} and does not end; end it and try again`,
      );
    if (turn === 0) log(`waiting for process ${lock.by.pid}, which sets this folder up already`);
    await sleep(waitMs);
  }
}

/** @param {unknown} error */
function explain(error) {
  if (error instanceof NatsServerNotFound) return `${error.code} NatsServerNotFound: ${error.message}\n  ${natsServerNotFoundFix}`;
  return error instanceof Error ? error.message : String(error);
}
