// A real NATS server that says of itself, on the wire and on its monitoring port, that it is of another version.
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export type OtherVersion = {
  readonly url: string;
  readonly monitorUrl: string;
  /** What clients are told from now on; null: the truth. Those that are connected are cut off. */
  greetsAs(version: string | null): void;
  /** What the monitoring port tells from now on; null: the truth. */
  tellsAs(version: string | null): void;
  /** The server that the monitoring port is of from now on. */
  monitors(monitorUrl: string): void;
  stop(): Promise<void>;
};

const LINE_END = '\r\n';

export async function startOtherVersion(server: { readonly url: string; readonly monitorUrl: string }): Promise<OtherVersion> {
  const sockets = new Set<Socket>();
  let [greeted, told, monitored]: [string | null, string | null, string] = [null, null, server.monitorUrl];
  const target = new URL(server.url);
  const wire = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const end = (): void => {
      for (const socket of [client, upstream]) {
        sockets.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of [client, upstream]) sockets.add(socket.on('close', end).on('error', end));
    client.on('data', (bytes) => upstream.write(bytes));
    // The server introduces itself again when it has let a client in.
    let rest = '';
    upstream.on('data', (bytes) => {
      if (greeted === null) return void client.write(bytes);
      const lines = (rest + bytes.toString('latin1')).split(LINE_END);
      rest = lines.pop() ?? '';
      for (const line of lines)
        client.write(Buffer.from(`${line.startsWith('INFO ') ? withVersion(line, greeted) : line}${LINE_END}`, 'latin1'));
    });
  });
  const onRequest: RequestListener = (request, response) => {
    void fetch(new URL(request.url ?? '', monitored)).then(
      async (answer) => {
        const text = await answer.text();
        response.writeHead(answer.status, { 'content-type': 'application/json' });
        response.end(told === null ? text : withVersion(text, told));
      },
      () => response.destroy(),
    );
  };
  const monitor = createHttpServer(onRequest);
  await Promise.all([listening(wire), listening(monitor)]);
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    url: `nats://127.0.0.1:${portOf(wire)}`,
    monitorUrl: `http://127.0.0.1:${portOf(monitor)}`,
    greetsAs: (version) => {
      greeted = version;
      cut();
    },
    tellsAs: (version) => (told = version),
    monitors: (url) => (monitored = url),
    stop: async () => {
      monitor.closeAllConnections();
      const closed = [wire, monitor].map((one) => new Promise((resolve) => one.close(resolve)));
      cut();
      await Promise.all(closed);
    },
  };
}

function withVersion(text: string, version: string): string {
  const other = text.replace(/"version":\s*"[^"]+"/, `"version":"${version}"`);
  if (other === text) throw new Error(`no version to replace in ${text.slice(0, 200)}`);
  return other;
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => void server.listen(0, '127.0.0.1', resolve));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
