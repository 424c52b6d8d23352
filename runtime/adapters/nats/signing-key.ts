// A key of NATS (nkey) that signs by Node's own Ed25519. The client's is plain JavaScript, some hundred times as slow: an operator that
// meets hundreds of jobs at once would stand still for a minute.

import { createPrivateKey, createPublicKey, randomBytes, sign, verify, type KeyObject } from 'node:crypto';
import type { Authenticator } from '@nats-io/transport-node';
import { Prefix, type KeyPair } from '@nats-io/nkeys';
import { Codec } from '@nats-io/nkeys/lib/codec.js';

/** What stands before a raw seed in PKCS #8 (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const KEY_BYTES = 32;
/** A token, then a seed, each between lines of dashes. */
const CREDENTIALS = /-{3,}[^\n]*-{3,}\s*\n\s*(\S+)\s*\n-{3,}[^\n]*-{3,}/g;

export class SigningKey implements KeyPair {
  readonly #seed: Uint8Array;
  readonly #raw: Uint8Array;
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly #id: string;

  /** The key of a seed in its text form. Throws for what is none. */
  constructor(seed: string | Uint8Array) {
    this.#seed = typeof seed === 'string' ? new TextEncoder().encode(seed) : seed;
    const { buf, prefix } = Codec.decodeSeed(this.#seed);
    this.#raw = buf;
    this.#private = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, buf]), format: 'der', type: 'pkcs8' });
    this.#public = createPublicKey(this.#private);
    this.#id = new TextDecoder().decode(Codec.encode(prefix, this.#rawPublic()));
  }

  /** A new one. */
  static make(prefix: Prefix): SigningKey {
    return new SigningKey(Codec.encodeSeed(prefix, new Uint8Array(randomBytes(KEY_BYTES))));
  }

  getPublicKey(): string {
    return this.#id;
  }

  getPrivateKey(): Uint8Array {
    return Codec.encode(Prefix.Private, new Uint8Array(Buffer.concat([this.#raw, this.#rawPublic()])));
  }

  getSeed(): Uint8Array {
    return this.#seed;
  }

  sign(input: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, input, this.#private));
  }

  verify(input: Uint8Array, signature: Uint8Array): boolean {
    return verify(null, input, this.#public, signature);
  }

  clear(): void {}

  seal(): Uint8Array {
    throw new Error('a signing key seals nothing');
  }

  open(): Uint8Array | null {
    throw new Error('a signing key opens nothing');
  }

  #rawPublic(): Uint8Array {
    return new Uint8Array(this.#public.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES));
  }
}

export type Credentials = { readonly token: string; readonly key: SigningKey };

/** Of the content of a credentials file. Throws for what is none. */
export function credentialsIn(content: Uint8Array): Credentials {
  const [token, seed] = [...Buffer.from(content).toString('utf8').matchAll(CREDENTIALS)].map(([, part]) => part);
  if (token === undefined || seed === undefined) throw new Error('credentials have a token and a seed, each between lines of dashes');
  return { token, key: new SigningKey(seed) };
}

/** As the client's credsAuthenticator. `read` gives what a credentials file holds, at every connection anew. */
export function credentialsAuthenticator(read: () => Credentials): Authenticator {
  return (nonce) => {
    const { token, key } = read();
    const signature = nonce === undefined ? '' : Buffer.from(key.sign(Buffer.from(nonce))).toString('base64url');
    return { jwt: token, nkey: key.getPublicKey(), sig: signature };
  };
}
