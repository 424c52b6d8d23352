// Entry of the thread that turns a worker's spans into OTLP and sends them: it has a heap for them, and the time for it.
// thread-tracer.ts begins it, and says what they tell each other.

import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { OtlpTracer } from './otlp-tracer.ts';
import type { FromThread, ThreadParts, ToThread } from './thread-tracer.ts';

assert(parentPort !== null, 'this program is a thread of a worker');
const port = parentPort;
const tell = (message: FromThread): void => port.postMessage(message);
const tracer = new OtlpTracer({
  ...(workerData as ThreadParts),
  areGathered: true,
  onTrouble: (trouble) => tell({ kind: 'trouble', trouble }),
  onSettled: (figures) => tell({ kind: 'settled', figures }),
});

port.on('message', (message: ToThread) => {
  if (message.kind === 'spans') for (const span of message.spans) tracer.end(span);
  else void close(message.limitMs);
});

async function close(limitMs: number): Promise<void> {
  await tracer.close(limitMs);
  tell({ kind: 'closed', figures: tracer.figures() });
  port.close();
}
