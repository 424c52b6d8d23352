// Loaded before a worker that is measured (`--import`): at its end it says what CPU time its main thread took. What the whole process took
// holds the threads that collect garbage and compile, too.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const folder = process.env['MILLRACE_BENCH_THREAD_CPU'];
if (isMainThread && folder !== undefined)
  process.on('exit', () => {
    const { user, system } = process.threadCpuUsage();
    writeFileSync(join(folder, `${process.pid}`), String((user + system) / 1_000));
  });
