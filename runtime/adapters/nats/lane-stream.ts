// The stream of a lane: its settings, and what must hold when it is already there (J6).

import { MillraceError } from '../../base/errors.ts';
import type { LaneConfig } from '../../journal/journal.ts';
import { API_ERROR, callApi, refused, type ApiAnswer, type StreamConfig, type StreamInfo } from './jetstream-api.ts';
import type { Link } from './link.ts';

/** What keeps a fence where it is: refuses instead of dropping, forgets nothing by age, count or order. */
export function laneStream({ stream, subjects, bytesMax }: LaneConfig, replicas: number): StreamConfig {
  return {
    name: stream,
    subjects,
    retention: 'limits',
    storage: 'file',
    discard: 'new',
    max_bytes: bytesMax,
    max_age: 0,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_msg_size: -1,
    num_replicas: replicas,
    deny_delete: true,
    deny_purge: false,
    // A direct get may be answered by a replica that lags.
    allow_direct: false,
    allow_rollup_hdrs: false,
  };
}

/** Settings of a stream that is there and that would break a rule, each with what it must be. Pure. */
export function laneProblems(info: StreamInfo, wanted: StreamConfig): readonly string[] {
  const { config } = info;
  const problems: string[] = [];
  const must = (name: string, holds: boolean, found: unknown, want: unknown): void => {
    if (!holds) problems.push(`${name} is ${JSON.stringify(found)}, must be ${JSON.stringify(want)}`);
  };
  must('subjects', [...config.subjects].sort().join() === [...wanted.subjects].sort().join(), config.subjects, wanted.subjects);
  must('retention', config.retention === 'limits', config.retention, 'limits');
  must('storage', config.storage === 'file', config.storage, 'file');
  must('discard', config.discard === 'new', config.discard, 'new');
  must('max_age', config.max_age === 0, config.max_age, 0);
  must('max_msgs', config.max_msgs <= 0, config.max_msgs, -1);
  must('max_msgs_per_subject', config.max_msgs_per_subject <= 0, config.max_msgs_per_subject, -1);
  must('deny_delete', config.deny_delete, config.deny_delete, true);
  must('allow_rollup_hdrs', !config.allow_rollup_hdrs, config.allow_rollup_hdrs, false);
  must('allow_msg_ttl', config.allow_msg_ttl !== true, config.allow_msg_ttl, false);
  // Another one acknowledges before it has synced, whatever the server's sync_interval (J10).
  must('persist_mode', (config.persist_mode ?? 'default') === 'default', config.persist_mode, 'default');
  must('mirror', config.mirror === undefined, config.mirror, null);
  must('sources', config.sources === undefined, config.sources, null);
  return problems;
}

export type EnsureOptions = {
  /** Subjects that begin so may be added to the stream, and those that are there and not wanted any more stay, with their
   *  records: stages come to and leave a job's shared lanes. Without it the subjects must be those that are wanted. */
  readonly growsWithin?: string;
};

/** Makes the lane, or checks it and sets its disk bound. Throws MR2105 for a stream that breaks a rule, MR2102 without an answer. */
export async function ensureStream(link: Link, wanted: StreamConfig, { growsWithin }: EnsureOptions = {}): Promise<void> {
  const found = await callApi<StreamInfo>(link, `STREAM.INFO.${wanted.name}`);
  if (found.kind === 'error' && found.error.err_code === API_ERROR.streamNotFound) {
    const created = await callApi<StreamInfo>(link, `STREAM.CREATE.${wanted.name}`, wanted);
    if (created.kind === 'error' && created.error.err_code === API_ERROR.streamNotCreated) {
      // The server clears away the folder of an account's last stream while it makes the next: once more, then.
      throw new MillraceError('MR2102', { stream: wanted.name, problem: `${created.error.description} (${created.error.err_code})` });
    }
    checkMade(wanted, valueOf(wanted.name, created));
    return;
  }
  const info = valueOf(wanted.name, found);
  const held = info.config.subjects;
  const subjects =
    growsWithin !== undefined && held.every((subject) => subject.startsWith(growsWithin)) ? union(held, wanted.subjects) : held;
  const all = { ...wanted, subjects: growsWithin === undefined ? wanted.subjects : union(wanted.subjects, subjects) };
  checkMade(all, { ...info, config: { ...info.config, subjects } });
  if (info.config.max_bytes === wanted.max_bytes && held.length === subjects.length) return;
  const config = { ...info.config, subjects, max_bytes: wanted.max_bytes };
  valueOf(wanted.name, await callApi<StreamInfo>(link, `STREAM.UPDATE.${wanted.name}`, config));
}

function union(some: readonly string[], others: readonly string[]): readonly string[] {
  return [...new Set([...some, ...others])];
}

/** The value of an answer; throws MR2102 (no answer, try again) or MR1012 (refused for good). */
export function valueOf<T>(stream: string, answer: ApiAnswer<T>): T {
  switch (answer.kind) {
    case 'ok':
      return answer.value;
    case 'absent':
      throw new MillraceError('MR2102', { stream, problem: answer.reason });
    case 'error':
      throw refused(stream, answer.error);
  }
}

function checkMade(wanted: StreamConfig, info: StreamInfo): void {
  const problems = laneProblems(info, wanted);
  if (problems.length > 0)
    throw new MillraceError('MR2105', { task: wanted.name, problem: `its stream has settings that lose records: ${problems.join('; ')}` });
}
