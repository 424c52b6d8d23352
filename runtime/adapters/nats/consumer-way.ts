// How a reader comes to a consumer, and what it may believe of what that delivers: the port of nats-reader.ts, and the way of who makes a
// consumer of its own each time.

import { randomBytes } from 'node:crypto';
import type { ApiAnswer } from './jetstream-api.ts';
import { callApi } from './jetstream-api.ts';
import type { Link } from './link.ts';

export type Place = {
  /** Of the last delivery of this opening; 0: none came yet. */
  readonly consumerSequence: number;
  /** Of the last message that was given out, whatever the opening. */
  readonly sequence: number;
};

export interface ConsumerWay {
  /** Others may have it deliver elsewhere, or set it back: who loses it tries again in no hurry, and less so each time. */
  readonly isContested: boolean;
  /** Of the consumer that was made for it; absent: it makes one of its own. */
  readonly name?: string;
  /** Makes what follows `lastSequence` come next. The consumer's name. */
  open(lastSequence: number): Promise<ApiAnswer<string>>;
  /** Another pull may be made now. */
  readonly mayPull: boolean;
  /** The body of a pull. */
  pull(request: object): object;
  /** Bytes of a delivery that the server adds without counting them. */
  readonly pinBytes: number;
  /** A pull has ended. */
  ended(): void;
  /** What a delivery is: the next one; one that was given out before; or a sign that something may be missing. `pin`: reads its pin. */
  judge(now: Place, last: Place, pin: () => string): 'next' | 'known' | 'broken';
  /** It is not known yet whether what is there comes to us. */
  readonly isInDoubt: boolean;
  /** Asks who is served. `absent`: nobody answers, and why. */
  served(): Promise<'us' | 'others' | 'unknown' | { readonly absent: string }>;
  /** Up to here it is stored that messages were given out: nobody will ask for them again. */
  stored(sequence: number): void;
  leave(name: string): Promise<void>;
}

const NS_PER_MS = 1_000_000;
/** Unused for this long, the server drops a consumer that nobody could delete. */
const INACTIVE_MS = 60_000;
const DELETE_MS = 1_000;

/** A disposable one: ephemeral, ack none, made at last seen + 1. Nobody else knows its name (N5). */
export class OwnConsumer implements ConsumerWay {
  readonly isContested = false;
  readonly mayPull = true;
  readonly isInDoubt = false;
  readonly pinBytes = 0;
  readonly #link: Link;
  readonly #stream: string;
  readonly #subjects: readonly string[];
  readonly #isShared: boolean;

  constructor(link: Link, { stream, subjects, isShared }: { stream: string; subjects: readonly string[]; isShared: boolean }) {
    this.#link = link;
    this.#stream = stream;
    this.#subjects = subjects;
    this.#isShared = isShared;
  }

  async open(lastSequence: number): Promise<ApiAnswer<string>> {
    const name = `mr-${randomBytes(15).toString('base64url')}`;
    const call = `CONSUMER.CREATE.${this.#stream}.${name}`;
    const answer = await callApi<object>(this.#link, this.#isShared ? `${call}.${this.#subjects[0]}` : call, {
      stream_name: this.#stream,
      config: this.#config(name, lastSequence),
    });
    return answer.kind === 'ok' ? { kind: 'ok', value: name } : answer;
  }

  pull(request: object): object {
    return request;
  }

  ended(): void {}

  judge(now: Place, last: Place): 'next' | 'broken' {
    return now.consumerSequence === last.consumerSequence + 1 && now.sequence > last.sequence ? 'next' : 'broken';
  }

  served(): Promise<'us'> {
    return Promise.resolve('us');
  }

  stored(): void {}

  async leave(name: string): Promise<void> {
    if (this.#isShared) return;
    // No answer is fine: the server drops it by itself after INACTIVE_MS.
    await callApi(this.#link, `CONSUMER.DELETE.${this.#stream}.${name}`, null, DELETE_MS);
  }

  #config(name: string, lastSequence: number): object {
    const [only, ...others] = this.#subjects;
    const filter = only === undefined ? {} : others.length === 0 ? { filter_subject: only } : { filter_subjects: this.#subjects };
    return {
      name,
      deliver_policy: 'by_start_sequence',
      opt_start_seq: lastSequence + 1,
      ack_policy: 'none',
      replay_policy: 'instant',
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: INACTIVE_MS * NS_PER_MS,
      ...filter,
    };
  }
}
