// One NATS connection as the adapters use it: requests with one ack inbox for all, and who must know of a lost line.
//
//   L1. A request ends with an answer, or as `lost`: at once when the connection breaks, else after its time.
//   L2. A request made while there is no connection is not sent, and says so (`down`): nothing can have happened.
//   L3. Listeners are told of each break and each return, in order.
//   L4. It ends with its connection.
// Why not nc.request: it waits out its time after a disconnect, and costs several times as much per message.

import {
  createInbox,
  headers as natsHeaders,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type PublishOptions,
} from '@nats-io/transport-node';
import { importedAs } from './imported-subjects.ts';
import { refusalIn } from './refusal.ts';

export type Reply =
  | { readonly kind: 'message'; readonly data: Uint8Array }
  /** 503 of the server: nobody listens on that subject (no leader, no such stream, no JetStream). */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'down'; readonly reason: string }
  | { readonly kind: 'lost'; readonly reason: string };

export type RequestOptions = { readonly timeoutMs: number; readonly headers?: Readonly<Record<string, string>> };

/** `up` is true when the connection came back, false when it broke. */
export type LinkListener = (up: boolean) => void;

type Pending = { readonly resolve: (reply: Reply) => void; readonly deadlineMs: number };

const links = new WeakMap<NatsConnection, Link>();
const importing = new WeakMap<NatsConnection, Link>();

/** Times are checked this often: unanswered requests are rare, a timer for each would not be. */
const SWEEP_MS = 100;

export class Link {
  readonly nc: NatsConnection;
  /** Subjects are those of another account, which that of the connection imports. */
  readonly isImporting: boolean;
  readonly #inbox: string;
  readonly #tokenStart: number;
  readonly #pending = new Map<string, Pending>();
  readonly #listeners = new Set<LinkListener>();
  #hears = false;
  #nextToken = 0;
  #up: boolean;
  #sweeper: NodeJS.Timeout | null = null;
  /** What the server said to it last, since it was connected, and how often it said so. */
  #refusal: string | null = null;
  #refusals = 0;

  /** The connection's link; all adapters on it share one. */
  static of(nc: NatsConnection): Link {
    let link = links.get(nc);
    if (link === undefined) links.set(nc, (link = new Link(nc)));
    return link;
  }

  /** As `of`, for what the connection's account imports from another one: subjects are called as they are there (imported-subjects.ts). */
  static importing(nc: NatsConnection): Link {
    let link = importing.get(nc);
    if (link === undefined) importing.set(nc, (link = new Link(nc, { isImporting: true })));
    return link;
  }

  constructor(nc: NatsConnection, { isImporting = false }: { readonly isImporting?: boolean } = {}) {
    this.nc = nc;
    this.isImporting = isImporting;
    this.#up = !nc.isClosed();
    this.#inbox = this.newInbox();
    this.#tokenStart = this.#inbox.length + 1;
    void this.#watch();
  }

  get up(): boolean {
    return this.#up && !this.nc.isClosed();
  }

  /** Why the server does not let it in any more, in its words; null: it does, or has not said. */
  get refusal(): string | null {
    return this.#refusal;
  }

  /** Times that the server did not let it in, since it was connected. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Why it is not up, for people. */
  get downReason(): string {
    return this.#refusal === null ? 'not connected' : `not connected: the server refuses the credentials (${this.#refusal})`;
  }

  /** Bytes that one message may have, as the server says. */
  get payloadBytesMax(): number {
    return this.nc.info?.max_payload ?? 1024 * 1024;
  }

  /** A subject of this client only, below the prefix that its connection was made with. */
  newInbox(): string {
    return createInbox(inboxPrefixOf(this.nc));
  }

  /** Returns the function that ends it. */
  listen(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Throws when the connection is closing. */
  publish(subject: string, data: Uint8Array | string, options?: PublishOptions): void {
    this.nc.publish(this.isImporting ? importedAs(subject) : subject, data, options);
  }

  request(subject: string, data: Uint8Array | string, options: RequestOptions): Promise<Reply> {
    if (!this.up) return Promise.resolve({ kind: 'down', reason: this.downReason });
    const token = (this.#nextToken++).toString(36);
    const reply = `${this.#inbox}.${token}`;
    return new Promise((resolve) => {
      try {
        this.#hearAnswers();
        this.publish(subject, data, options.headers === undefined ? { reply } : { reply, headers: headersOf(options.headers) });
      } catch (error) {
        // Closed, or closing: nothing left this process.
        resolve({ kind: 'down', reason: error instanceof Error ? error.message : String(error) });
        return;
      }
      this.#pending.set(token, { resolve, deadlineMs: performance.now() + options.timeoutMs });
      this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    });
  }

  #hearAnswers(): void {
    if (this.#hears) return;
    // A subscription that is refused comes here as an error without a message; requests then end by their time.
    this.nc.subscribe(`${this.#inbox}.*`, { callback: (error, message) => (error === null ? this.#answer(message) : undefined) });
    this.#hears = true;
  }

  #answer(message: Msg): void {
    const token = message.subject.slice(this.#tokenStart);
    const pending = this.#pending.get(token);
    if (pending === undefined) return; // its time was over, or the line had broken
    this.#pending.delete(token);
    const nobody = message.data.length === 0 && message.headers?.code === 503;
    pending.resolve(nobody ? { kind: 'nobody' } : { kind: 'message', data: message.data });
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const [token, { resolve, deadlineMs }] of this.#pending) {
      if (deadlineMs > nowMs) continue;
      this.#pending.delete(token);
      resolve({ kind: 'lost', reason: 'no answer in time' });
    }
    if (this.#pending.size === 0) this.#stopSweeping();
  }

  #stopSweeping(): void {
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
    this.#sweeper = null;
  }

  #loseAll(reason: string): void {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    this.#stopSweeping();
    for (const { resolve } of all) resolve({ kind: 'lost', reason });
  }

  #noteRefusal(refusal: string | null): void {
    if (refusal === null) return;
    this.#refusal = refusal;
    this.#refusals++;
  }

  async #watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect' || status.type === 'close') this.#change(false);
      else if (status.type === 'reconnect') {
        this.#refusal = null;
        this.#refusals = 0;
        this.#change(true);
      } else this.#noteRefusal(refusalIn(this.nc, status));
    }
    this.#change(false);
  }

  #change(up: boolean): void {
    if (this.#up === up) return;
    this.#up = up;
    if (!up) this.#loseAll('the connection broke');
    for (const listener of this.#listeners) listener(up);
  }
}

/** The client keeps its options, but does not declare them. */
function inboxPrefixOf(nc: NatsConnection): string | undefined {
  return (nc as NatsConnection & { readonly options?: { readonly inboxPrefix?: string } }).options?.inboxPrefix;
}

function headersOf(record: Readonly<Record<string, string>>): MsgHdrs {
  const result = natsHeaders();
  for (const name in record) result.set(name, record[name] as string);
  return result;
}
