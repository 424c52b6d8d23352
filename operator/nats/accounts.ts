// Makes the servers know the accounts of namespaces and jobs, over the system account, and again when one has lost them.
//
//   A1. An account that a server knows as it should be is left alone: told anew, the server goes through all its connections.
//   A2. Killed anywhere, nothing is left half done: an account is one message, and the same one each time (nats-keys.ts, K2).
//   A3. What was registered is looked for every LOOK_MS, and whenever the connection came back, on all servers that answer.
//   A4. Until the servers were reached, who asks is told why.
//   A5. Accounts are never removed: streams stay when a namespace goes, as they do when a StreamJob goes. One without streams costs
//       the servers a small file.
//   A6. A job's account imports of that of its namespace, which servers know first. What it imports stands in their token of it: an
//       operator that starts anew leaves it so.

import { writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { AuthorizationError, NoRespondersError, type NatsConnection } from '@nats-io/transport-node';
import type { ImportedSubject } from '../../runtime/adapters/nats/imported-subjects.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectPatiently, type NatsAddress } from '../../runtime/adapters/nats/nats-connection.ts';
import { assert } from '../../runtime/base/assert.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import {
  accountOf,
  accountTitle,
  accountToken,
  importsIn,
  saysTheSame,
  type AccountName,
  type NatsAccount,
  type NatsKeys,
} from './nats-keys.ts';

type System = { readonly connection: NatsConnection; readonly operatorSeed: string };

export type AccountsParts = {
  readonly clock: Clock;
  /** A new reason, for the log. */
  readonly onTrouble: (reason: string) => void;
};

export type SystemParts = {
  readonly keys: () => Promise<NatsKeys>;
  /** The Secret that they are from. */
  readonly secret: string;
  /** Its credentials file is made here. */
  readonly address: NatsAddress & { readonly credentials: string };
  readonly onConnected: (version: string) => void;
};

/** `imports`: of the account of its namespace. */
type Known = { readonly name: AccountName; readonly imports: readonly ImportedSubject[] };

type Answer = {
  readonly data?: { readonly code?: number } | readonly string[] | null;
  readonly error?: { readonly description?: string };
};

const LOOK_MS = 5_000;
const ANSWER_MS = 3_000;
/** A server that has not answered by then, after others did, is down or cut off. */
const OTHERS_MS = 500;

export class Accounts {
  readonly #parts: AccountsParts;
  /** By id. */
  readonly #known = new Map<string, Known>();
  #system: System | null = null;
  #problem = new Error('the first connection is being made');
  #mending: Promise<void> | null = null;
  readonly #registering = new Map<string, Promise<void>>();
  #listing: Promise<ReadonlySet<string>> | null = null;

  constructor(parts: AccountsParts) {
    this.#parts = parts;
  }

  get up(): boolean {
    return this.#system !== null && Link.of(this.#system.connection).up;
  }

  /** Why the servers are not reached yet (A4). */
  note(problem: Error): void {
    if (problem.message !== this.#problem.message) this.#parts.onTrouble(problem.message);
    this.#problem = problem;
  }

  /** Connects, however long it takes; from then on what is registered is looked after. */
  async start({ keys, secret, address, onConnected }: SystemParts): Promise<NatsConnection> {
    const { 'operator.seed': operatorSeed, 'sys.creds': credentials } = await keys();
    await writeFile(address.credentials, credentials, { mode: 0o600 });
    const onWait = (error: Error): void => this.note(systemProblem(error, secret));
    const connection = await connectPatiently(address, { signal: new AbortController().signal, onWait });
    assert(connection !== null, 'nobody gives up connecting');
    this.#begin({ connection, operatorSeed });
    onConnected(connection.info?.version ?? '');
    return connection;
  }

  /** A3. */
  #begin(system: System): void {
    this.#system = system;
    const { connection } = system;
    Link.of(connection).listen((up) => (up ? void this.#mend(system) : undefined));
    void (async () => {
      while (!connection.isClosed()) {
        await this.#parts.clock.sleep(LOOK_MS);
        await this.#mend(system);
      }
    })();
  }

  /** Resolves when a server knows the account. Rejects with the reason (A4). */
  async register(name: AccountName): Promise<NatsAccount> {
    if (this.#system === null) throw this.#problem;
    const account = accountOf(this.#system.operatorSeed, name);
    if (this.#known.has(account.id)) return account;
    const known = this.#registering.get(account.id);
    const registering = known ?? this.#register(this.#system, name, account.id).finally(() => this.#registering.delete(account.id));
    this.#registering.set(account.id, registering);
    await registering;
    return account;
  }

  async #register(system: System, name: AccountName, id: string): Promise<void> {
    const isThere = (await this.#list(system.connection)).has(id);
    const found = isThere ? await tokenOf(system.connection, id) : null;
    const account = { name, imports: found === null ? [] : importsIn(found) };
    await this.#tell(system, account, found);
    this.#known.set(id, account);
  }

  /** The account of a job imports these and nothing else. Rejects with the reason when servers can't be told. */
  async setImports(identity: string, imports: readonly ImportedSubject[]): Promise<void> {
    const name = { kind: 'job', identity } as const;
    const { id } = await this.register(name);
    if (this.#system === null || isDeepStrictEqual(this.#known.get(id)?.imports, imports)) return;
    await this.#tell(this.#system, { name, imports }, null);
    this.#known.set(id, { name, imports });
  }

  /** Hundreds of jobs may ask at once: they share an answer. */
  #list(connection: NatsConnection): Promise<ReadonlySet<string>> {
    this.#listing ??= asked(connection, '$SYS.REQ.CLAIMS.LIST', '')
      .then((answer) => new Set(namesIn(answer)))
      .finally(() => (this.#listing = null));
    return this.#listing;
  }

  /** A1. */
  async #tell({ connection, operatorSeed }: System, { name, imports }: Known, found: string | null): Promise<void> {
    const token = await accountToken(operatorSeed, name, imports);
    if (found !== null && saysTheSame(found, token)) return;
    const { data, error } = await asked(connection, '$SYS.REQ.CLAIMS.UPDATE', token);
    if (error !== undefined || (data as { readonly code?: number } | undefined)?.code !== 200)
      throw new Error(`NATS does not take the account ${accountTitle(name)}: ${error?.description ?? JSON.stringify(data)}`);
  }

  /** One at a time. */
  #mend(system: System): Promise<void> {
    this.#mending ??= this.#look(system)
      .catch((error: unknown) => this.#parts.onTrouble(`accounts: ${error instanceof Error ? error.message : String(error)}`))
      .finally(() => (this.#mending = null));
    return this.#mending;
  }

  async #look(system: System): Promise<void> {
    if (!this.up || this.#known.size === 0) return;
    // What is told while servers answer may be missing in their answers. Accounts that are imported from come first (A6).
    const known = [...this.#known].sort(([, a], [, b]) => Number(a.name.kind === 'job') - Number(b.name.kind === 'job'));
    const lists = await listsOf(system.connection);
    if (lists.length === 0) return; // nobody answers: the connection is about to say so
    for (const [id, account] of known) {
      if (lists.every((list) => list.has(id))) continue;
      await this.#tell(system, account, null);
      this.#parts.onTrouble(`a server had lost the account ${accountTitle(account.name)}: it was told again`);
    }
  }
}

/** Why a connection as the system account failed. */
function systemProblem(error: Error, secret: string): Error {
  if (!(error.cause instanceof AuthorizationError)) return error;
  return new Error(
    `${error.message}: it does not accept the keys of the Secret ${secret}, so it was started with others. ` +
      `Restart the pods of NATS: they read the Secret when they start`,
    { cause: error },
  );
}

async function asked(connection: NatsConnection, subject: string, body: string): Promise<Answer> {
  try {
    return (await connection.request(subject, body, { timeout: ANSWER_MS })).json<Answer>();
  } catch (error) {
    if (error instanceof NoRespondersError || (error as Error).cause instanceof NoRespondersError)
      throw new Error('NATS keeps no accounts: its configuration needs `resolver: { type: full, … }`, as the chart writes it', {
        cause: error,
      });
    throw error;
  }
}

function namesIn({ data }: Answer): readonly string[] {
  return Array.isArray(data) ? (data as readonly string[]) : [];
}

/** What a server has of an account that it lists; null: it went away meanwhile. */
async function tokenOf(connection: NatsConnection, id: string): Promise<string | null> {
  const answer = await connection.request(`$SYS.REQ.ACCOUNT.${id}.CLAIMS.LOOKUP`, '', { timeout: ANSWER_MS });
  return answer.data.length === 0 ? null : answer.string();
}

/** Of each server that answers. */
async function listsOf(connection: NatsConnection): Promise<readonly ReadonlySet<string>[]> {
  const answers = await connection.requestMany('$SYS.REQ.CLAIMS.LIST', '', { strategy: 'stall', maxWait: ANSWER_MS, stall: OTHERS_MS });
  const lists: ReadonlySet<string>[] = [];
  for await (const message of answers) {
    if (message instanceof Error) throw message;
    lists.push(new Set(namesIn(message.json<Answer>())));
  }
  return lists;
}
