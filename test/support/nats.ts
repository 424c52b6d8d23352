// A real nats-server for one test: own folder, own port, killable, and started again on the same port and store.
//
//   const server = await startTestServer();
//   afterAll(() => server.stop());
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { maxPayloadBytesDefault, serverConfigText } from '../../cli/local/server-config.ts';
import { freePort, startServerProcess, type ServerProcess } from '../../cli/local/server-process.ts';
import { findNatsServer } from '../../cli/setup/nats-server.mjs';

export type TestServerOptions = {
  /** `sync_interval: always`. Default false: tests kill processes, not machines. */
  readonly syncAlways?: boolean;
  readonly maxPayloadBytes?: number;
};

export interface TestServer {
  /** `nats://127.0.0.1:PORT`; stays the same over kill and restart. */
  readonly url: string;
  readonly port: number;
  /** Of the running nats-server; 0 while it is down. */
  readonly pid: number;
  readonly logPath: string;
  /** SIGKILL; resolves when it is gone. Its store stays. */
  kill(): Promise<void>;
  /** Ends it by SIGTERM when it runs, then starts it on the same port and store. Resolves when JetStream answers. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Starts one. Throws when the machine has no nats-server (`npm test` gets one). */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const binary = findNatsServer().path;
  const folder = await mkdtemp(join(tmpdir(), 'millrace-nats-'));
  const port = await freePort();
  const serverName = `test-${port}-${process.pid}`;
  const configPath = join(folder, 'nats.conf');
  const logPath = join(folder, 'nats.log');
  const storeFolder = join(folder, 'store');
  await mkdir(storeFolder);
  const durability = options.syncAlways === true ? 'machine' : 'process';
  const maxPayloadBytes = options.maxPayloadBytes ?? maxPayloadBytesDefault;
  await writeFile(configPath, serverConfigText({ serverName, port, storeFolder, durability, maxPayloadBytes }));

  const start = (): Promise<ServerProcess> => startServerProcess({ binary, configPath, serverName, port, logPath, restartsMax: 0 });
  let running: ServerProcess | null = await start();
  const down = async (end: (server: ServerProcess) => Promise<void>): Promise<void> => {
    const server = running;
    running = null;
    if (server !== null) await end(server);
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    get pid() {
      return running?.pid ?? 0;
    },
    logPath,
    kill: () => down((server) => server.kill()),
    restart: async () => {
      await down((server) => server.stop());
      running = await start();
    },
    stop: async () => {
      await down((server) => server.stop());
      await rm(folder, { recursive: true, force: true });
    },
  };
}
