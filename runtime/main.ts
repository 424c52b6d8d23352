// Entry of one worker: a thread of `millrace run`, a process of its own, or a pod.
//
// It ends when the job is completed or failed, when it is asked to drain (message `drain`, SIGTERM), or when the
// process that started it is gone.

import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { inertLine } from './base/inert.ts';
import { optionsFromEnvironment } from './options.ts';
import type { WorkerOptions } from './options.ts';
import { startWorker } from './start-worker.ts';

const options = isMainThread ? optionsFromEnvironment(process.env) : (workerData as WorkerOptions);
const log = (message: string): void => {
  if (parentPort !== null) parentPort.postMessage({ log: message });
  else if (process.send !== undefined && process.connected) process.send({ log: message });
  else process.stderr.write(`${options.worker}: ${inertLine(message)}\n`);
};

const worker = await startWorker(options, log);
const drain = (): void => void worker.drain();
if (parentPort === null) {
  process.on('message', (message) => message === 'drain' && drain());
  process.on('SIGTERM', drain);
  process.on('SIGINT', () => undefined); // Ctrl-C reaches the whole group; the one who started us decides
  process.on('disconnect', drain);
} else parentPort.on('message', (message) => message === 'drain' && drain());
await worker.ended;
if (parentPort !== null) parentPort.close();
else if (process.connected) process.disconnect();
process.exitCode = 0;
