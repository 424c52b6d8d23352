// The streams of the user's that sources read and sinks write: found, checked, and for sinks made when they are missing.
//
//   S1. A stream that Millrace did not make is never changed.
//   S2. A sink's stream keeps what is written until limits that its owner set remove it: streams whose messages vanish
//       when someone reads them can't be continued exactly once, and are refused.
//   S3. Streams of Millrace itself are nobody's source or sink: a job would read another's events, or its own directory.

import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../base/errors.ts';
import { BadDeclaration, type Issue } from '../../base/issues.ts';
import { API_ERROR, callApi, refused, type ApiError, type StreamInfo } from '../../adapters/nats/jetstream-api.ts';
import type { Link } from '../../adapters/nats/link.ts';
import { STREAM_ROOT } from '../../plan/plan-names.ts';
import { subjectsOverlap } from '../../plan/subject.ts';

export type UserStream = {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly retention: string;
  readonly atomic: boolean;
  /** -1: as large as the server allows. */
  readonly messageBytesMax: number;
  readonly messagesPerSubjectMax: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** A sink of some job made it. */
  readonly ours: boolean;
};

type Info = StreamInfo & {
  readonly config: { readonly allow_atomic?: boolean; readonly sealed?: boolean; readonly metadata?: Readonly<Record<string, string>> };
};

/** A server that starts or elects answers within this; whoever asks hears of anything longer. */
const TRIES = 40;
const RETRY_WAIT_MS = 250;
/** Workers that make one stream at the same time may undo each other's subject; each looks again. */
const MAKE_TRIES = 10;
const MADE_BY = 'millrace.dev/made-by';
/** Numbers of the server's errors that mean: another one made it meanwhile. */
const NAME_IN_USE = 10058;
const SUBJECTS_OVERLAP = 10065;

/** Asks until JetStream answers; rejects with MR1003 when it does not for long. */
export async function askApi<T>(
  link: Link,
  call: string,
  body: object | null = null,
): Promise<{ readonly value: T } | { readonly error: ApiError }> {
  for (let tries = 1; ; tries++) {
    const answer = await callApi<T>(link, call, body);
    if (answer.kind === 'ok') return { value: answer.value };
    if (answer.kind === 'error') return { error: answer.error };
    if (tries === TRIES || link.nc.isClosed()) throw new MillraceError('MR1003', { url: link.nc.getServer(), problem: answer.reason });
    await sleep(RETRY_WAIT_MS);
  }
}

/** The stream of that name, or null. */
export async function streamNamed(link: Link, name: string): Promise<UserStream | null> {
  const answer = await askApi<Info>(link, `STREAM.INFO.${name}`);
  if ('value' in answer) return toStream(answer.value);
  if (answer.error.err_code === API_ERROR.streamNotFound) return null;
  throw refused(name, answer.error);
}

/** Names of the streams that hold messages of `subject` (wildcards allowed). */
export async function streamsOf(link: Link, subject: string): Promise<readonly string[]> {
  const answer = await askApi<{ readonly streams: readonly string[] | null }>(link, 'STREAM.NAMES', { subject });
  if ('value' in answer) return answer.value.streams ?? [];
  throw refused(subject, answer.error);
}

export type SourceWish = { readonly source: string; readonly stream: string | undefined; readonly subject: string; readonly path: string };

/** A journal, the blobs or the directory of a job: wildcards at the beginning of a subject reach them, too. */
function isOurs(stream: string): boolean {
  return stream.startsWith(STREAM_ROOT) || stream.startsWith(`KV_${STREAM_ROOT}`);
}

/** The stream that a source reads `subject` from. Rejects with BadDeclaration when there is none, or several. */
export async function findSourceStream(link: Link, { source, stream, subject, path }: SourceWish): Promise<UserStream> {
  const refuse = (message: string, fix: string): BadDeclaration =>
    new BadDeclaration(`source ${source}`, [{ path, message, fix } satisfies Issue]);
  const names = stream === undefined ? (await streamsOf(link, subject)).filter((held) => !isOurs(held)) : [stream];
  const [name, ...others] = names;
  if (name === undefined)
    throw refuse(`no stream holds the subject "${subject}"`, 'create one with `nats stream add`, or name a subject that a stream holds');
  if (others.length > 0) throw refuse(`several streams hold "${subject}": ${names.join(', ')}`, 'name one with `stream`');
  if (isOurs(name)) throw refuse(`the stream "${name}" is one of Millrace itself`, 'a stream of your own');
  const found = await streamNamed(link, name);
  if (found === null) throw refuse(`there is no stream "${name}"`, 'create it, or leave `stream` out to find it by the subject');
  if (!found.subjects.some((held) => subjectsOverlap(held, subject)))
    throw refuse(`the stream "${name}" does not hold "${subject}"`, `it holds ${found.subjects.join(', ')}`);
  if (found.retention !== 'limits')
    throw refuse(
      `the stream "${name}" removes messages when they are read (retention ${found.retention})`,
      'read a stream with retention limits: a job must be able to read again',
    );
  return found;
}

export type SinkWish = {
  readonly sink: string;
  readonly stream: string | undefined;
  readonly subject: string;
  /** Copies of the stream when it is made: 1 when absent. */
  readonly replicas?: number;
};

/** The stream that a sink writes `subject` to; made when there is none. Rejects with BadDeclaration when it can't be used. */
export async function ensureSinkStream(link: Link, wish: SinkWish): Promise<UserStream> {
  const name = wish.stream ?? wish.subject.replace(/[^A-Za-z0-9_-]/g, '_');
  for (let tries = 1; ; tries++) {
    const [holder] = await streamsOf(link, wish.subject);
    const found = await streamNamed(link, holder ?? name);
    if (found !== null && holder !== undefined) return checked(found, wish);
    const refused = found === null ? await create(link, name, wish) : await addSubject(link, found, wish);
    // Other workers do the same at the same time: look again, whatever the answer was.
    const problem = refused === null ? 'it does not hold the subject' : `${refused.description} (${refused.err_code})`;
    if (tries === MAKE_TRIES)
      throw refuseSink(wish, `the stream "${name}" could not be made: ${problem}`, 'create it with `nats stream add`');
  }
}

/** The stream that a sink writes, named by the wish and made by somebody else. Needs no right but to look at that stream. Rejects
 *  with MR4001 while it is not there or does not hold the subject, with BadDeclaration when it can't be used. */
export async function findSinkStream(link: Link, wish: SinkWish): Promise<UserStream> {
  if (wish.stream === undefined)
    throw refuseSink(wish, `no stream is named for "${wish.subject}"`, 'name it with `stream`: here none is searched or made');
  const found = await streamNamed(link, wish.stream);
  if (found === null || !found.subjects.some((held) => subjectsOverlap(held, wish.subject))) {
    const problem = found === null ? `there is no stream "${wish.stream}" (yet)` : `the stream "${wish.stream}" does not hold it (yet)`;
    throw new MillraceError('MR4001', { sink: wish.sink, path: wish.subject, problem });
  }
  return checked(found, wish);
}

function checked(found: UserStream, wish: SinkWish): UserStream {
  const { name, retention } = found;
  if (isOurs(name)) throw refuseSink(wish, `"${wish.subject}" belongs to the stream "${name}" of Millrace itself`, 'another subject');
  if (wish.stream !== undefined && wish.stream !== name)
    throw refuseSink(
      wish,
      `"${wish.subject}" belongs to the stream "${name}", not to "${wish.stream}"`,
      'name that stream, or another subject',
    );
  if (retention !== 'limits')
    throw refuseSink(
      wish,
      `the stream "${name}" removes messages when they are read (retention ${retention}), so what was written last can't be known`,
      'a stream with retention limits',
    );
  return found;
}

async function create(link: Link, name: string, { subject, replicas = 1 }: SinkWish): Promise<ApiError | null> {
  // A full stream refuses (the sink then waits) and never drops; max_age and other limits are the owner's to set later.
  const config = {
    name,
    subjects: [subject],
    retention: 'limits',
    storage: 'file',
    discard: 'new',
    num_replicas: replicas,
    allow_atomic: true,
    allow_direct: true,
    metadata: { [MADE_BY]: 'sink' },
  };
  const answer = await askApi<Info>(link, `STREAM.CREATE.${name}`, config);
  if ('value' in answer) return null;
  const { err_code: code } = answer.error;
  if (code === NAME_IN_USE || code === SUBJECTS_OVERLAP) await sleep(RETRY_WAIT_MS);
  return answer.error;
}

async function addSubject(link: Link, found: UserStream, wish: SinkWish): Promise<ApiError | null> {
  if (!found.ours)
    throw refuseSink(
      wish,
      `the stream "${found.name}" exists and does not hold "${wish.subject}"`,
      'add the subject to that stream, or name another stream',
    );
  const info = await askApi<Info>(link, `STREAM.INFO.${found.name}`);
  if (!('value' in info)) return info.error;
  const { config } = info.value;
  const answer = await askApi<Info>(link, `STREAM.UPDATE.${found.name}`, {
    ...config,
    subjects: [...new Set([...config.subjects, wish.subject])],
  });
  return 'value' in answer ? null : answer.error;
}

function refuseSink({ sink }: SinkWish, message: string, fix: string): BadDeclaration {
  return new BadDeclaration(`sink ${sink}`, [{ path: 'nats', message, fix }]);
}

function toStream({ config, state }: Info): UserStream {
  return {
    name: config.name,
    subjects: config.subjects ?? [],
    retention: config.retention,
    atomic: config.allow_atomic === true,
    messageBytesMax: config.max_msg_size,
    messagesPerSubjectMax: config.max_msgs_per_subject,
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
    ours: config.metadata?.[MADE_BY] === 'sink',
  };
}
