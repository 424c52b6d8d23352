// NATS of the cluster, reached from this machine: through kubectl's port-forward, which is begun again when it ends.

import { spawn, type ChildProcess } from 'node:child_process';
import { inject } from 'vitest';
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { freePort } from '../../../cli/local/server-process.ts';
import { get, release, systemNamespace } from './programs.ts';

export type ClusterNats = {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  close(): Promise<void>;
};

type Secret = { readonly data: Readonly<Record<string, string>> };

export function secretText({ data }: Secret, key: string): string {
  return Buffer.from(data[key] ?? '', 'base64').toString();
}

/** Credentials of the Secret `<release>-millrace-nats-keys`: `operator.creds`, `app.creds`, … */
export async function credentialsOf(key: string): Promise<string> {
  const secret = await get<Secret>('secret', systemNamespace, `${release}-nats-keys`);
  if (secret === null) throw new Error('the Secret with the keys of NATS is not there');
  return secretText(secret, key);
}

export async function connectClusterNats(credentials: string, options: { readonly inboxPrefix?: string } = {}): Promise<ClusterNats> {
  const forward = await Forward.start();
  const connection = await connect({
    servers: `127.0.0.1:${forward.port}`,
    authenticator: credsAuthenticator(new TextEncoder().encode(credentials)),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    waitOnFirstConnect: true,
    timeout: 5_000,
    ...options,
  });
  return {
    connection,
    js: jetstream(connection, { timeout: 10_000 }),
    jsm: await jetstreamManager(connection, { checkAPI: false, timeout: 10_000 }),
    close: async () => {
      await connection.close();
      forward.stop();
    },
  };
}

class Forward {
  readonly port: number;
  #child: ChildProcess | null = null;
  #stopped = false;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<Forward> {
    const forward = new Forward(await freePort());
    forward.#begin();
    return forward;
  }

  #begin(): void {
    const { kubectl, env } = inject('bed');
    const args = ['port-forward', '-n', systemNamespace, `service/${release}-nats`, `${this.port}:4222`, '--address', '127.0.0.1'];
    this.#child = spawn(kubectl, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
    this.#child.once('close', () => {
      if (!this.#stopped) setTimeout(() => this.#stopped || this.#begin(), 200);
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#child?.kill('SIGKILL');
  }
}
