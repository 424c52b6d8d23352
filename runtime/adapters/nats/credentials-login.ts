// What a connection is let in by: a credentials file, and why the server does not take it.
//
//   G1. The file is read at every connection and reconnection: it may have been renewed meanwhile. One that is gone or holds none says
//       nothing: those of before are tried.
//   G2. The server says why it cuts somebody off (`User Authentication Expired`), and `Authorization Violation` to each try from then on:
//       the first reason holds for as long as the same credentials are tried.

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Authenticator } from '@nats-io/transport-node';
import { MillraceError } from '../../base/errors.ts';
import { credentialsAuthenticator, credentialsIn, type Credentials } from './signing-key.ts';

const CUT_OFF = /authentication (expired|revoked)/i;
const EXPIRED = /user authentication expired/i;

export class CredentialsLogin {
  readonly authenticator: Authenticator;
  /** What is or was tried last. */
  #tried: Credentials;
  /** G2. */
  #told: { readonly token: string; readonly words: string } | null = null;

  private constructor(path: string, first: Credentials) {
    this.#tried = first;
    this.authenticator = credentialsAuthenticator(() => (this.#tried = credentialsNow(path) ?? this.#tried)); // G1
  }

  /** Throws MR1001 when the file holds no credentials. */
  static async open(path: string): Promise<CredentialsLogin> {
    try {
      return new CredentialsLogin(path, credentialsIn(await readFile(path)));
    } catch (error) {
      throw new MillraceError('MR1001', { path, problem: error instanceof Error ? error.message : String(error) }, error);
    }
  }

  /** What is to be said of a refusal in these words of the server. */
  explain(words: string): string {
    const { token } = this.#tried;
    if (CUT_OFF.test(words)) this.#told = { token, words };
    const reason = this.#told?.token === token ? this.#told.words : words;
    const expiryMs = expiryIn(token);
    if (expiryMs === null || !(EXPIRED.test(reason) || expiryMs <= Date.now())) return reason;
    return `${reason}: they expired at ${new Date(expiryMs).toISOString()}`;
  }
}

/** null: there are none that could be used. */
function credentialsNow(path: string): Credentials | null {
  try {
    return credentialsIn(readFileSync(path));
  } catch {
    return null;
  }
}

/** null: never, or it cannot be told. */
function expiryIn(token: string): number | null {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as { readonly exp?: unknown };
    return typeof exp === 'number' && exp > 0 ? exp * 1000 : null;
  } catch {
    return null;
  }
}
