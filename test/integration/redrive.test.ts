// Dead letters are put in again, on a real server: the job is mended, workers die while they take them in, somebody asks twice; each
// event counts once, and those of a key come in the order in which they were refused.

import { afterEach, expect, test } from 'vitest';
import { dropLetters, redriveLetters } from '../../cli/dlq/decide-letters.ts';
import { exportLetters, listLetters, showLetters } from '../../cli/dlq/look-at-letters.ts';
import type { CauseOfLetters } from '../../cli/dlq/look-at-letters.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { DeadLetterDesk } from '../../runtime/dead-letter-desk.ts';
import type { FiledLetter } from '../../runtime/dead-letter-desk.ts';
import { endCommands, runCommand } from '../support/command.ts';
import { jobText } from '../support/job-run.ts';
import { eventOf, Feed, Operated, until } from '../support/operated-job.ts';
import { operatorsServer } from '../support/operators-server.ts';

const nats = operatorsServer();
afterEach(endCommands);

/** The first revision fails for a text that is no number, and knows no event `take`. */
function declared({ isMended }: { readonly isMended: boolean }): string {
  return jobText(
    'mended',
    `
  partitions: 2
  sources:
    - { name: rows, nats: { subjects: [in.mended] }, schema: { n: int, id: string, at: timestamp, kind: string, text: string }, eventTime: { at: event.at } }
  stages:
    - { name: read, from: rows, map: { n: event.n, id: event.id, at: event.at, kind: event.kind, x: '${isMended ? '0' : 'int(event.text)'}' } }
    - name: totals
      from: read
      keyBy: event.id
      machine:
        context: { total: 0 }
        initial: adding
        eventType: event.kind
        states:
          adding:
            on:
              add: &add
                actions:
                  - assign: { total: context.total + event.n }
                  - emit: { output: total, value: { id: key, n: event.n, total: context.total } }
${isMended ? '              take: *add\n' : ''}
  sinks:
    - { name: out, from: totals.total, nats: { subject: out.mended } }`,
  );
}

type Total = { readonly id: string; readonly n: number; readonly total: number };

const EVENTS = 300;
const isUnread = (n: number): boolean => n % 10 === 0;
const isUnhandled = (n: number): boolean => n % 3 === 1;
const LAST = EVENTS - 1;

const JUNK = 'no event at all';

/** The last one does not decode. */
function textOf(n: number): string {
  const event = { ...eventOf(n), kind: isUnhandled(n) ? 'take' : 'add', text: isUnread(n) ? 'seven' : '7' };
  return n === LAST ? JSON.stringify({ ...event, n: 'many' }) : JSON.stringify(event);
}

async function lettersOf(desk: DeadLetterDesk): Promise<FiledLetter[]> {
  const letters: FiledLetter[] = [];
  for await (const letter of desk.letters()) letters.push(letter);
  return letters;
}

/** What the command line says of the letters, before any of them is put in again. Drops the one that is junk. */
async function lookAndDrop(letters: readonly FiledLetter[]): Promise<void> {
  const asked = { nats: nats.server.url, all: false, output: 'json' as const };
  const listed = JSON.parse(await listLetters('ns/mended', asked)) as { readonly causes: readonly CauseOfLetters[] };
  const counts = Object.fromEntries(listed.causes.map(({ code, stage, at, open, message }) => [`${code} ${stage} ${at} ${message}`, open]));
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(letters.length);
  expect(listed.causes.map(({ code, stage, at }) => `${code} ${stage} ${at}`).toSorted()).toEqual([
    'MR3001 rows rows',
    'MR3001 rows rows',
    'MR3002 rows read',
    'MR3003 totals totals',
  ]);
  expect(await listLetters('ns/mended', { ...asked, output: 'text' })).toContain(`job ns/mended has ${letters.length} open dead letters\n`);

  const dry = await redriveLetters('ns/mended', { ...asked, dryRun: true, wait: 0, stage: 'totals', limit: 3 });
  const oldest = letters.filter(({ letter }) => letter.at === 'totals').slice(0, 3);
  expect((JSON.parse(dry.text) as { sent: readonly { id: string }[] }).sent.map(({ id }) => id)).toEqual(oldest.map(({ id }) => id));

  const junk = letters.find(({ letter }) => letter.event === JUNK)!;
  const shown = await showLetters('ns/mended', { ...asked, output: 'text', id: junk.id });
  expect(shown).toContain(`${junk.id}  MR3001\n  cause      ${junk.letter.message}\n`);
  expect(shown).toContain(JSON.stringify(JUNK));
  const dropped = await dropLetters('ns/mended', { ...asked, id: junk.id, reason: 'junk of a test' });
  expect(JSON.parse(dropped)).toEqual({ job: 'ns/mended', dropped: 1 });
  expect(JSON.parse(await dropLetters('ns/mended', { ...asked, id: junk.id, reason: 'again' }))).toMatchObject({ dropped: 0 });
  const lines: string[] = [];
  await exportLetters('ns/mended', { ...asked, all: true, code: 'MR3001' }, (line) => void lines.push(line));
  expect(lines.map((line) => JSON.parse(line) as object)).toContainEqual(
    expect.objectContaining({ id: junk.id, state: 'dropped', reason: 'junk of a test', stage: 'rows', letter: junk.letter }),
  );

  const refusals: readonly [ask: () => Promise<unknown>, path: string][] = [
    [() => listLetters('ns/nobody', asked), 'ns/nobody'],
    [() => listLetters('ns/mended', { ...asked, stage: 'total' }), '--stage'],
    [() => showLetters('ns/mended', { ...asked, id: '0-0' }), '--id'],
    [() => redriveLetters('ns/mended', { ...asked, dryRun: false, wait: 0, event: '{}' }), '--event'],
    [() => redriveLetters('ns/mended', { ...asked, dryRun: false, wait: 0, id: junk.id, event: '{' }), '--event'],
  ];
  for (const [ask, path] of refusals) await expect(ask()).rejects.toMatchObject({ issues: [expect.objectContaining({ path })] });
}

test('J5 each dead letter is put in again once, in order per key, although workers die and it is asked for again and again', async () => {
  const job = new Operated(nats.admin, nats.server.url, 'ns_mended');
  await new Feed(nats.admin, 'in.mended').open();
  await job.declare(declared({ isMended: false }));
  const first = job.startPod('w-0');
  for (let n = 0; n < EVENTS; n++) await nats.admin.request('in.mended', textOf(n));
  await nats.admin.request('in.mended', JUNK);
  const refused = Array.from({ length: EVENTS }, (_, n) => n).filter((n) => n === LAST || isUnread(n) || isUnhandled(n));
  const desk = (await DeadLetterDesk.open(nats.admin, 'ns_mended', systemClock))!;
  await until(async () => (await lettersOf(desk)).length === refused.length + 1);
  const letters = await lettersOf(desk);
  expect([...Map.groupBy(letters, ({ letter }) => `${letter.code} ${letter.at}`).keys()].toSorted()).toEqual([
    'MR3001 rows',
    'MR3002 read',
    'MR3003 totals',
  ]);

  await lookAndDrop(letters);
  await first.end();
  await job.declare(declared({ isMended: true }));
  const mended = (await DeadLetterDesk.open(nats.admin, 'ns_mended', systemClock))!;
  const whole = letters.filter(({ letter }) => letter.code !== 'MR3001');
  const both = await Promise.all([mended.redrive(whole, { waitMs: 0 }), mended.redrive(whole, { waitMs: 0 })]);
  expect(both.reduce((sum, { sent }) => sum + sent.length, 0)).toBe(whole.length);
  expect(both.map(({ sent, before }) => sent.length + before)).toEqual([whole.length, whole.length]);
  const mortal = job.startPod('w-mortal', 'commit-acknowledged:1:kill');
  expect(await mortal.exited).toBeNull(); // by SIGKILL
  job.startPod('w-last');

  // The one that did not decode, with another event in its place: by the command line.
  const [bad] = letters.filter(({ letter }) => letter.code === 'MR3001' && letter.event !== JUNK);
  const again = ['dlq', 'redrive', 'ns/mended', '--nats', nats.server.url, '-o', 'json', '--wait', '80s'];
  const given = await runCommand([...again, '--id', bad!.id, '--event', JSON.stringify({ ...eventOf(LAST), kind: 'add', text: '7' })], {
    cwd: '.',
    timeoutMs: 120_000,
  });
  expect(given.stderr).toBe('');
  expect(JSON.parse(given.stdout)).toMatchObject({ sent: [{ id: bad!.id, task: 'rows/0' }], refused: [], taken: 1 });
  const nothing = await runCommand(again, { cwd: '.', timeoutMs: 120_000 });
  expect(JSON.parse(nothing.stdout)).toMatchObject({ sent: [], before: 0, refused: [], taken: 0 });

  await until(async () => (await job.results(`out.mended`)).length >= EVENTS);
  await until(async () => (await mended.waiting((await mended.decisions()).values())) === 0);
  const totals = await job.results<Total>('out.mended');
  expect(totals.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(Array.from({ length: EVENTS }, (_, n) => n));
  for (const [, list] of Map.groupBy(totals, ({ id }) => id)) {
    expect(list.map(({ total }) => total)).toEqual(list.map((_, i) => list.slice(0, i + 1).reduce((sum, { n }) => sum + n, 0)));
    const again = list.map(({ n }) => n).filter((n) => n !== LAST && isUnhandled(n) && !isUnread(n));
    expect(again).toEqual(again.toSorted((a, b) => a - b));
  }
  expect(await job.failure()).toBeNull();
  expect((await lettersOf(mended)).length).toBe(letters.length);
  const counters = Object.values(await job.headers()).map((header) => header.counters);
  expect(counters.reduce((sum, { deadLetters }) => sum + deadLetters, 0)).toBe(letters.length);
  await job.endPods();
});
