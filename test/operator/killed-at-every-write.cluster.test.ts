// An operator that is killed at any of its writes, started again, ends where one that lives ends.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControlPlane } from './support/control-plane.ts';
import { liveJob, type Expected } from './support/life-of-a-job.ts';
import { OperatorProcess } from './support/operator-process.ts';
import { WriteProxy, type Cut } from './support/write-proxy.ts';

const expected: Expected = new Map();
/** Every how-many-th write is cut off after it was carried out, too. */
const afterEvery = 3;
let plane: ControlPlane;
let writes: readonly string[];

beforeAll(async () => {
  plane = await ControlPlane.start();
});
afterAll(() => plane?.stop());

test('a job lives from its first word to its end with few writes', async () => {
  writes = (await life('whole', null)).writes;
  console.log(writes.map((write, at) => `${at + 1} ${write}`).join('\n'));
  expect(writes.length).toBeGreaterThan(10);
  expect(writes.length).toBeLessThan(40);
});

// Minutes long: on demand, by MILLRACE_KILL_EVERY_WRITE=1.
test.runIf(process.env['MILLRACE_KILL_EVERY_WRITE'] !== undefined)(
  'killed before any of its writes, and after some, it ends the same',
  { timeout: 1_800_000 },
  async () => {
    const problems: string[] = [];
    let runs = 0;
    const beganMs = performance.now();
    for (let at = 1; at <= writes.length; at++) {
      for (const when of at % afterEvery === 1 ? (['before', 'after'] as const) : (['before'] as const)) {
        const wasCut = await life(`${when}-${at}`, { at, when }).then(
          ({ kills }) => kills === 1,
          (error: unknown) => void problems.push(`killed ${when} write ${at} (${writes[at - 1]}): ${String(error)}`),
        );
        // The last writes can come one earlier or later: how many rounds there are depends on the watch's pace.
        if (wasCut === false && at < writes.length - 3) problems.push(`there was no write ${at} to be killed ${when}`);
        runs++;
      }
    }
    console.log(`${runs} lives in ${Math.round((performance.now() - beganMs) / 1_000)} s, ${problems.length} problems`);
    expect(problems).toEqual([]);
  },
);

async function life(name: string, cut: Cut | null): Promise<{ readonly writes: readonly string[]; readonly kills: number }> {
  const namespace = `life-${name}`;
  await plane.makeNamespace(namespace);
  const proxy = await WriteProxy.start(plane.api);
  const place = { server: plane.api, apiUrl: proxy.url, natsUrl: plane.nats.url, namespace };
  const first = await OperatorProcess.start(place);
  const operators = [first];
  let next: Promise<unknown> = Promise.resolve();
  let kills = 0;
  proxy.cut = cut;
  proxy.onCut = () => {
    proxy.cut = null;
    kills++;
    next = first.end().then(async () => operators.push(await OperatorProcess.start(place)));
  };
  const story = (): string => [...proxy.writes, ...operators.map(({ log }) => log)].join('\n');
  try {
    await liveJob(plane, namespace, expected, story);
    return { writes: proxy.writes, kills };
  } finally {
    await next;
    for (const operator of operators) await operator.end();
    await proxy.stop();
  }
}
