import { describe, expect, test } from 'vitest';
import { durabilityProblem, judge, type ServerReport } from './durability.ts';

const config = { sync_always: true, store_dir: '/data/jetstream' } as const;

function server(name: string, jetstream: ServerReport['jetstream'] = { config }, version = '2.15.2'): ServerReport {
  return { server_name: name, version, jetstream };
}

test.each<{ fact: string; reports: readonly ServerReport[]; says: string | null }>([
  { fact: 'one that syncs each write', reports: [server('n0')], says: null },
  {
    fact: 'three that do',
    reports: ['n0', 'n1', 'n2'].map((name) => server(name, { config, meta: { cluster_size: 3 } })),
    says: null,
  },
  { fact: 'one without streams beside it', reports: [server('n0'), server('edge', {})], says: null },
  {
    fact: 'one of three syncs late',
    reports: [server('n0', { config, meta: { cluster_size: 2 } }), server('n1', { config: { sync_interval: 120e9 } })],
    says: 'the NATS server n1 syncs its files every 120 s only: a power cut loses acknowledged writes; set `sync_interval: always` in its jetstream block',
  },
  {
    fact: 'one is old',
    reports: [server('n0', { config }, '2.14.9')],
    says: 'the NATS server n0 is 2.14.9, older than 2.15.2, and can lose acknowledged writes at a power cut; upgrade it',
  },
  {
    fact: 'one keeps its streams where nothing lasts',
    reports: [server('n0', { config: { ...config, store_dir: '/tmp/nats/jetstream' } })],
    says: 'the NATS server n0 keeps its streams in /tmp/nats/jetstream, which is emptied; set `store_dir` in its jetstream block',
  },
  {
    fact: 'one of three does not answer',
    reports: ['n0', 'n1'].map((name) => server(name, { config, meta: { cluster_size: 3 } })),
    says: 'whether NATS syncs each write cannot be told of all its servers: 2 of 3 answered',
  },
  { fact: 'nobody keeps streams', reports: [], says: 'whether NATS syncs each write cannot be told of all its servers: 0 of 1 answered' },
])('$fact', ({ reports, says }) => expect(judge(reports)).toBe(says));

describe('what cannot be seen is not taken for good', () => {
  test.each([
    [{ kind: 'none' } as const, 'no monitoring port of its servers is known'],
    [{ kind: 'system', connection: Promise.resolve(null) } as const, 'the system account is not connected'],
    [{ kind: 'monitor', urls: 'http://127.0.0.1:1' } as const, 'http://127.0.0.1:1 does not answer'],
  ])('%j', async (source, says) => expect(await durabilityProblem(source)).toContain(says));
});
