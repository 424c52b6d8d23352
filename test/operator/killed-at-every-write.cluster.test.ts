// An operator that is killed at any of its writes, started again, ends where one that lives ends.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ControlPlane } from './support/control-plane.ts';
import { liveJob, type Expected } from './support/life-of-a-job.ts';
import { OperatorProcess } from './support/operator-process.ts';
import { WriteProxy, type When } from './support/write-proxy.ts';

type Cut = { readonly at: number; readonly when: When };

const expected: Expected = new Map();
/** Every how-many-th write is cut off after it was carried out, too. */
const afterEvery = 3;
/** Lives at a time, each in a namespace of its own: most of a life is waiting for a lease to end. */
const SIDE_BY_SIDE = 4;
let plane: ControlPlane;
let writes: readonly string[];

beforeAll(async () => {
  plane = await ControlPlane.start('own');
});
afterAll(() => plane?.stop());

test('a job lives from its first word to its end with few writes', async () => {
  writes = (await life('whole', null)).writes;
  console.log(writes.map((write, at) => `${at + 1} ${write}`).join('\n'));
  expect(writes.length).toBeGreaterThan(10);
  expect(writes.length).toBeLessThan(60);
});

test('killed before any of its writes, and after some, it ends the same', { timeout: 1_500_000 }, async () => {
  const deaths = writes.flatMap((_, index) => {
    const at = index + 1;
    return at % afterEvery === 1 ? [{ at, when: 'before' } as const, { at, when: 'after' } as const] : [{ at, when: 'before' } as const];
  });
  const problems: string[] = [];
  let kills = 0;
  const waiting = [...deaths];
  const beganMs = performance.now();
  const dieInTurn = async (): Promise<void> => {
    for (let cut = waiting.shift(); cut !== undefined; cut = waiting.shift()) {
      const ended = await endOf(cut);
      if (typeof ended === 'string') problems.push(ended);
      else kills += ended;
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, dieInTurn));
  console.log(
    `${deaths.length} lives in ${Math.round((performance.now() - beganMs) / 1_000)} s, ${kills} killed, ${problems.length} problems`,
  );
  expect(problems).toEqual([]);
  // How many rounds there are depends on the pace of the watch: what two writes said may be said by one, so that a life has fewer.
  expect(kills).toBeGreaterThan(deaths.length * 0.6);
});

/** How often its operator was killed, or what went wrong. */
async function endOf(cut: Cut): Promise<number | string> {
  const { at, when } = cut;
  try {
    return (await life(`${when}-${at}`, cut)).kills;
  } catch (error) {
    return `killed ${when} write ${at} (${writes[at - 1]}): ${String(error)}`;
  }
}

async function life(name: string, cut: Cut | null): Promise<{ readonly writes: readonly string[]; readonly kills: number }> {
  const namespace = `life-${name}`;
  await plane.makeNamespace(namespace);
  const proxy = await WriteProxy.start(plane.api);
  const place = { server: plane.api, apiUrl: proxy.url, ...plane.place, namespace };
  const first = await OperatorProcess.start(place);
  const operators = [first];
  let next: Promise<unknown> = Promise.resolve();
  let kills = 0;
  proxy.cut = (_, at) => (kills === 0 && at === cut?.at ? cut.when : null);
  proxy.onCut = () => {
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
