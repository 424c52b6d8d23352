// A stream of bytes as lines, and when it counts as dead.
//
//   N1. A line is given once it is whole: what is cut off in the middle of a line is not seen.
//   N2. Silence for longer than `silenceMs` ends the stream with an error, as a cut does.

import type { Readable } from 'node:stream';
import { WATCH_LINE_BYTES_MAX } from './kube-limits.ts';

const NEWLINE = 0x0a;

/** Lines of `stream` without their ends. Leaving the loop closes the stream. */
export async function* linesOf(stream: Readable, silenceMs: number): AsyncGenerator<string, void, undefined> {
  const watchdog = setTimeout(() => stream.destroy(new Error(`nothing came for ${silenceMs} ms`)), silenceMs);
  const rest: Buffer[] = [];
  let restBytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      watchdog.refresh();
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
        rest.push(chunk.subarray(from, end));
        yield Buffer.concat(rest.splice(0)).toString('utf8');
        restBytes = 0;
        from = end + 1;
      }
      if (from < chunk.byteLength) rest.push(chunk.subarray(from));
      restBytes += chunk.byteLength - from;
      if (restBytes > WATCH_LINE_BYTES_MAX) throw new Error(`a line has more than ${WATCH_LINE_BYTES_MAX} bytes`);
    }
  } finally {
    clearTimeout(watchdog);
    stream.destroy();
  }
}
