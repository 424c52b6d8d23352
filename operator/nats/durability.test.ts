import { describe, expect, test } from 'vitest';
import type { Durability } from '../lifecycle/observed.ts';
import { durabilityOf, judge, type ServerReport } from './durability.ts';

const config = { sync_always: true, store_dir: '/data/jetstream' } as const;

function server(name: string, jetstream: ServerReport['jetstream'] = { config }, version = '2.15.2'): ServerReport {
  return { server_name: name, version, jetstream };
}

const durable: Durability = { kind: 'durable' };
const degraded = (reason: string): Durability => ({ kind: 'degraded', reason });
const unknown = (reason: string): Durability => ({ kind: 'unknown', reason });

test.each<{ fact: string; reports: readonly ServerReport[]; silent?: readonly string[]; says: Durability }>([
  { fact: 'one that syncs each write', reports: [server('n0')], says: durable },
  {
    fact: 'three that do',
    reports: ['n0', 'n1', 'n2'].map((name) => server(name, { config, meta: { cluster_size: 3 } })),
    says: durable,
  },
  { fact: 'one without streams beside it', reports: [server('n0'), server('edge', {})], says: durable },
  {
    fact: 'one of three syncs late',
    reports: [server('n0', { config, meta: { cluster_size: 2 } }), server('n1', { config: { sync_interval: 120e9 } })],
    says: degraded(
      'the NATS server n1 syncs its files every 120 s only: a power cut loses acknowledged writes; set `sync_interval: always` in its jetstream block',
    ),
  },
  {
    fact: 'one is old',
    reports: [server('n0', { config }, '2.14.9')],
    says: degraded('the NATS server n0 is 2.14.9, older than 2.15.2, and can lose acknowledged writes at a power cut; upgrade it'),
  },
  {
    fact: 'one keeps its streams where nothing lasts',
    reports: [server('n0', { config: { ...config, store_dir: '/tmp/nats/jetstream' } })],
    says: degraded('the NATS server n0 keeps its streams in /tmp/nats/jetstream, which is emptied; set `store_dir` in its jetstream block'),
  },
  {
    fact: 'one of three does not answer',
    reports: ['n0', 'n1'].map((name) => server(name, { config, meta: { cluster_size: 3 } })),
    says: unknown('whether NATS syncs each write cannot be told of all its servers: 2 of 3 answered'),
  },
  {
    fact: 'of two monitoring ports one does not answer, and the other is of a server that syncs each write',
    reports: [server('n0')],
    silent: ['http://n1:8222 does not answer'],
    says: unknown('whether NATS syncs each write cannot be told: http://n1:8222 does not answer'),
  },
  {
    fact: 'one does not answer, and one that does syncs late: that is known',
    reports: [server('n0', { config: { sync_interval: 120e9 } })],
    silent: ['http://n1:8222 does not answer'],
    says: degraded(
      'the NATS server n0 syncs its files every 120 s only: a power cut loses acknowledged writes; set `sync_interval: always` in its jetstream block',
    ),
  },
  {
    fact: 'nobody keeps streams',
    reports: [],
    says: unknown('whether NATS syncs each write cannot be told of all its servers: 0 of 1 answered'),
  },
])('$fact', ({ reports, silent, says }) => expect(judge(reports, silent)).toEqual(says));

describe('what cannot be seen is not taken for good', () => {
  test.each([
    [{ kind: 'none' } as const, degraded(expect.stringContaining('no monitoring port of its servers is known') as string)],
    [
      { kind: 'system', connection: new Promise<never>(() => undefined) } as const,
      unknown(expect.stringContaining('the system account is not connected') as string),
    ],
    [
      { kind: 'monitor', urls: 'http://127.0.0.1:1' } as const,
      unknown(expect.stringContaining('http://127.0.0.1:1 does not answer') as string),
    ],
  ])('%j', async (source, says) => expect(await durabilityOf(source)).toEqual(says));
});
