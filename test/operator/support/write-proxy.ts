// Stands between an operator and the API server: plain HTTP in, HTTPS with the administrator's token out.
//
//   P1. Counted are the operator's writes but for leases and events: those say nothing about a job.
//   P2. A write that is to be cut off never reaches the server (`before`), or does and its answer never comes back (`after`).
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { ApiServer } from '../../support/api-server.ts';

export type When = 'before' | 'after';
/** Where that server is, and whom the operator is there. */
export type Target = Pick<ApiServer, 'url' | 'caPath' | 'adminToken'>;

export class WriteProxy {
  /** `PATCH /apis/…`, one for each counted write (P1). */
  readonly writes: string[] = [];
  /** Asked at each counted write with its number: null lets it pass; else `onCut` is called instead of answering. */
  cut: (write: string, at: number) => When | null = () => null;
  onCut: () => void = () => undefined;
  readonly #server = createServer((incoming, answer) => void this.#pass(incoming, answer).catch(() => answer.destroy()));
  readonly #target: Target;
  readonly #agent: Agent;

  private constructor(target: Target, ca: Buffer) {
    this.#target = target;
    this.#agent = new Agent({ ca, keepAlive: true });
  }

  static async start(target: Target): Promise<WriteProxy> {
    const proxy = new WriteProxy(target, await readFile(target.caPath));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): Promise<void> {
    this.#agent.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const path = incoming.url ?? '';
    const isCounted = incoming.method !== 'GET' && !/\/(leases|events)(\/|\?|$)/.test(path);
    const write = `${incoming.method} ${path.replace(/\?.*/, '')}`;
    const cut = isCounted ? this.cut(write, this.writes.push(write)) : null;
    if (cut === 'before') return this.#end(answer);
    const headers = { ...incoming.headers, host: new URL(this.#target.url).host, authorization: `Bearer ${this.#target.adminToken}` };
    const sent = request(new URL(path, this.#target.url), { method: incoming.method, headers, agent: this.#agent });
    answer.on('close', () => sent.destroy());
    const got = new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve);
      sent.on('error', reject);
    });
    sent.end(body);
    const response = await got;
    if (cut !== null) return this.#end(answer);
    response.on('error', () => answer.destroy());
    answer.writeHead(response.statusCode ?? 502, response.headers);
    answer.flushHeaders(); // A watch has no first byte for minutes.
    response.pipe(answer);
  }

  #end(answer: ServerResponse): void {
    this.onCut();
    answer.destroy();
  }
}
