// A thread that takes a worker's spans and drops them, in the place of runtime/adapters/otel/tracer-thread.ts: what is left is handing over.

import { parentPort } from 'node:worker_threads';
import type { FromThread, ToThread } from '../../runtime/adapters/otel/thread-tracer.ts';

const port = parentPort;
const tell = (message: FromThread): void => port?.postMessage(message);
let sent = 0;
port?.on('message', (message: ToThread) => {
  if (message.kind === 'spans') sent += message.spans.length;
  tell({ kind: message.kind === 'spans' ? 'settled' : 'closed', figures: { sent, dropped: 0 } });
  if (message.kind === 'close') port.close();
});
