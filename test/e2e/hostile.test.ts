// Bad StreamJobs on the real cluster: each is refused with words that help, no pod is made for any of them, and a job beside them
// does not notice.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operatorRefusals } from '../declarations/cluster/operator-refusals.ts';
import { connectors } from '../declarations/cluster/refused/connectors.ts';
import { feedback } from '../declarations/cluster/refused/feedback.ts';
import { hostile } from '../declarations/cluster/refused/hostile.ts';
import { names } from '../declarations/cluster/refused/names.ts';
import { shape } from '../declarations/cluster/refused/shape.ts';
import { stages } from '../declarations/cluster/refused/stages.ts';
import type { Manifest } from '../declarations/cluster/sample.ts';
import { ApiProxy } from './support/api-proxy.ts';
import type { StreamJobStatus } from '../../crds/stream-job/status.ts';
import {
  condition,
  makeNamespace,
  pods,
  removeNamespace,
  status,
  untilCondition,
  untilReady,
  type PodObject,
  type StreamJobObject,
} from './support/jobs.ts';
import { applyLoadJob, loadJob, makeLoadStream, problemsOf, resultsOf, Sender } from './support/load.ts';
import { workerImage } from './support/images.ts';
import { adminOf, allStreams, connectClusterNats, type ClusterNats } from './support/nats.ts';
import { get, list } from './support/objects.ts';
import { apply, kubectl, systemNamespace, until } from './support/programs.ts';

const [space, elsewhere] = ['e2e-hostile', 'e2e-hostile-elsewhere'];
const refused = [...shape, ...names, ...connectors, ...stages, ...feedback, ...hostile];
let nats: ClusterNats;
let api: ApiProxy;
let sender: Sender;
let before: readonly string[];
let operatorBefore: readonly string[];

/** Which pods there are, and how often they began anew. */
async function lives(namespace: string, selector: string): Promise<readonly string[]> {
  const found = await list<PodObject>('pods', namespace, selector);
  return found.map(({ metadata, status: { containerStatuses } }) => `${metadata.uid} ${containerStatuses?.[0]?.restartCount}`).sort();
}
const healthy = (): Promise<readonly string[]> => lives(space, 'millrace.dev/job=healthy');
const operator = (): Promise<readonly string[]> => lives(systemNamespace, 'app.kubernetes.io/component=operator');

beforeAll(async () => {
  await makeNamespace(space);
  await makeNamespace(elsewhere);
  nats = await connectClusterNats(await adminOf(space));
  api = await ApiProxy.start();
  await makeLoadStream(nats, 'healthy');
  await applyLoadJob(space, 'healthy');
  await untilReady(space, 'healthy');
  sender = new Sender(nats, { name: 'healthy', keys: 11, perSecond: 50 });
  sender.start();
  [before, operatorBefore] = [await healthy(), await operator()];
});

afterAll(async () => {
  await sender.stop();
  await api.stop();
  await removeNamespace(space);
  await removeNamespace(elsewhere);
  await nats.close();
});

describe('what the API server sees', () => {
  test(`${refused.length} bad objects are refused, each with the words that help`, async () => {
    const beganMs = performance.now();
    const wrong: string[] = [];
    for (const { fact, object, says } of refused) {
      const answer = await api.create(pathOf(object), object);
      if (answer.status < 400) wrong.push(`${fact}: it was taken`);
      const missing = [says].flat().filter((words) => !answer.message.includes(words));
      if (answer.status >= 400 && missing.length > 0) wrong.push(`${fact}: ${answer.message}`);
    }
    expect(wrong).toEqual([]);
    expect(refused.length).toBeGreaterThan(100);
    console.log(`${refused.length} bad objects refused in ${Math.round(performance.now() - beganMs)} ms`);
  });

  test('nothing of them is there', async () => {
    expect(await jobNames()).toEqual(['healthy']);
    expect(await list('streamsavepoints', space)).toEqual([]);
  });
});

describe('what only the operator sees', () => {
  test(`${operatorRefusals.length} bad jobs are taken, and stall with reason InvalidSpec and what is wrong`, async () => {
    const beganMs = performance.now();
    await apply(operatorRefusals.map(({ yaml }) => inSpace(yaml)).join('---\n'));
    const stalled = async (): Promise<ReadonlyMap<string, StreamJobStatus>> => {
      const found = await list<StreamJobObject>('streamjobs', space);
      const told = found.map(({ metadata, status: said }) => [metadata.name, said ?? {}] as const);
      return new Map(told.filter(([, said]) => condition(said, 'Stalled') === 'True InvalidSpec'));
    };
    const told = await until(
      'all of them stall',
      150_000,
      async () => {
        const found = await stalled();
        return operatorRefusals.every(({ name }) => found.has(name)) ? found : null;
      },
      async () => `these do: ${[...(await stalled()).keys()].join(', ')}`,
    );
    console.log(`${operatorRefusals.length} invalid jobs told so within ${Math.round(performance.now() - beganMs)} ms`);
    for (const { name, says, fact } of operatorRefusals) {
      const found = told.get(name) ?? {};
      expect(found.conditions?.find(({ type }) => type === 'Stalled')?.message, fact).toContain(says);
      expect([condition(found, 'Ready'), found.phase], fact).toEqual(['False InvalidSpec', 'Pending']);
    }
  });

  test('each is told in an event, too', async () => {
    type Event = { readonly reason: string; readonly message: string; readonly involvedObject: { readonly name: string } };
    await until('all of them', 150_000, async () => {
      const events = await list<Event>('events', space);
      const isTold = ({ name, says }: (typeof operatorRefusals)[number]): boolean =>
        events.some((event) => event.involvedObject.name === name && event.reason === 'InvalidSpec' && event.message.includes(says));
      return operatorRefusals.every(isTold) ? true : null;
    });
  });

  test('nothing was made for any of them, in the cluster or in NATS', async () => {
    for (const kind of ['pods', 'deployments', 'networkpolicies', 'poddisruptionbudgets', 'secrets'])
      expect(
        (await list<PodObject>(kind, space, '!millrace.dev/nats-user'))
          .map(({ metadata }) => metadata.name)
          .filter((name) => !name.startsWith('healthy-')),
      ).toEqual([]);
    const bad = new Set(operatorRefusals.map(({ name }) => `${space}_${name}`));
    const inNats = await allStreams();
    expect(
      inNats.filter((name) => [...bad].some((identity) => name.startsWith(`MR_${identity}_`) || name === `KV_MR_${identity}`)),
    ).toEqual([]);
    expect(inNats).toContain(`KV_MR_${space}_healthy`);
  });

  test('they go at once when they are deleted', async () => {
    const beganMs = performance.now();
    await kubectl(['delete', 'streamjob', '-n', space, ...operatorRefusals.map(({ name }) => name), '--timeout=200s']);
    console.log(`${operatorRefusals.length} invalid jobs deleted in ${Math.round(performance.now() - beganMs)} ms`);
    expect(await jobNames()).toEqual(['healthy']);
  });

  test('a job that runs and is made invalid goes on as it was, and says so', async () => {
    const uids = await healthy();
    await applyLoadJob(space, 'healthy', (spec) => {
      const [, marked] = spec['stages'] as { map: Record<string, string> }[];
      if (marked !== undefined) marked.map['mark'] = 'evnt.mark';
    });
    const told = await until('it stalls', 150_000, async () => {
      const found = await status(space, 'healthy');
      return condition(found, 'Stalled') === 'True InvalidSpec' ? found : null;
    });
    expect(told.conditions?.find(({ type }) => type === 'Stalled')?.message).toMatch(/unknown name evnt.*; revision 1 goes on as it was/);
    const seen = (await resultsOf(nats, 'healthy')).length;
    await until('results go on', 150_000, async () => ((await resultsOf(nats, 'healthy')).length > seen ? true : null));
    await applyLoadJob(space, 'healthy');
    await untilReady(space, 'healthy');
    expect(await healthy()).toEqual(uids);
    expect((await status(space, 'healthy')).revision?.number).toBe(1);
  });
});

describe('what belongs to others', () => {
  test('labels of a StreamJob do not reach its pods, and select nothing of another job', async () => {
    await makeLoadStream(nats, 'masked');
    const masked = loadJob(space, 'masked', (spec) => (spec['deletionPolicy'] = 'Delete')) as Manifest;
    const labels = {
      'millrace.dev/job': 'healthy',
      'app.kubernetes.io/name': 'millrace-worker',
      'app.kubernetes.io/instance': 'healthy',
      'app.kubernetes.io/component': 'nats',
      'app.kubernetes.io/managed-by': 'somebody',
    };
    const annotations = { 'millrace.dev/credentials': 'none', 'millrace.dev/image': 'another' };
    await apply(JSON.stringify({ ...masked, metadata: { ...masked.metadata, labels, annotations } }));
    await untilReady(space, 'masked');
    const [pod] = await list<{ metadata: { labels: Record<string, string>; annotations: Record<string, string> } }>(
      'pods',
      space,
      'millrace.dev/job=masked',
    );
    expect(pod?.metadata.labels).toEqual({
      'app.kubernetes.io/name': 'millrace-worker',
      'app.kubernetes.io/instance': 'masked',
      'app.kubernetes.io/component': 'worker',
      'app.kubernetes.io/part-of': 'millrace',
      'app.kubernetes.io/managed-by': 'millrace',
      'millrace.dev/job': 'masked',
      'pod-template-hash': expect.any(String) as string,
    });
    expect(pod?.metadata.annotations['millrace.dev/credentials']).not.toBe('none');
    const { selector } = await status(space, 'masked');
    expect(selector?.split(',').sort()).toEqual(['app.kubernetes.io/name=millrace-worker', 'millrace.dev/job=masked']);
    type Selecting = { spec: { podSelector?: { matchLabels: object }; selector?: { matchLabels: object } } };
    for (const kind of ['deployment', 'networkpolicy', 'poddisruptionbudget']) {
      const { spec } = (await get<Selecting>(kind, space, 'masked-worker')) ?? { spec: {} };
      expect((spec.selector ?? spec.podSelector)?.matchLabels, kind).toMatchObject({ 'millrace.dev/job': 'masked' });
    }
    expect(await healthy()).toEqual(before);
    await kubectl(['delete', 'streamjob', 'masked', '-n', space, '--timeout=200s']);
  });

  test("a pod that somebody labels as a job's worker does not count as one", async () => {
    await apply(JSON.stringify(stranger()));
    try {
      await kubectl(['wait', '-n', space, '--for=jsonpath={.status.phase}=Running', 'pod/stranger', '--timeout=200s']);
      const seenMs = performance.now();
      await until('a round has gone by', 150_000, async () => (performance.now() - seenMs > 6_000 ? true : null));
      const { replicas, readyReplicas, ready } = await status(space, 'healthy');
      expect({ replicas, readyReplicas, ready }).toEqual({ replicas: 1, readyReplicas: 1, ready: '1/1' });
    } finally {
      await kubectl(['delete', 'pod', 'stranger', '-n', space, '--grace-period=0', '--force']);
    }
  });

  test('a Secret of another namespace is not to be had: the pod does not start, and the job says why', async () => {
    for (const kind of ['secret generic', 'configmap'])
      await kubectl(['create', ...kind.split(' '), 'treasure', '-n', elsewhere, '--from-literal=key=gold']);
    await makeLoadStream(nats, 'thief');
    await applyLoadJob(space, 'thief', (spec) => {
      spec['deletionPolicy'] = 'Delete';
      spec['workers'] = { env: [{ name: 'GOLD', secret: { name: 'treasure', key: 'key' } }] };
    });
    const told = await until('it is degraded', 150_000, async () => {
      const found = await status(space, 'thief');
      return condition(found, 'Degraded') === 'True PodsNotStarting' ? found : null;
    });
    expect(told.conditions?.find(({ type }) => type === 'Degraded')?.message).toContain('secret "treasure" not found');
    expect(condition(told, 'Ready')).toMatch(/^False/);
    expect((await pods(space, 'thief')).some(({ status: { containerStatuses } }) => containerStatuses?.[0]?.ready)).toBe(false);
    await kubectl(['delete', 'streamjob', 'thief', '-n', space, '--timeout=200s']);
  });

  test('code, savepoints and files of another namespace are waited for in vain', async () => {
    await makeLoadStream(nats, 'reacher');
    const waiting = async (name: string, change: (spec: Record<string, unknown>) => void, says: RegExp): Promise<void> => {
      await applyLoadJob(space, name, (spec) => {
        (spec['sources'] as { nats: object }[])[0]!.nats = { subjects: ['load.reacher'], stream: 'load-reacher' };
        change(spec);
      });
      const told = await until(`${name} waits`, 150_000, async () => {
        const found = await status(space, name);
        return condition(found, 'Reconciling') === 'True Waiting' ? found : null;
      });
      expect(told.conditions?.find(({ type }) => type === 'Ready')?.message).toMatch(says);
      expect(await pods(space, name)).toEqual([]);
      await kubectl(['delete', 'streamjob', name, '-n', space, '--timeout=200s']);
    };
    await waiting('code', (spec) => (spec['code'] = { configMap: 'treasure', key: 'key', sha256: '0'.repeat(64) }), /ConfigMap .*treasure/);
    await apply(
      JSON.stringify({
        apiVersion: 'millrace.dev/v1alpha1',
        kind: 'StreamSavepoint',
        metadata: { name: 'theirs', namespace: elsewhere },
        spec: { job: 'nobody' },
      }),
    );
    await waiting('heir', (spec) => (spec['restoreFrom'] = { savepoint: 'theirs' }), /no StreamSavepoint theirs in namespace e2e-hostile/);
    await waiting('reader', (spec) => (spec['workers'] = { files: [{ configMap: 'treasure' }] }), /ConfigMap .*treasure/);
  });
});

test('the job beside them has all its results, its pod and the operator never began anew', async () => {
  await sender.stop();
  expect(await problemsOf(nats, 'healthy', sender.counts())).toEqual([]);
  expect(sender.counts().size).toBe(11);
  expect(await healthy()).toEqual(before);
  expect(await operator()).toEqual(operatorBefore);
  await untilCondition(space, 'healthy', 'Ready', 'True Running');
  // Those of jobs that were deleted take a while to end.
  await until('no other pod is left', 150_000, async () => {
    const left = (await list<PodObject>('pods', space)).filter(({ metadata }) => !metadata.name.startsWith('healthy-'));
    return left.length === 0 ? true : null;
  });
});

function pathOf({ kind }: Manifest): string {
  return `/apis/millrace.dev/v1alpha1/namespaces/${space}/${kind === 'StreamSavepoint' ? 'streamsavepoints' : 'streamjobs'}`;
}

/** Into our namespace. */
function inSpace(yaml: string): string {
  return yaml.replace(/^metadata:\n/m, `metadata:\n  namespace: ${space}\n`);
}

async function jobNames(): Promise<readonly string[]> {
  return (await list<PodObject>('streamjobs', space)).map(({ metadata }) => metadata.name);
}

/** Runs something else under the labels of a worker of `healthy`; nothing answers on the port of its probes. */
function stranger(): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'stranger',
      namespace: space,
      labels: { 'app.kubernetes.io/name': 'millrace-worker', 'millrace.dev/job': 'healthy' },
    },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'stranger',
          image: workerImage(),
          command: ['/usr/local/bin/node', '-e', 'setInterval(() => undefined, 1000)'],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
}
