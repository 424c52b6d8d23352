// The API server of the cluster by `kubectl proxy`: for many small requests, each of which kubectl would take longer to start.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { inject } from 'vitest';

export type ApiAnswer = { readonly status: number; readonly message: string };

export class ApiProxy {
  readonly #child: ChildProcess;
  readonly #url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.#url = url;
  }

  static async start(): Promise<ApiProxy> {
    const { kubectl, env } = inject('bed');
    const args = ['proxy', '--address=127.0.0.1', '--port=0'];
    const child = spawn(kubectl, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const port = /127\.0\.0\.1:(\d+)/.exec(said.toString())?.[1];
    if (port === undefined) throw new Error(`kubectl proxy says ${said.toString()}`);
    return new ApiProxy(child, `http://127.0.0.1:${port}`);
  }

  /** `message`: why it was refused, or empty. */
  async create(path: string, object: unknown): Promise<ApiAnswer> {
    const response = await fetch(`${this.#url}${path}?fieldValidation=Strict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(object),
    });
    const text = await response.text();
    return { status: response.status, message: response.ok ? '' : messageOf(text) };
  }

  async stop(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }
}

function messageOf(text: string): string {
  try {
    return String((JSON.parse(text) as { readonly message?: unknown }).message);
  } catch {
    return text;
  }
}
