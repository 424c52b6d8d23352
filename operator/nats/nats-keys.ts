// The keys of the chart's own NATS, and the credentials made with them. NATS trusts what is signed: a job gets its rights by a
// signature of the operator, and no server has to be told.
//
//   operator ── signs ──▶ accounts SYS (the server's own) and MILLRACE (all jobs) ── signs ──▶ users, each with its rights
//
//   K1. Keys are made once and kept in a Secret; who finds one uses it.
//   K2. Of the operator key nothing is kept: it signs the two accounts and is forgotten.
//   K3. A user's rights are all it can do: what is not allowed is denied by the server.

import { createHash, randomBytes } from 'node:crypto';
import { encodeAccount, encodeOperator, encodeUser, fmtCreds } from '@nats-io/jwt';
import { createAccount, createOperator, createUser, fromSeed } from '@nats-io/nkeys';
import type { WorkerPermissions } from '../../runtime/adapters/nats/worker-permissions.ts';

/** What the Secret holds: `auth.conf` and `route-password` are for the server, the rest for operator and applications. */
export type NatsKeys = {
  /** Part of the server's configuration: whom it trusts. */
  readonly 'auth.conf': string;
  /** What three servers say to each other: in quotes and in URLs as it is. */
  readonly 'route-password': string;
  /** Seed that signs users of the account MILLRACE. */
  readonly 'account.seed': string;
  /** The operator's own user: all of the account. */
  readonly 'operator.creds': string;
  /** A user of the account SYS: what servers tell of themselves. */
  readonly 'sys.creds': string;
  /** For applications that feed jobs and read results: everything but what is Millrace's own. */
  readonly 'app.creds': string;
};

const ROUTE_PASSWORD_BYTES = 24;
/** `_INBOX.<identity>.<connection>.<request>`: those of everybody else have no identity between. */
const WORKER_INBOXES = '_INBOX.*.*.>';
const UNLIMITED = { subs: -1, data: -1, payload: -1 } as const;
/** A limit that is left out is 0: nobody could connect. */
const ACCOUNT_LIMITS = { ...UNLIMITED, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 } as const;
const JETSTREAM_LIMITS = {
  ...ACCOUNT_LIMITS,
  mem_storage: -1,
  disk_storage: -1,
  streams: -1,
  consumer: -1,
};

/** Streams are named in one token, so a right cannot end within a name: what applications may do to streams of their own, they may do
 *  to those of jobs, too. So they make streams, write and read them; to change or remove one is for who has `operator.creds`. Names
 *  of consumers are drawn and told nobody (adapters/nats/nats-reader.ts, N5): who may not list them cannot disturb a worker. */
const APP_DENIED = {
  pub: [
    'mr.>',
    '$KV.>',
    WORKER_INBOXES,
    ...['DELETE', 'UPDATE', 'PURGE', 'RESTORE', 'SNAPSHOT', 'MSG.DELETE', 'LEADER', 'PEER', 'CANCEL_MOVE'].map(
      (verb) => `$JS.API.STREAM.${verb}.>`,
    ),
    ...['NAMES', 'LIST', 'LEADER', 'PEER'].map((verb) => `$JS.API.CONSUMER.${verb}.>`),
  ],
  // Requests pass by on their subjects: who hears them sees names, and may answer them.
  sub: ['mr.>', '$KV.>', '$JS.>', WORKER_INBOXES],
} as const;

/** Makes new keys. */
export async function makeNatsKeys(): Promise<NatsKeys> {
  const operator = createOperator();
  const system = createAccount();
  const account = createAccount();
  const systemAccount = system.getPublicKey();
  const operatorJwt = await encodeOperator('millrace', operator, { system_account: systemAccount });
  const systemJwt = await encodeAccount('SYS', system, { limits: ACCOUNT_LIMITS }, { signer: operator });
  const accountJwt = await encodeAccount('MILLRACE', account, { limits: JETSTREAM_LIMITS }, { signer: operator });
  const seed = text(account.getSeed());
  return {
    'auth.conf': [
      `operator: ${operatorJwt}`,
      `system_account: ${systemAccount}`,
      'resolver: MEMORY',
      `resolver_preload: {\n  ${systemAccount}: ${systemJwt}\n  ${account.getPublicKey()}: ${accountJwt}\n}`,
      '',
    ].join('\n'),
    'route-password': randomBytes(ROUTE_PASSWORD_BYTES).toString('hex'),
    'account.seed': seed,
    'operator.creds': await userCredentials(seed, 'operator', { pub: {}, sub: {} }),
    'sys.creds': await userCredentials(text(system.getSeed()), 'operator', { pub: {}, sub: {} }),
    'app.creds': await userCredentials(seed, 'app', { pub: { deny: APP_DENIED.pub }, sub: { deny: APP_DENIED.sub } }),
  };
}

type Rights = { readonly allow?: readonly string[]; readonly deny?: readonly string[] };

/** Text of a credentials file for a user that the account of `accountSeed` signs. It does not expire: it goes with its Secret. */
export async function userCredentials(
  accountSeed: string,
  name: string,
  { pub, sub }: { readonly pub: Rights; readonly sub: Rights },
): Promise<string> {
  const user = createUser();
  const jwt = await encodeUser(name, user, fromSeed(new TextEncoder().encode(accountSeed)), {
    ...UNLIMITED,
    pub: copy(pub),
    sub: copy(sub),
  });
  return text(fmtCreds(jwt, user));
}

/** Credentials of a job's workers. */
export function workerCredentials(accountSeed: string, identity: string, { publish, subscribe }: WorkerPermissions): Promise<string> {
  return userCredentials(accountSeed, identity, { pub: { allow: publish }, sub: { allow: subscribe } });
}

/** What credentials of a job allow, and who signed them: equal hashes need no new ones. */
export function rightsHash(accountSeed: string, identity: string, { publish, subscribe }: WorkerPermissions): string {
  const signer = fromSeed(new TextEncoder().encode(accountSeed)).getPublicKey();
  return createHash('sha256')
    .update(JSON.stringify([signer, identity, publish, subscribe]))
    .digest('hex')
    .slice(0, 16);
}

function copy({ allow, deny }: Rights): { allow?: string[]; deny?: string[] } {
  return { ...(allow === undefined ? {} : { allow: [...allow] }), ...(deny === undefined ? {} : { deny: [...deny] }) };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
