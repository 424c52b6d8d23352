// The journal port on JetStream. The rules are those of journal.ts; what the server answers becomes a result here.
//
//   10071 → refused    10164 → in-flight    10077, 503, any other refusal → busy    nothing → unknown

import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError, isError } from '../../base/errors.ts';
import type { AppendResult, Journal, LaneConfig, LaneReader, ReadOptions, StoredRecord } from '../../journal/journal.ts';
import { Gone } from './gone.ts';
import { API_ERROR, callApi, parseAnswer, type ApiError, type PublishAck, type StoredMessage, type StreamInfo } from './jetstream-api.ts';
import { ensureStream, laneStream, valueOf, type EnsureOptions } from './lane-stream.ts';
import type { Link, Reply } from './link.ts';
import { NatsReader } from './nats-reader.ts';

export type NatsJournalOptions = {
  /** Copies of each lane: 1 or 3. */
  readonly replicas?: number;
  /** An append that is not answered in this time is `unknown`. */
  readonly appendTimeoutMs?: number;
};

const APPEND_TIMEOUT_MS = 5_000;
const EXPECTED_HEADER = 'Nats-Expected-Last-Subject-Sequence';
/** Server-side start-up and elections are over by then; the caller hears of anything longer. */
const ENSURE_TRIES = 40;
const RETRY_WAIT_MS = 250;

export class NatsJournal implements Journal {
  readonly #link: Link;
  readonly #replicas: number;
  readonly #appendTimeoutMs: number;

  constructor(link: Link, options: NatsJournalOptions = {}) {
    this.#link = link;
    this.#replicas = options.replicas ?? 1;
    this.#appendTimeoutMs = options.appendTimeoutMs ?? APPEND_TIMEOUT_MS;
  }

  ensureLane(config: LaneConfig): Promise<void> {
    return this.#ensure(config, {});
  }

  /** Makes the lane, or adds what a stream that is there does not hold yet, within `prefix`. */
  growLane(config: LaneConfig, prefix: string): Promise<void> {
    return this.#ensure(config, { growsWithin: prefix });
  }

  async #ensure(config: LaneConfig, options: EnsureOptions): Promise<void> {
    const wanted = laneStream(config, this.#replicas);
    for (let tries = 1; ; tries++) {
      try {
        return await ensureStream(this.#link, wanted, options);
      } catch (error) {
        if (!isError(error, 'MR2102') || tries === ENSURE_TRIES) throw error;
      }
      await sleep(RETRY_WAIT_MS);
    }
  }

  async append(_stream: string, subject: string, expected: number, bytes: Uint8Array): Promise<AppendResult> {
    const bytesMax = this.#link.payloadBytesMax;
    const headers = { [EXPECTED_HEADER]: String(expected) };
    if (bytes.length + HEADER_BYTES_MAX > bytesMax)
      throw new MillraceError('MR2107', { task: subject, bytes: bytes.length, bytesMax: bytesMax - HEADER_BYTES_MAX });
    const reply = await this.#link.request(subject, bytes, { headers, timeoutMs: this.#appendTimeoutMs });
    return appendResult(reply);
  }

  async last(stream: string, subject: string): Promise<StoredRecord | null> {
    const gone = new Gone(stream);
    for (;;) {
      const answer = await callApi<StoredMessage>(this.#link, `STREAM.MSG.GET.${stream}`, { last_by_subj: subject });
      if (answer.kind === 'error' && answer.error.err_code === API_ERROR.messageNotFound) return null;
      if (answer.kind !== 'error' || answer.error.err_code !== API_ERROR.streamNotFound) return storedRecord(valueOf(stream, answer));
      gone.missed();
      await sleep(RETRY_WAIT_MS);
    }
  }

  read(stream: string, options: ReadOptions): LaneReader {
    return new NatsReader(this.#link, stream, options);
  }

  async purge(stream: string, subject: string, belowSequence: number): Promise<void> {
    const last = await this.last(stream, subject);
    // The server would take `seq: 0` as "all". The last one can only move up while we ask: J6 holds.
    const below = last === null ? 0 : Math.min(belowSequence, last.sequence);
    if (below <= 1) return;
    valueOf(stream, await callApi(this.#link, `STREAM.PURGE.${stream}`, { filter: subject, seq: below }));
  }

  async figures(stream: string): ReturnType<Journal['figures']> {
    const { state } = valueOf(stream, await callApi<StreamInfo>(this.#link, `STREAM.INFO.${stream}`));
    return { bytes: state.bytes, messages: state.messages, firstSequence: state.first_seq, lastSequence: state.last_seq };
  }

  async deleteLane(stream: string): Promise<void> {
    const answer = await callApi(this.#link, `STREAM.DELETE.${stream}`);
    if (answer.kind === 'error' && answer.error.err_code === API_ERROR.streamNotFound) return;
    valueOf(stream, answer);
  }
}

/** Room that the header of an append takes of a message's payload: its name and a sequence of at most 16 digits. */
const HEADER_BYTES_MAX = 80;

/** What the server's answer to an append means. Pure. */
export function appendResult(reply: Reply): AppendResult {
  switch (reply.kind) {
    case 'nobody':
      return { kind: 'busy', reason: 'no leader (503)', code: 503 };
    case 'down':
      return { kind: 'busy', reason: reply.reason };
    case 'lost':
      return { kind: 'unknown', reason: reply.reason };
    case 'message':
      break;
  }
  const answer = parseAnswer<PublishAck>(reply.data);
  switch (answer.kind) {
    case 'ok':
      return { kind: 'stored', sequence: answer.value.seq };
    case 'absent':
      return { kind: 'busy', reason: answer.reason, code: 503 };
    case 'error':
      return refusal(answer.error);
  }
}

function refusal({ err_code: code, description }: ApiError): AppendResult {
  switch (code) {
    case API_ERROR.wrongSequence: {
      const [, actual] = /wrong last sequence: (\d+)/.exec(description) ?? [];
      return { kind: 'refused', actual: actual === undefined ? null : Number(actual), code };
    }
    case API_ERROR.writeInFlight:
      return { kind: 'in-flight', code };
    default:
      return { kind: 'busy', reason: `${description} (${code})`, code };
  }
}

function storedRecord({ message }: StoredMessage): StoredRecord {
  return {
    subject: message.subject,
    sequence: message.seq,
    bytes: Buffer.from(message.data ?? '', 'base64'),
    storedMs: Date.parse(message.time),
  };
}
