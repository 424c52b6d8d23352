// Dead letters of windows, put in again by the command line on a real server: a window that is still kept fires again and replaces what it
// told, one that is gone tells its event as late; a worker dies meanwhile.

import { afterEach, expect, test } from 'vitest';
import { endCommands, runCommand } from '../support/command.ts';
import { jobText } from '../support/job-run.ts';
import { Feed, Operated, until } from '../support/operated-job.ts';
import { operatorsServer } from '../support/operators-server.ts';

const nats = operatorsServer();
afterEach(endCommands);

/** `read` fails for a text that is no number until it is mended; `sums` adds up `event.more`, which must be one. */
function declared({ isMended }: { readonly isMended: boolean }): string {
  return jobText(
    'corrected',
    `
  partitions: 2
  sources:
    - { name: rows, nats: { subjects: [in.corrected] }, schema: { id: string, at: timestamp, text: string, more: string }, eventTime: { at: event.at } }
  stages:
    - { name: read, from: rows, map: { id: event.id, at: event.at, more: event.more, x: '${isMended ? '7' : 'int(event.text)'}' } }
    - name: sums
      from: read
      keyBy: { id: event.id }
      window: { tumbling: { size: 10s }, allowedLateness: 100s, accumulation: retracting }
      aggregate: { n: { count: {} }, sum: { sum: event.x }, more: { sum: int(event.more) } }
  sinks:
    - { name: out, from: sums, nats: { subject: out.corrected } }
    - { name: late, from: sums.late, nats: { subject: out.corrected-late } }`,
  );
}

type Result = {
  readonly id: string;
  readonly windowStartMs: number;
  readonly pane: string;
  readonly n: number;
  readonly sum: number;
  readonly more: number;
};
type Letter = {
  readonly id: string;
  readonly letter: { readonly at: string; readonly event: unknown; readonly timeMs: number; readonly attempts?: number };
};

const send = async (id: string, atS: number, text = '7', more = '1'): Promise<void> => {
  await nats.admin.request('in.corrected', JSON.stringify({ id, at: atS * 1_000, text, more }));
};
const cli = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await runCommand(['dlq', ...args, '--nats', nats.server.url], { cwd: '.', timeoutMs: 120_000 });
  expect({ code, stderr }, args.join(' ')).toEqual({ code: 0, stderr: '' });
  return stdout;
};
const letters = async (): Promise<readonly Letter[]> =>
  (await cli('export', 'ns/corrected'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Letter);

test('a dead letter that is put in again corrects its window while that is kept, at its own time, and is late when it is gone', async () => {
  const job = new Operated(nats.admin, nats.server.url, 'ns_corrected');
  await new Feed(nats.admin, 'in.corrected').open();
  await job.declare(declared({ isMended: false }));
  const first = job.startPod('w-0');
  const told = async (): Promise<readonly string[]> =>
    (await job.results<Result>('out.corrected')).map(
      ({ id, windowStartMs, pane, n, sum, more }) => `${id} ${windowStartMs / 1_000} ${pane} n=${n} sum=${sum} more=${more}`,
    );

  await send('a', 1);
  await send('a', 2, 'seven');
  await send('b', 103, '7', 'many'); // refused by the window's own stage
  await send('b', 104);
  await send('a', 105, 'seven');
  await send('a', 106);
  for (const id of ['a', 'b']) await send(id, 150); // [100, 110) is closed and kept; [0, 10) is gone
  const before = ['a 0 onTime n=1 sum=7 more=1', 'a 100 onTime n=1 sum=7 more=1', 'b 100 onTime n=1 sum=7 more=1'];
  await until(async () => (await told()).length === before.length);
  expect((await told()).toSorted()).toEqual(before);
  const refused = await letters();
  expect(refused.map(({ letter: { at, timeMs } }) => `${at} ${timeMs / 1_000}`).toSorted()).toEqual(['read 105', 'read 2', 'sums 103']);

  const early = await cli('redrive', 'ns/corrected', '--stage', 'read', '--wait', '80s'); // nothing is mended yet
  expect(early.split('\n').slice(0, 3)).toEqual([
    '2 dead letters of ns/corrected were put in again, 2 of them are taken in',
    '  2 to rows/0',
    'those that fail again are new letters: millrace dlq list ns/corrected',
  ]);
  const attempts = async (): Promise<string> =>
    (await letters())
      .map(({ letter }) => `${letter.at} ${letter.timeMs / 1_000} try ${letter.attempts ?? 1}`)
      .toSorted()
      .join();
  await until(async () => (await attempts()) === 'read 105 try 2,read 2 try 2,sums 103 try 1');

  await first.end();
  await job.declare(declared({ isMended: true }));
  job.startPod('w-mortal', 'commit-acknowledged:1:kill');
  job.startPod('w-last');
  const again = ['redrive', 'ns/corrected', '-o', 'json', '--wait', '80s'];
  const mended = JSON.parse(await cli(...again, '--stage', 'read')) as { readonly sent: readonly object[]; readonly taken: number };
  expect(mended).toMatchObject({ sent: [{ task: 'rows/0' }, { task: 'rows/0' }], refused: [], taken: 2 });
  const corrected = ['a 100 retracted n=1 sum=7 more=1', 'a 100 late n=2 sum=14 more=2'];
  await until(async () => (await told()).length === before.length + corrected.length);
  expect((await told()).slice(before.length)).toEqual(corrected);

  const [own] = refused.filter(({ letter }) => letter.at === 'sums');
  const event = JSON.stringify({ ...(own?.letter.event as object), more: '30' });
  expect(JSON.parse(await cli(...again, '--id', own?.id ?? '', '--event', event))).toMatchObject({ refused: [], taken: 1 });
  const ofItsOwn = ['b 100 retracted n=1 sum=7 more=1', 'b 100 late n=2 sum=14 more=31'];
  await until(async () => (await told()).length === before.length + corrected.length + ofItsOwn.length);
  expect((await told()).slice(before.length + corrected.length)).toEqual(ofItsOwn);

  await until(async () => (await job.results('out.corrected-late')).length === 1);
  expect(await job.results('out.corrected-late')).toMatchObject([{ id: 'a', at: 2_000 }]);
  expect(JSON.parse(await cli(...again))).toMatchObject({ sent: [], refused: [], taken: 0 });
  await send('a', 300); // whatever else would come of it comes before what this closes
  await send('b', 300);
  await until(async () => (await told()).length === before.length + corrected.length + ofItsOwn.length + 2);
  expect((await told()).slice(-2).toSorted()).toEqual(['a 150 onTime n=1 sum=7 more=1', 'b 150 onTime n=1 sum=7 more=1']);
  expect(await job.failure()).toBeNull();
  await job.endPods();
});
