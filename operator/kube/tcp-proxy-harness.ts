// A TCP proxy before an API server, for tests: it cuts, holds or refuses connections when told.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type TcpProxy = {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  /** Connections that were accepted so far. */
  readonly accepted: () => number;
  /** Ends every connection that stands, without a goodbye. */
  readonly cut: () => number;
  /** `pass`: on to the server; `hold`: nothing gets through, old and new connections stay open; `refuse`: new ones end at once, so many of
   *  them if that is said, and then it passes. */
  readonly set: (mode: 'pass' | 'hold' | 'refuse', until?: { readonly connections: number }) => void;
  readonly stop: () => Promise<void>;
};

export async function startTcpProxy(targetUrl: string): Promise<TcpProxy> {
  const target = new URL(targetUrl);
  const pairs = new Set<readonly [Socket, Socket]>();
  let mode: 'pass' | 'hold' | 'refuse' = 'pass';
  let accepted = 0;
  let refusals = Infinity;
  const server = createServer((client) => {
    accepted++;
    if (mode === 'refuse' && refusals-- > 0) return void client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('data', (bytes) => mode !== 'hold' && to.write(bytes));
      from.on('close', end);
      from.on('error', end);
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const cut = (): number => {
    const all = [...pairs];
    for (const [client, upstream] of all) {
      client.resetAndDestroy();
      upstream.destroy();
    }
    return all.length;
  };
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted: () => accepted,
    cut,
    set: (next, { connections } = { connections: Infinity }) => {
      [mode, refusals] = [next, connections];
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
