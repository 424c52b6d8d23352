// Who administers an existing NATS: gives credentials of an account out, for a while or for ever, and takes them back.
import { decode, encodeAccount, encodeUser, fmtCreds, type Account } from '@nats-io/jwt';
import { Prefix } from '@nats-io/nkeys';
import type { KeyedServer } from '../../../operator/nats/keyed-server-harness.ts';
import type { NatsAccount } from '../../../operator/nats/nats-keys.ts';
import { credentialsIn, SigningKey } from '../../../runtime/adapters/nats/signing-key.ts';

const ANSWER_MS = 20_000;
const UNLIMITED = { subs: -1, data: -1, payload: -1 };

export class IssuedCredentials {
  readonly #server: KeyedServer;
  readonly #account: NatsAccount;
  readonly #revoked: Record<string, number> = {};

  private constructor(server: KeyedServer, account: NatsAccount) {
    this.#server = server;
    this.#account = account;
  }

  static async of(server: KeyedServer, account: string): Promise<IssuedCredentials> {
    return new IssuedCredentials(server, await server.account(account));
  }

  /** Of a new user with all rights; `lifeS`: until they expire. */
  async make({ lifeS }: { readonly lifeS?: number } = {}): Promise<string> {
    const user = SigningKey.make(Prefix.User);
    const options = lifeS === undefined ? {} : { exp: nowS() + lifeS };
    const token = await encodeUser('millrace', user, new SigningKey(this.#account.seed), UNLIMITED, options);
    return new TextDecoder().decode(fmtCreds(token, user));
  }

  isExpired(credentials: string): boolean {
    return claimsOf(credentials).exp! <= nowS();
  }

  /** As people write it. */
  expiryOf(credentials: string): string {
    return new Date(claimsOf(credentials).exp! * 1000).toISOString();
  }

  /** The account takes them back. */
  async revoke(credentials: string): Promise<void> {
    this.#revoked[claimsOf(credentials).sub] = nowS() + 1;
    const system = await this.#server.connect(this.#server.keys['sys.creds']);
    if (typeof system === 'string') throw new Error(system);
    const found = await system.request(`$SYS.REQ.ACCOUNT.${this.#account.id}.CLAIMS.LOOKUP`, '', { timeout: ANSWER_MS });
    const { name, nats } = decode<Account>(found.string());
    const claims = { ...nats, revocations: this.#revoked };
    const signer = new SigningKey(this.#server.keys['operator.seed']);
    const token = await encodeAccount(name, new SigningKey(this.#account.seed), claims, { signer });
    const answer = await system.request('$SYS.REQ.CLAIMS.UPDATE', token, { timeout: ANSWER_MS });
    if (!answer.string().includes('"code":200')) throw new Error(answer.string());
    await system.close();
  }
}

function claimsOf(credentials: string): { readonly sub: string; readonly exp?: number } {
  return decode(credentialsIn(Buffer.from(credentials)).token);
}

function nowS(): number {
  return Math.floor(Date.now() / 1000);
}
