// A service of the cluster at a free port of 127.0.0.1: by kubectl's port-forward, which is begun again when it ends.

import { spawn, type ChildProcess } from 'node:child_process';
import { inject } from 'vitest';
import { freePort } from '../../../cli/local/server-process.ts';

export type Forwarded = {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  /** An address of this machine where the port is the service's own; absent: 127.0.0.1, with a free port. */ readonly address?: string;
};

const AGAIN_MS = 200;

export class PortForward {
  /** Of this machine. */
  readonly port: number;
  readonly #to: Forwarded;
  #child: ChildProcess | null = null;
  #stopped = false;

  private constructor(port: number, to: Forwarded) {
    this.port = port;
    this.#to = to;
  }

  /** It may take a moment until the port answers. */
  static async start(to: Forwarded): Promise<PortForward> {
    const forward = new PortForward(to.address === undefined ? await freePort() : to.port, to);
    forward.#begin();
    return forward;
  }

  #begin(): void {
    const { kubectl, env } = inject('bed');
    const { namespace, service, port, address = '127.0.0.1' } = this.#to;
    const args = ['port-forward', '-n', namespace, `service/${service}`, `${this.port}:${port}`, '--address', address];
    this.#child = spawn(kubectl, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
    this.#child.once('close', () => {
      if (!this.#stopped) setTimeout(() => this.#stopped || this.#begin(), AGAIN_MS);
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#child?.kill('SIGKILL');
  }
}
