// Every thread of ours begins here. What code in WebAssembly calls of JavaScript (Node turns TypeScript into JavaScript so, in each thread that
// loads any) has small pieces of machine code that V8 makes once they have been called often; all threads of a process share them, and
// V8 13.6 may free one twice: "Check failed: jit_page.has_value()", or a segmentation fault, in one of some thousand runs. It makes none where the
// number of calls is out of reach (ADR 50).

import { Worker } from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';
import { setFlagsFromString } from 'node:v8';

const CALLS_OUT_OF_REACH = 1_000_000_000;

/** A thread that runs `program`. */
export function beginThread(program: URL, options: WorkerOptions): Worker {
  setFlagsFromString(`--wasm-wrapper-tiering-budget=${CALLS_OUT_OF_REACH}`);
  return new Worker(program, options);
}
