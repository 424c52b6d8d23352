// Names that the planner gives: streams, subjects, implied nodes and sinks. Fixed for ever: state is found by them.

/** Implied sinks for the dead letters of all stages. */
export const DEAD_LETTERS = 'dead-letters';
export const DEAD_LETTERS_SUBJECT = 'dead-letters-subject';
export const DEAD_LETTERS_FILE = 'dead-letters.ndjson';

/** What became of dead letters: each that is put in again, or dropped, is one message of a subject of its own. */
const REDRIVE = 'redrive';

/** Stage names that would collide with implied sinks and with the streams that several stages share. */
export const RESERVED_NAMES: readonly string[] = [DEAD_LETTERS, DEAD_LETTERS_SUBJECT, 'sinks', 'dead', REDRIVE];

/** First token of every subject, and first part of every stream, that Millrace writes itself. */
export const SUBJECT_ROOT = 'mr';
export const STREAM_ROOT = 'MR_';

/** Names hold no `_`, so two jobs never share a stream. */
export function streamName(job: string, part: string): string {
  return `${STREAM_ROOT}${job}_${part}`;
}

export function subjectPrefix(job: string, stage: string): string {
  return `${SUBJECT_ROOT}.${job}.${stage}`;
}

export function deadLettersSubject(job: string): string {
  return `${job}.${DEAD_LETTERS}`;
}

export function redriveStream(job: string): string {
  return streamName(job, REDRIVE);
}

/** `id`: of a dead letter; `*`: of all. */
export function redriveSubject(job: string, id: string): string {
  return `${subjectPrefix(job, REDRIVE)}.${id}`;
}
