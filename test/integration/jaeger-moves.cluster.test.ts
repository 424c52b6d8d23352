// What one event's trace shows in a real Jaeger when it does not go straight through: its actor moves to another worker between two of its
// steps, the worker dies with its step, its code fails and is tried again, or it was a dead letter and is put in again.

import { headers as natsHeaders } from '@nats-io/transport-node';
import { jetstream } from '@nats-io/jetstream';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { DeadLetterDesk, type FiledLetter } from '../../runtime/dead-letter-desk.ts';
import { endCommands, runCommand } from '../support/command.ts';
import { withFolder } from '../support/flights-run.ts';
import { startJaeger, type Jaeger } from '../support/jaeger.ts';
import type { JaegerSpan } from '../support/jaeger-query.ts';
import { jobText, readLines } from '../support/job-run.ts';
import { Feed, Operated, until } from '../support/operated-job.ts';
import { operatorsServer } from '../support/operators-server.ts';

const PRODUCER = 'd'.repeat(16);
let jaeger: Jaeger;
const nats = operatorsServer();
beforeAll(async () => {
  jaeger = await startJaeger();
});
afterEach(endCommands);
afterAll(() => jaeger.stop());

/** Whoever begins is done ten minutes later; what `f` says is a number once the job is mended. In a pool of its own the actor's worker is no
 *  other stage's. */
function declared(name: string, { isMended = true }: { readonly isMended?: boolean } = {}): string {
  return jobText(
    name,
    `
  partitions: 4
  sources:
    - { name: rows, nats: { subjects: [in.${name}] }, schema: { id: string, at: timestamp, text: string }, eventTime: { at: event.at } }
  stages:
    - { name: read, from: rows, map: { id: event.id, at: event.at, x: '${isMended ? '0' : 'int(event.text)'}' } }
    - name: actors
      from: read
      keyBy: event.id
      machine:
        eventType: "'begin'"
        initial: idle
        states:
          idle: { on: { begin: { target: begun } } }
          begun: { after: { 10m: { target: done, actions: [{ emit: { output: done, value: { id: key } } }] } } }
          done: {}
  sinks:
    - { name: out, from: actors.done, nats: { subject: out.${name} } }
  pools: [{ name: heavy, stages: [actors] }]`,
  );
}

async function operated(name: string, isMended?: boolean): Promise<Operated> {
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.otlpUrl, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };
  const job = new Operated(nats.admin, nats.server.url, `ns_${name}`, environment);
  await new Feed(nats.admin, `in.${name}`).open();
  await job.declare(declared(name, isMended === undefined ? {} : { isMended }), { workers: 2 });
  return job;
}

async function lettersOf(desk: DeadLetterDesk): Promise<FiledLetter[]> {
  const letters: FiledLetter[] = [];
  for await (const letter of desk.letters()) letters.push(letter);
  return letters;
}

const MINUTE = 60_000;
let traces = 0;
/** An event whose producer traces it, or does not; resolves with the trace's id. */
async function send(
  name: string,
  event: { readonly id: string; readonly minute: number; readonly text?: string },
  isTraced = true,
): Promise<string> {
  const trace = `${'c'.repeat(28)}${(++traces).toString(16).padStart(4, '0')}`;
  const headers = natsHeaders();
  if (isTraced) headers.set('traceparent', `00-${trace}-${PRODUCER}-01`);
  const { id, minute, text = '7' } = event;
  await jetstream(nats.admin).publish(`in.${name}`, JSON.stringify({ id, at: minute * MINUTE, text }), { headers });
  return trace;
}

/** The spans of a trace once Jaeger has so many of these names. */
async function told(trace: string, wanted: Readonly<Record<string, number>>): Promise<readonly JaegerSpan[]> {
  let spans: readonly JaegerSpan[] = [];
  const names = (): Readonly<Record<string, number>> =>
    Object.fromEntries(Object.keys(wanted).map((name) => [name, spans.filter((span) => span.name === name).length]));
  await expect
    .poll(async () => ((spans = (await jaeger.query.trace(trace))?.spans ?? []), names()), { timeout: 120_000, interval: 300 })
    .toEqual(wanted);
  expect(new Set(spans.map(({ id }) => id)).size, 'no span twice').toBe(spans.length);
  return spans;
}

/** `parent → name`, sorted. */
function ways(spans: readonly JaegerSpan[]): readonly string[] {
  const nameOf = (id: string | null): string => (id === PRODUCER ? 'producer' : (spans.find((span) => span.id === id)?.name ?? 'nothing'));
  return spans.map(({ name, parent }) => `${nameOf(parent)} → ${name}`).sort();
}

test('the actor moves between two of its steps: the second is in the trace of the first, told by its new worker', async () => {
  const name = 'rescaled';
  const job = await operated(name);
  for (const [worker, pool] of [['w-src', undefined], ['a-0', 'heavy']] as const) job.startPod(worker, undefined, pool); // prettier-ignore
  const ids = Array.from({ length: 8 }, (_, i) => `k${i}`);
  const sent = await Promise.all(ids.map((id) => send(name, { id, minute: 0 })));
  for (const trace of sent) await told(trace, { 'receive rows': 1, 'process actors': 1 });

  job.startPod('a-1', undefined, 'heavy');
  const owners = async (): Promise<readonly string[]> => [
    ...new Set([...job.workers].flatMap(([task, by]) => (task.startsWith('actors/') ? [by] : []))),
  ];
  await until(async () => (await owners()).length === 2);
  await send(name, { id: 'last', minute: 60 }, false); // its time lets all timers fire
  const moved: string[] = [];
  for (const trace of sent) {
    const spans = await told(trace, { 'receive rows': 1, 'process actors': 2, 'send out': 1 });
    expect(ways(spans)).toEqual([
      'process actors → process actors',
      'process actors → send out',
      'producer → receive rows',
      'receive rows → process actors',
    ]);
    const [first, second] = spans.filter((span) => span.name === 'process actors').toSorted((a, b) => a.startUs - b.startUs);
    expect(first?.tags['millrace.worker']).toBe('a-0');
    expect(second?.logs).toContainEqual(expect.objectContaining({ event: 'timer fired' }));
    expect(second?.logs).toContainEqual(
      expect.objectContaining({ 'millrace.actor.state.from': 'begun', 'millrace.actor.state.to': 'done' }),
    );
    if (second?.tags['millrace.worker'] === 'a-1') moved.push(trace);
  }
  console.log(`jaeger: ${moved.length} of ${sent.length} traces go on with another worker`);
  expect(moved.length).toBeGreaterThan(0);
  await job.endPods();
}, 400_000);

test('its worker dies with the step: who makes it again tells it, and the trace is whole', async () => {
  const name = 'replayed';
  const job = await operated(name);
  job.startPod('w-src');
  const trace = await send(name, { id: 'k1', minute: 0 });
  await told(trace, { 'receive rows': 1 });
  const mortal = job.startPod('a-0', 'commit-send:1:kill', 'heavy');
  expect(await mortal.exited).toBeNull(); // by SIGKILL, with the step made and not stored
  expect((await jaeger.query.trace(trace))?.spans.map((span) => span.name)).toEqual(['receive rows']);
  job.startPod('a-1', undefined, 'heavy');
  await told(trace, { 'process actors': 1 });
  await send(name, { id: 'last', minute: 60 }, false);
  const spans = await told(trace, { 'receive rows': 1, 'process actors': 2, 'send out': 1 });
  expect(ways(spans)).toEqual([
    'process actors → process actors',
    'process actors → send out',
    'producer → receive rows',
    'receive rows → process actors',
  ]);
  for (const span of spans) if (span.name === 'process actors') expect(span.tags['millrace.worker']).toBe('a-1');
  await job.endPods();
}, 400_000);

test('a dead letter that is put in again goes on in its trace, below the span that says why it was one', async () => {
  const name = 'redriven';
  const job = await operated(name, false);
  for (const [worker, pool] of [['w-src', undefined], ['a-0', 'heavy']] as const) job.startPod(worker, undefined, pool); // prettier-ignore
  const known = await send(name, { id: 'k1', minute: 0, text: 'seven' });
  await send(name, { id: 'k2', minute: 0, text: 'eight' }, false); // nobody traces it: it has a trace because it failed
  const desk = (await DeadLetterDesk.open(nats.admin, job.identity, systemClock))!;
  let letters: FiledLetter[] = [];
  await until(async () => (letters = await lettersOf(desk)).length === 2);
  const [first, second] = letters.map(({ letter }) => letter.traceId!);
  expect(first).toBe(known);
  for (const trace of [first!, second!]) await told(trace, { 'receive rows': 1, 'send dead-letters-subject': 1 });

  await job.declare(declared(name));
  const mended = (await DeadLetterDesk.open(nats.admin, job.identity, systemClock))!;
  const { sent } = await mended.redrive(letters, { waitMs: 120_000 });
  expect(sent).toHaveLength(2);
  for (const [trace, root] of [[first!, 'producer'], [second!, 'nothing']] as const) {
    const spans = await told(trace, { 'receive rows': 2, 'process actors': 1 });
    expect(ways(spans)).toEqual(
      ['receive rows → receive rows', 'receive rows → process actors', 'receive rows → send dead-letters-subject', `${root} → receive rows`].sort(),
    );
    const failed = spans.find(({ tags }) => tags['error'] === true)!;
    expect(failed.tags).toMatchObject({ 'error.type': 'MR3002', 'millrace.transform': 'read' });
    const again = spans.find((span) => span.name === 'receive rows' && span.parent === failed.id)!;
    expect(again.tags).toMatchObject({ 'millrace.attempt': 2 });
    expect(spans.find((span) => span.name === 'process actors')?.parent).toBe(again.id);
  } // prettier-ignore
  await job.endPods();
}, 400_000);

const FAILING = `
import { file, job } from 'millrace';
const tries = new Map<string, number>();
export default job('tried', (j) => {
  j.source('rows', file<{ id: string; fails: number }>({ path: 'rows.ndjson' }))
    .keyBy('id')
    .reduce<number, { id: string; tries: number }>({
      init: () => 0,
      step: (sum, { id, fails }, context) => {
        const tried = (tries.get(id) ?? 0) + 1;
        tries.set(id, tried);
        if (tried <= fails) throw new RangeError('no answer, try ' + tried);
        context.emit({ id, tries: tried });
        return sum + 1;
      },
    })
    .as('sums')
    .onError({ retries: 3, backoff: '300ms' })
    .toFile('tried.ndjson', { name: 'out' });
});
`;

test('what code throws and is tried again shows each try, with what went wrong and how long it waits; sampled or not', () =>
  withFolder(async (folder) => {
    await writeFile(join(folder, 'job.ts'), FAILING);
    const rows = [{ id: 'fine', fails: 0 }, { id: 'twice', fails: 2 }, { id: 'never', fails: 9 }]; // prettier-ignore
    await writeFile(join(folder, 'rows.ndjson'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const args = ['run', 'job.ts', '--out', 'out', '--trace-endpoint', jaeger.otlpUrl, '--trace-sampling', '0'];
    const { code, stderr } = await runCommand(args, { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(await readLines(folder, 'out', 'tried.ndjson')).toEqual([{ id: 'fine', tries: 1 }, { id: 'twice', tries: 3 }]); // prettier-ignore
    const counts = async (): Promise<readonly number[]> => (await jaeger.query.traces('tried/sums', 10)).map(({ spans }) => spans.filter(({ service }) => service === 'tried/sums').length).toSorted((a, b) => a - b);
    await expect.poll(counts).toEqual([3, 4]); // `fine` has none
    const found = (await jaeger.query.traces('tried/sums', 10)).map(({ spans }) => spans.filter(({ service }) => service === 'tried/sums'));
    const tries = found.map((spans) => spans.toSorted((a, b) => Number(a.tags['millrace.attempt'] ?? 1) - Number(b.tags['millrace.attempt'] ?? 1)));
    const [twice, never] = tries.toSorted((a, b) => a.length - b.length) as [JaegerSpan[], JaegerSpan[]];
    for (const spans of [twice, never]) {
      expect(spans.map(({ parent }) => parent)).toEqual([null, ...spans.slice(1).map(() => spans[0]?.id)]);
      expect(spans[0]?.tags['millrace.trace.why']).toBe('error');
    }
    const retries = (spans: readonly JaegerSpan[]): unknown[] =>
      spans.map(({ logs }) => logs.filter(({ event }) => event === 'retry').map((log) => [log['millrace.attempt'], log['exception.type'], log['millrace.next_try_ms']]));
    expect(retries(twice)).toEqual([[[1, 'RangeError', 300]], [[2, 'RangeError', 600]], []]);
    expect(retries(never)).toEqual([[[1, 'RangeError', 300]], [[2, 'RangeError', 600]], [[3, 'RangeError', 1_200]], []]);
    expect(never.map(({ tags }) => tags['error'] === true)).toEqual([false, false, false, true]);
  })); // prettier-ignore
