import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll } from 'vitest';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { NatsBlobStore } from '../../runtime/adapters/nats/nats-blob-store.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import { blobContract } from '../contract/blob-contract.ts';
import { journalContract } from '../contract/journal-contract.ts';
import { startTestServer, type TestServer } from '../support/nats.ts';

let server: TestServer;
const connections: NatsConnection[] = [];

async function connected(): Promise<NatsConnection> {
  const connection = await connectNats({ url: server.url, name: 'contract' });
  connections.push(connection);
  return connection;
}

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await server.stop();
});

const bed = {
  open: async () => new NatsJournal(Link.of(await connected())),
  openBlobs: async (job: string) => NatsBlobStore.open(await connected(), job),
  crash: async () => {
    await server.kill();
    await server.restart();
  },
};

journalContract('nats-server', () => bed);
blobContract('nats-server', () => bed);
