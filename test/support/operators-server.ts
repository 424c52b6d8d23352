// What tests of operated jobs begin with: a server, and the connection of who runs the jobs.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { endPods } from '../../runtime/pod/pod-harness.ts';
import { startTestServer, type TestServer } from './nats.ts';

type AnyServer = { readonly url: string; stop(): Promise<void> };
type Operators<S> = { readonly server: S; readonly admin: NatsConnection };

/** For all tests of the file, from their beginning on. Pods that a test leaves are ended behind it. `start`: of another server. */
export function operatorsServer(): Operators<TestServer>;
export function operatorsServer<S extends AnyServer>(start: () => Promise<S>): Operators<S>;
export function operatorsServer(start: () => Promise<AnyServer> = startTestServer): Operators<AnyServer> {
  const own: { server?: AnyServer; admin?: NatsConnection } = {};
  beforeAll(async () => {
    own.server = await start();
    own.admin = await connectNats({ url: own.server.url, name: 'operator' });
  });
  afterEach(endPods);
  afterAll(async () => {
    await own.admin?.close();
    await own.server?.stop();
  });
  return {
    get server() {
      return own.server!;
    },
    get admin() {
      return own.admin!;
    },
  };
}
