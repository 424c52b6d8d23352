// A small process between Millrace and its nats-server, so that the server never outlives the one who started it.
//
// Plain JavaScript: it starts faster so. Its one argument is JSON: { binary, args, logPath, restartsMax }.
//   P1. When the IPC channel to the parent closes (the parent ended, even by SIGKILL), the server is ended too.
//   P2. SIGTERM first, SIGKILL after stopGraceMs: stopping is bounded.
//   P3. A server that died after it had been ready is started again on the same port and store: restartsMax times,
//       counted anew when it has lived for stableMs.
// Tells the parent: { kind: 'started', pid } and { kind: 'died', reason }. The parent sends 'ready' when it answers.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

const stopGraceMs = 15_000;
const restartDelayMs = 50;
const stableMs = 60_000;

/** @type {{ binary: string, args: string[], logPath: string, restartsMax: number }} */
const options = JSON.parse(process.argv[2] ?? '{}');
/** @type {import('node:child_process').ChildProcess | null} */
let server = null;
let isStopping = false;
let isReady = false;
let restartsLeft = options.restartsMax;
let startedMs = 0;

process.on('disconnect', stop);
process.on('message', () => (isReady = true));
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
start();

function start() {
  if (isStopping) process.exit(0);
  startedMs = performance.now();
  const log = openSync(options.logPath, 'a');
  server = spawn(options.binary, options.args, { stdio: ['ignore', log, log] });
  closeSync(log);
  server.once('spawn', () => tell({ kind: 'started', pid: server?.pid }));
  server.once('error', (error) => onEnd(error.message));
  server.once('exit', (code, signal) => onEnd(signal === null ? `exit code ${code}` : `signal ${signal}`));
}

/** @param {string} reason */
function onEnd(reason) {
  if (isStopping) process.exit(0);
  tell({ kind: 'died', reason });
  if (performance.now() - startedMs > stableMs) restartsLeft = options.restartsMax;
  if (!isReady || restartsLeft === 0) return stop();
  restartsLeft--;
  setTimeout(start, restartDelayMs);
}

function stop() {
  if (isStopping) return;
  isStopping = true;
  if (server?.pid === undefined || server.exitCode !== null || server.signalCode !== null) process.exit(0);
  server.kill('SIGTERM');
  setTimeout(() => server?.kill('SIGKILL'), stopGraceMs);
}

/** @param {object} message */
function tell(message) {
  if (process.connected) process.send?.(message, () => {});
}
