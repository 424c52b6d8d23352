// The keys of the chart's own NATS, and the accounts and credentials made with them. NATS trusts what is signed: servers have to be told
// of an account once (accounts.ts), and of its users never.
//
//   operator ── signs ──▶ account SYS (the servers' own)
//            └─ signs ──▶ an account for each namespace and each job, and one for a namespace's savepoints
//                                    └─ signs ──▶ users, each with its rights
//
//   K1. Keys are made once and kept in a Secret; who finds one uses it.
//   K2. An account's key is derived from the operator's and its name: nothing is kept, so nothing can be lost or half made.
//   K3. What is in another account does not exist for a user. In its own, its rights are all that it can do.
//   K4. The account of a namespace is the same for ever: what its jobs import of it stands in theirs. When servers are told another one,
//       the answers that are on their way out of it are lost.

import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { decode, encodeAccount, encodeOperator, encodeUser, fmtCreds, type Account, type Export, type Import } from '@nats-io/jwt';
import { Prefix } from '@nats-io/nkeys';
import { Codec } from '@nats-io/nkeys/lib/codec.js';
import { EXPORTS, IMPORT_ROOT, type ImportedSubject } from '../../runtime/adapters/nats/imported-subjects.ts';
import { SigningKey } from '../../runtime/adapters/nats/signing-key.ts';
import type { SubjectRights } from '../../runtime/adapters/nats/worker-permissions.ts';
import type { JobCredentials, UserRole } from '../reconcile/nats-side.ts';

/** What the Secret holds: `auth.conf` and `route-password` are for the server, the rest for the operator. */
export type NatsKeys = {
  /** Part of the server's configuration: whom it trusts. */
  readonly 'auth.conf': string;
  /** What three servers say to each other: in quotes and in URLs as it is. */
  readonly 'route-password': string;
  /** Seed that signs accounts, and of which theirs are derived. */
  readonly 'operator.seed': string;
  /** A user of the account SYS: tells servers of accounts, and asks them of themselves. */
  readonly 'sys.creds': string;
};

/** Users' streams · what one job lives of (by its identity) · savepoints, which outlive jobs and which no worker reaches. */
export type AccountName =
  | { readonly kind: 'namespace'; readonly namespace: string }
  | { readonly kind: 'job'; readonly identity: string }
  | { readonly kind: 'savepoints'; readonly namespace: string };

export type NatsAccount = {
  /** Its public key, by which servers know it. */
  readonly id: string;
  /** Signs its users. */
  readonly seed: string;
};

export type Credentials = { readonly text: string; readonly hash: string };

const ROUTE_PASSWORD_BYTES = 24;
const SEED_BYTES = 32;
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
 *  to those of jobs, too. So they make streams, write and read them; to change or remove one is for an
 *  `admin`. Names
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
  const operator = SigningKey.make(Prefix.Operator);
  const system = SigningKey.make(Prefix.Account);
  const systemAccount = system.getPublicKey();
  const operatorJwt = await encodeOperator('millrace', operator, { system_account: systemAccount });
  const systemJwt = await encodeAccount('SYS', system, { limits: ACCOUNT_LIMITS }, { signer: operator });
  return {
    'auth.conf': [
      `operator: ${operatorJwt}`,
      `system_account: ${systemAccount}`,
      `resolver_preload: {\n  ${systemAccount}: ${systemJwt}\n}`,
      '',
    ].join('\n'),
    'route-password': randomBytes(ROUTE_PASSWORD_BYTES).toString('hex'),
    'operator.seed': text(operator.getSeed()),
    'sys.creds': await userCredentials(text(system.getSeed()), 'operator', { pub: {}, sub: {} }),
  };
}

/** Always the same one (K2). */
export function accountOf(operatorSeed: string, account: AccountName): NatsAccount {
  const raw = new Uint8Array(hkdfSync('sha256', operatorSeed, '', purposeOf(account), SEED_BYTES));
  const seed = text(Codec.encodeSeed(Prefix.Account, raw));
  return { id: new SigningKey(seed).getPublicKey(), seed };
}

/** For people: how the servers' lists show it. */
export function accountTitle(account: AccountName): string {
  switch (account.kind) {
    case 'namespace':
      return account.namespace;
    case 'job':
      return account.identity;
    case 'savepoints':
      return `savepoints of ${account.namespace}`;
  }
}

/** No two accounts share one: names of namespaces and jobs have no space. */
function purposeOf(account: AccountName): string {
  switch (account.kind) {
    case 'namespace':
      return `account ${account.namespace}`;
    case 'job':
      return `account of job ${account.identity}`;
    case 'savepoints':
      return `account of savepoints ${account.namespace}`;
  }
}

/** What makes servers know it. Without limits: what is to be stored is not ours to guess. `imports`: of the account of a job's namespace. */
export function accountToken(operatorSeed: string, account: AccountName, imports: readonly ImportedSubject[] = []): Promise<string> {
  const { seed } = accountOf(operatorSeed, account);
  const claims = { limits: JETSTREAM_LIMITS, ...sharedBy(operatorSeed, account, imports) };
  return encodeAccount(accountTitle(account), new SigningKey(seed), claims, { signer: new SigningKey(operatorSeed) });
}

/** K4. A namespace exports to every account of this operator: who makes accounts says what they import. */
function sharedBy(operatorSeed: string, account: AccountName, imports: readonly ImportedSubject[]): Partial<Account> {
  switch (account.kind) {
    case 'namespace': {
      const moved = EXPORTS.flatMap(({ subject, goesTo }) => (goesTo === null ? [] : [[subject, [{ subject: goesTo, weight: 100 }]]]));
      return { exports: EXPORTS.map(exportOf), mappings: Object.fromEntries(moved) } as Partial<Account>;
    }
    case 'job': {
      const { id } = accountOf(operatorSeed, { kind: 'namespace', namespace: namespaceOf(account.identity) });
      return imports.length === 0 ? {} : { imports: imports.map((subject) => importOf(id, subject)) };
    }
    case 'savepoints':
      return {};
  }
}

function exportOf({ subject, answers }: (typeof EXPORTS)[number]): Export {
  return { name: subject, subject, type: 'service', response_type: answers === 'one' ? 'Singleton' : 'Stream' } as Export;
}

function importOf(account: string, { exported, local }: ImportedSubject): Import {
  return { name: local, subject: exported, account, local_subject: local, type: 'service' } as Import;
}

/** What a token of an account says that it imports. */
export function importsIn(token: string): readonly ImportedSubject[] {
  return (decode<Account>(token).nats.imports ?? []).map((one) => ({ exported: one.subject, local: one.local_subject ?? one.subject }));
}

/** Of a job's identity. */
export function namespaceOf(identity: string): string {
  return identity.slice(0, identity.indexOf('_'));
}

/** Whether two tokens say the same of the same account: when they were made does not count. */
export function saysTheSame(token: string, other: string): boolean {
  const [one, two] = [claimsOf(token), claimsOf(other)];
  return one !== null && one === two;
}

function claimsOf(token: string): string | null {
  try {
    // The server has checked who signed it.
    const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    const { iss, sub, name, nats } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return JSON.stringify([iss, sub, name, nats], inOrder);
  } catch {
    return null; // no token at all
  }
}

function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

type Rights = { readonly allow?: readonly string[]; readonly deny?: readonly string[] };

/** Text of a credentials file for a user that the account of `accountSeed` signs. It does not expire: it goes with its Secret. */
export async function userCredentials(
  accountSeed: string,
  name: string,
  { pub, sub }: { readonly pub: Rights; readonly sub: Rights },
): Promise<string> {
  const user = SigningKey.make(Prefix.User);
  const jwt = await encodeUser(name, user, new SigningKey(accountSeed), {
    ...UNLIMITED,
    pub: copy(pub),
    sub: copy(sub),
  });
  return text(fmtCreds(jwt, user));
}

/** What a job's workers are let into its account with: equal hashes need no new ones. */
export async function signedCredentials(accountSeed: string, identity: string, rights: SubjectRights): Promise<JobCredentials> {
  return { text: await workerCredentials(accountSeed, identity, rights), hash: rightsHash(accountSeed, identity, rights) };
}

/** Text of the credentials of a job's workers. */
export function workerCredentials(accountSeed: string, identity: string, { publish, subscribe }: SubjectRights): Promise<string> {
  return userCredentials(accountSeed, identity, { pub: { allow: publish }, sub: { allow: subscribe } });
}

const ROLES: Readonly<Record<UserRole, { readonly pub: Rights; readonly sub: Rights }>> = {
  app: { pub: { deny: APP_DENIED.pub }, sub: { deny: APP_DENIED.sub } },
  // What a job asks of its namespace is for its workers.
  admin: { pub: { deny: [`${IMPORT_ROOT}.>`] }, sub: {} },
};

/** Credentials for people and their applications. */
export async function roleCredentials(accountSeed: string, role: UserRole): Promise<Credentials> {
  return { text: await userCredentials(accountSeed, role, ROLES[role]), hash: roleHash(accountSeed, role) };
}

/** What credentials of a job allow, and who signed them: equal hashes need no new ones. */
export function rightsHash(accountSeed: string, identity: string, { publish, subscribe }: SubjectRights): string {
  return hashOf(accountSeed, [identity, publish, subscribe]);
}

function roleHash(accountSeed: string, role: UserRole): string {
  return hashOf(accountSeed, [role, ROLES[role]]);
}

function hashOf(accountSeed: string, rights: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify([new SigningKey(accountSeed).getPublicKey(), ...rights]))
    .digest('hex')
    .slice(0, 16);
}

function copy({ allow, deny }: Rights): { allow?: string[]; deny?: string[] } {
  return { ...(allow === undefined ? {} : { allow: [...allow] }), ...(deny === undefined ? {} : { deny: [...deny] }) };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
