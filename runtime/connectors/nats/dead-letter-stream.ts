// The stream with a job's dead letters: it outlives runs, and goes with the job when the job's state does.

import { API_ERROR, refused } from '../../adapters/nats/jetstream-api.ts';
import type { Link } from '../../adapters/nats/link.ts';
import { deadLettersSubject } from '../../plan/plan-names.ts';
import { askApi, streamNamed, streamsOf } from './user-streams.ts';

/** Removes it when Millrace made it, for nothing else; done already when there is none. Throws MR1003 without an answer. */
export async function removeDeadLetters(link: Link, job: string): Promise<void> {
  const subject = deadLettersSubject(job);
  for (const name of await streamsOf(link, subject)) {
    const found = await streamNamed(link, name);
    if (found === null || !found.ours || found.subjects.join() !== subject) continue;
    const answer = await askApi(link, `STREAM.DELETE.${name}`);
    if ('error' in answer && answer.error.err_code !== API_ERROR.streamNotFound) throw refused(name, answer.error);
  }
}
