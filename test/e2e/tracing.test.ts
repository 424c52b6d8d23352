// One event's way through pods, as the chart's Jaeger shows it: from the message of its producer over an actor and a window to the
// sinks, a dead letter, through the death of a pod; and the operator's own rounds.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { headers as natsHeaders } from '@nats-io/transport-node';
import type { JaegerSpan, JaegerTrace } from '../support/jaeger-query.ts';
import { connectClusterJaeger, type ClusterJaeger } from './support/jaeger.ts';
import { makeNamespace, pods, removeNamespace, untilReady } from './support/jobs.ts';
import { ownersOf } from './support/journals.ts';
import { makeLoadStream } from './support/load.ts';
import { adminOf, connectClusterNats, connectJobNats, type ClusterNats } from './support/nats.ts';
import { apply, freshName, kubectl, until } from './support/programs.ts';

const space = freshName('e2e-tracing');
const name = 'turnstile';
/** Of this run alone: the cluster's Jaeger may know those of others. */
const RUN = randomBytes(16).toString('hex').slice(1);
const PARENT = 'd'.repeat(15) + '7';
let nats: ClusterNats;
let jaeger: ClusterJaeger;

const spec = {
  partitions: 4,
  replicas: 2,
  // Nothing by chance: what is seen was traced by its producer, or went wrong.
  tracing: { sampling: 0 },
  sources: [
    {
      name: 'swipes',
      nats: { subjects: [`load.${name}`], stream: `load-${name}` },
      schema: { card: 'string', gate: 'string', n: 'int', at: 'timestamp' },
      eventTime: { at: 'event.at' },
    },
  ],
  stages: [
    { name: 'shares', from: 'swipes', map: { card: 'event.card', gate: 'event.gate', share: '100 / event.n' } },
    {
      name: 'cards',
      from: 'shares',
      keyBy: 'event.card',
      machine: {
        eventType: "'swipe'",
        initial: 'outside',
        states: {
          outside: {
            on: {
              swipe: [
                {
                  guard: 'event.share > 10',
                  target: 'inside',
                  actions: [{ emit: { output: 'entered', value: { card: 'key', gate: 'event.gate' } } }],
                },
              ],
            },
          },
          inside: { on: { swipe: { target: 'outside' } }, after: { '8h': { target: 'outside' } } },
        },
      },
    },
    { name: 'gates', from: 'cards.entered', keyBy: { gate: 'event.gate' }, aggregate: { entered: { count: {} } } },
  ],
  sinks: [{ name: 'out', from: 'gates', nats: { subject: `out.${name}`, stream: `out-${name}` } }],
};

beforeAll(async () => {
  await makeNamespace(space);
  nats = await connectClusterNats(await adminOf(space));
  jaeger = await connectClusterJaeger();
  await makeLoadStream(nats, name);
  await apply(JSON.stringify({ apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name, namespace: space }, spec }));
  await untilReady(space, name);
});

afterAll(async () => {
  await removeNamespace(space);
  await nats.close();
  jaeger.close();
});

/** A swipe whose producer traces it; resolves with the trace's id. */
async function swipe(digit: string, event: { readonly card: string; readonly gate: string; readonly n: number }): Promise<string> {
  const trace = `${digit}${RUN}`;
  const headers = natsHeaders();
  headers.set('traceparent', `00-${trace}-${PARENT}-01`);
  await nats.js.publish(`load.${name}`, JSON.stringify({ ...event, at: new Date().toISOString() }), { headers });
  return trace;
}

/** The spans of a trace once Jaeger has all of these names; `parent → name`, sorted. */
async function told(trace: string, names: readonly string[]): Promise<JaegerTrace> {
  let last: JaegerTrace | null = null;
  const found = await until(
    `Jaeger has ${names.join(', ')} of ${trace}`,
    150_000,
    async () => {
      last = await jaeger.query.trace(trace);
      const there = new Set(last?.spans.map((span) => span.name));
      return last !== null && names.every((one) => there.has(one)) ? last : null;
    },
    async () => JSON.stringify(last?.spans.map(({ name: one, service }) => `${service} ${one}`)),
  );
  expect(new Set(found.spans.map(({ id }) => id)).size, 'no span twice').toBe(found.spans.length);
  return found;
}

function ways({ spans }: JaegerTrace): readonly string[] {
  const nameOf = (id: string | null): string => (id === PARENT ? 'producer' : (spans.find((span) => span.id === id)?.name ?? 'nothing'));
  return spans.map((span) => `${nameOf(span.parent)} → ${span.name} (${span.service})`).sort();
}

function spanOf({ spans }: JaegerTrace, wanted: string): JaegerSpan {
  const found = spans.find((span) => span.name === wanted);
  if (found === undefined) throw new Error(`no span ${wanted}`);
  return found;
}

const WAY = ['receive swipes', 'process cards', 'process gates', 'send out'];

test('a trace follows an event from its producer through each stage and actor to the sink, over pods', async () => {
  const trace = await told(await swipe('a', { card: 'c-1', gate: 'north', n: 4 }), WAY);
  const job = `${space}_${name}`;
  expect(ways(trace)).toEqual([
    `process cards → process gates (${job}/gates)`,
    `process gates → send out (${job}/out)`,
    `producer → receive swipes (${job}/swipes)`,
    `receive swipes → process cards (${job}/cards)`,
  ]);
  const cards = spanOf(trace, 'process cards');
  expect(cards.tags).toMatchObject({
    'span.kind': 'consumer',
    'messaging.system': 'nats',
    'messaging.operation.type': 'process',
    'millrace.stage': 'cards',
  });
  const names = (await pods(space, name)).map(({ metadata }) => metadata.name);
  for (const { tags } of trace.spans) expect(names).toContain(tags['millrace.worker']);
  const transition = cards.logs.find(({ event }) => event === 'transition');
  expect(transition).toMatchObject({
    'millrace.actor.state.from': 'outside',
    'millrace.actor.state.to': 'inside',
    'millrace.event.type': 'swipe',
    'millrace.key': 'c-1',
  });
  expect(String(transition?.['millrace.actor.timers.set'])).toContain('in 28800000 ms');
  expect(String(transition?.['millrace.actor.guards'])).toContain('outside.swipe');
});

test('a dead letter is an error in the trace of its producer, down to the stream of dead letters', async () => {
  const trace = await told(await swipe('b', { card: 'c-2', gate: 'north', n: 0 }), ['receive swipes', 'send dead-letters-subject']);
  const job = `${space}_${name}`;
  expect(ways(trace)).toEqual([
    `producer → receive swipes (${job}/swipes)`,
    `receive swipes → send dead-letters-subject (${job}/dead-letters-subject)`,
  ]);
  const failed = trace.spans.filter(({ tags }) => tags['error'] === true);
  expect(failed).toHaveLength(1);
  expect(failed[0]?.tags).toMatchObject({ 'error.type': 'MR3002', 'otel.status_code': 'ERROR', 'millrace.transform': 'shares' });
});

test('the owner of an actor is killed: the next event of its key goes on in the pod that took over, and its trace is whole', async () => {
  const before = spanOf(await told(await swipe('c', { card: 'c-3', gate: 'south', n: 4 }), WAY), 'process cards');
  const victim = String(before.tags['millrace.worker']);
  await kubectl(['delete', 'pod', victim, '-n', space, '--grace-period=0', '--force', '--wait=false']);
  const own = await connectJobNats(space, name);
  await until('others own what it owned', 150_000, async () => {
    const owners = [...(await ownersOf(own, `${space}_${name}`)).values()];
    return owners.every(({ pod }) => pod !== victim) ? true : null;
  });
  await own.close();
  const after = await told(await swipe('e', { card: 'c-3', gate: 'south', n: 2 }), ['receive swipes', 'process cards']);
  const cards = spanOf(after, 'process cards');
  expect(cards.tags['millrace.worker']).not.toBe(victim);
  // It was restored as it was left: inside.
  expect(cards.logs.find(({ event }) => event === 'transition')).toMatchObject({
    'millrace.actor.state.from': 'inside',
    'millrace.actor.state.to': 'outside',
  });
  expect(after.spans.every(({ parent }) => parent === PARENT || after.spans.some(({ id }) => id === parent))).toBe(true);
});

test("the operator's rounds are traced, with their calls of the API server", async () => {
  const { rounds, round, made } = await until('its rounds are there, with what they made', 150_000, async () => {
    const all = (await jaeger.query.traces('millrace-operator', 500)).flatMap(({ spans }) => spans);
    const own = all.filter(({ tags }) => JSON.stringify(tags).includes(space));
    const found = own.find(({ name: one }) => one === 'reconcile jobs');
    const deployments = own.filter(({ name: one }) => one === 'apply deployments');
    const isKnown = deployments.length > 0 && deployments.every(({ parent }) => all.some(({ id }) => id === parent));
    return found !== undefined && isKnown ? { rounds: all, round: found, made: deployments } : null;
  });
  expect(round.tags).toMatchObject({ 'millrace.kube.name': `${space}/${name}` });
  for (const { parent } of made) expect(rounds.find(({ id }) => id === parent)?.name).toBe('reconcile jobs');
});
