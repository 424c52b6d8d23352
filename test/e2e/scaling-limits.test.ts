// More load than workers may be added for, or than more workers would help with: the job says which, and with what numbers.

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { heavyExpression } from '../support/heavy-expression.ts';
import { condition, makeNamespace, removeNamespace, status, story, untilReady } from './support/jobs.ts';
import { applyLoadJob, makeLoadStream, problemsOf, Sender } from './support/load.ts';
import { adminOf, connectClusterNats, type ClusterNats } from './support/nats.ts';
import { freshName, kubectl, until } from './support/programs.ts';

const space = freshName('e2e-limits');
/** About four milliseconds an event, of which a worker has a fifth of a processor. */
const HEAVY = heavyExpression(36);
const PER_S = 140;
let nats: ClusterNats;

beforeAll(async () => {
  await makeNamespace(space);
  nats = await connectClusterNats(await adminOf(space));
});

afterAll(async () => {
  await removeNamespace(space);
  await nats.close();
});

type Wanted = { readonly keys: number; readonly scaling: { readonly mode: 'Apply' | 'Recommend'; readonly max: number } };

async function overloaded(name: string, { keys, scaling }: Wanted): Promise<Sender> {
  await makeLoadStream(nats, name);
  await applyLoadJob(space, name, (spec) => {
    const stages = spec['stages'] as { name: string; map?: Record<string, string> }[];
    const marked = stages.find((stage) => stage.name === 'marked');
    if (marked?.map !== undefined) marked.map['mark'] = HEAVY;
    spec['workers'] = { resources: { limits: { cpu: '200m' } } };
    spec['scaling'] = { ...scaling, targetLag: '2s', catchUp: '10s' };
  });
  await untilReady(space, name, 180_000);
  const sender = new Sender(nats, { name, keys, perSecond: PER_S });
  onTestFinished(() => sender.stop());
  sender.start();
  return sender;
}

/** What is heaviest may be another task at first, while all that waited is read. */
function told(name: string, type: string, wanted: string, pattern: RegExp): Promise<string> {
  return until(
    `${type} of ${name} is ${wanted}: ${pattern.source}`,
    180_000,
    async () => {
      const found = await status(space, name);
      const message = found.conditions?.find((one) => one.type === type)?.message ?? '';
      return condition(found, type) === wanted && pattern.test(message) ? message : null;
    },
    () => story(space, name),
  );
}

/** Nothing is lost meanwhile, and given enough of a processor it catches up. */
async function relieved(name: string, sender: Sender): Promise<void> {
  await sender.stop();
  const patch = { spec: { workers: { resources: { limits: { cpu: '1' } } } } };
  await kubectl(['patch', 'sj', name, '-n', space, '--type=merge', '-p', JSON.stringify(patch)]);
  expect(await problemsOf(nats, name, sender.counts(), 180_000)).toEqual([]);
}

test('more than the workers that there may be can do: ScalingLimited says what bounds them, and what is needed', async () => {
  const sender = await overloaded('narrow', { keys: 23, scaling: { mode: 'Apply', max: 1 } });
  const says = /1 worker is all that there may be \(scaling\.max is 1\), and it is not enough: .*events\/s come/;
  console.log(await told('narrow', 'ScalingLimited', 'True AtMaximum', says));
  await relieved('narrow', sender);
}, 900_000);

test('M3 one key has more work than a worker can do: HotPartition names the partition and the key, and an event says it', async () => {
  const sender = await overloaded('hot', { keys: 1, scaling: { mode: 'Recommend', max: 3 } });
  const says = /partition seen\/\d alone has the work of [\d.]+ workers, .*about \d+ % of its events have the key "k0"/;
  console.log(await told('hot', 'HotPartition', 'True OneWorkerIsTooFew', says));
  const events = await kubectl(['get', 'events', '-n', space, '--field-selector', 'reason=HotPartition', '-o', 'name']);
  expect(events.trim()).not.toBe('');
  await relieved('hot', sender);
}, 900_000);
