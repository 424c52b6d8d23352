// Loaded before a worker that is measured (`--import`): at its end it says what CPU time its main thread took, and what the whole process took,
// with the threads that collect garbage, compile and send spans, and with what it did after its last report.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const folder = process.env['MILLRACE_BENCH_THREAD_CPU'];
if (isMainThread && folder !== undefined)
  process.on('exit', () => {
    const [mainMs, allMs] = [process.threadCpuUsage(), process.cpuUsage()].map(({ user, system }) => (user + system) / 1_000);
    writeFileSync(join(folder, `${process.pid}`), JSON.stringify({ mainMs, allMs }));
  });
