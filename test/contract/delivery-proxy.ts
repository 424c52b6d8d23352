// A TCP proxy between a client and its nats-server that can lose single deliveries, or everything.
//
// Towards the client it cuts the stream into protocol messages (INFO, MSG, HMSG, PING …), so that one can be left out
// whole; towards the server bytes pass as they are.

import { connect, createServer, type Server, type Socket } from 'node:net';

/** Says of each JetStream delivery whether it is let through. `index` counts deliveries of the proxy's life, from 0. */
export type DeliveryFilter = (index: number) => boolean;

export class DeliveryProxy {
  deliveries = 0;
  deliveredBytes = 0;
  /** Nothing passes in either direction, and nobody is told: a line that is dead but not closed. */
  frozen = false;
  filter: DeliveryFilter = () => true;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(serverPort: number): Promise<DeliveryProxy> {
    const server = createServer();
    const proxy = new DeliveryProxy(server);
    server.on('connection', (client) => proxy.#join(client, connect(serverPort, '127.0.0.1')));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `nats://127.0.0.1:${address.port}`;
  }

  /** Cuts all connections; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #join(client: Socket, server: Socket): void {
    let rest: Buffer = Buffer.alloc(0);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (bytes) => {
      if (!this.frozen) server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (this.frozen) return;
      rest = this.#pass(Buffer.concat([rest, bytes]), client);
    });
  }

  /** Sends on the whole messages at the start of `bytes`; returns what is left. */
  #pass(bytes: Buffer, client: Socket): Buffer {
    let at = 0;
    for (;;) {
      const lineEnd = bytes.indexOf('\r\n', at);
      if (lineEnd < 0) break;
      const words = bytes.toString('latin1', at, lineEnd).split(' ');
      const isMessage = words[0] === 'MSG' || words[0] === 'HMSG';
      const end = lineEnd + 2 + (isMessage ? Number(words.at(-1)) + 2 : 0);
      if (end > bytes.length) break;
      if (this.#lets(words, end - at)) client.write(bytes.subarray(at, end));
      at = end;
    }
    return bytes.subarray(at);
  }

  #lets(words: readonly string[], size: number): boolean {
    if (!words.some((word) => word.startsWith('$JS.ACK.'))) return true;
    const lets = this.filter(this.deliveries++);
    if (lets) this.deliveredBytes += size;
    return lets;
  }
}
