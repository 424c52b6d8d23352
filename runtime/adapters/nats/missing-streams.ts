// Which streams a client can't use yet: not there, or not allowed.

import { callApi } from './jetstream-api.ts';
import type { Link } from './link.ts';

/** A stream that nobody may look at is not answered at all. */
const ANSWER_MS = 2_000;

/** For each of `streams` that can't be used now, why, in a sentence; empty: all can. */
export async function missingStreams(link: Link, streams: readonly string[]): Promise<readonly string[]> {
  const answers = await Promise.all(streams.map((stream) => callApi(link, `STREAM.INFO.${stream}`, null, ANSWER_MS)));
  return answers.flatMap((answer, index) => {
    switch (answer.kind) {
      case 'ok':
        return [];
      case 'error':
        return [`${streams[index]}: ${answer.error.description} (${answer.error.err_code})`];
      case 'absent':
        return [`${streams[index]}: ${answer.reason}; it is being made, or these credentials do not reach it yet`];
    }
  });
}
