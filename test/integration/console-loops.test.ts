// What a stage sends to itself, by `feedback` and by `sendTo`, in a real browser: drawn, listed, told to those who see no drawing,
// and with the figures of the API.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { Declared, Live } from '../../console/api.ts';
import { count } from '../../console/page/format.ts';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { accessibilityProblems, keepPicture } from '../support/browser.ts';
import { browserAndServer } from '../support/browser-and-server.ts';
import { textOf, view } from '../support/console-page.ts';
import { api, showConsole } from '../support/console-run.ts';
import { withFolder } from '../support/flights-run.ts';
import { jobText } from '../support/job-run.ts';

const ROUNDS = 3;
const EVENTS = 200;
const SUBJECT = 'in.loops';

/** `hubs` has both, and feeds `pairs`, whose actors send each other one event for each that comes. */
const JOB = jobText(
  'loops',
  `
  partitions: 2
  sources:
    - { name: seen, nats: { subjects: [${SUBJECT}] }, schema: { id: string, left: int } }
  stages:
    - name: hubs
      from: seen
      keyBy: event.id
      feedback: { from: again, maxRounds: ${ROUNDS} }
      machine:
        eventType: "'step'"
        initial: open
        states:
          open:
            on:
              step: { actions: [{ emit: { output: got, value: event } }, { sendTo: { key: "'all'", type: noted } }] }
              noted: { actions: [{ assign: { at: "1" } }] }
        context: { at: 0 }
    - name: again
      from: hubs.got
      filter: event.left > 0
      map: { id: "event.id + '+'", left: event.left - 1 }
    - name: pairs
      from: hubs.got
      keyBy: event.left
      machine:
        eventType: "'step'"
        initial: open
        context: { at: 0 }
        states:
          open:
            on:
              step: { actions: [{ sendTo: { key: "key", type: noted } }, { emit: { output: out, value: event } }] }
              noted: { actions: [{ assign: { at: "1" } }] }
  sinks: [{ name: out, from: pairs.out, nats: { subject: out.loops } }]
`,
);

const own = await browserAndServer();

async function withFeed(use: (send: (many: number) => Promise<void>) => Promise<void>): Promise<void> {
  const feed: NatsConnection = await connectNats({ url: own.server.url, name: 'test' });
  try {
    const made = await callApi(Link.of(feed), 'STREAM.CREATE.loops', { name: 'loops', subjects: [SUBJECT], storage: 'memory' });
    expect(made.kind).toBe('ok');
    await use(async (many) => {
      for (let n = 0; n < many; n++) feed.publish(SUBJECT, JSON.stringify({ id: `k${n % 20}`, left: ROUNDS }));
      await feed.flush();
    });
  } finally {
    await feed.close();
  }
}

const LOOKS = [
  [1280, 800, 'light'],
  [1280, 800, 'dark'],
  [390, 844, 'light'],
  [390, 844, 'dark'],
] as const;

/** Of a drawing: boxes that are not all within its pane. */
const BOXES_OUT_OF_SIGHT = `(() => {
  const pane = document.querySelector('.drawing').getBoundingClientRect();
  return [...document.querySelectorAll('.react-flow__node')].flatMap((node) => {
    const box = node.getBoundingClientRect();
    return box.left < pane.left || box.right > pane.right || box.top < pane.top || box.bottom > pane.bottom ? [node.dataset.id] : [];
  });
})()`;

async function lookAtTopology(page: Page): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [width, height, colorScheme] of LOOKS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await page.reload();
    for (const form of ['Drawing', 'Table']) {
      await view(page, 'topology');
      await page.getByRole('button', { name: form }).click();
      await page.waitForSelector(form === 'Table' ? '[data-loop=hubs]' : '[data-edge="hubs → hubs"]');
      await page.waitForTimeout(300); // drawings find their places
      await keepPicture(page, `loops-${form.toLowerCase()}-${width}-${colorScheme}`);
      problems.push(...(await accessibilityProblems(page)).map((problem) => `${form} ${width} ${colorScheme}: ${problem}`));
      if (await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth'))
        problems.push(`${form} ${width}: the page is wider than the window`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.reload();
  return problems;
}

describe.skipIf(own.program === null)('what a stage sends to itself', () => {
  test(
    'is drawn with its name and rate, listed in table and panel, and told to those who see no drawing',
    () =>
      withFolder((folder) =>
        withFeed(async (send) => {
          const file = join(folder, 'job.yaml');
          await writeFile(file, JOB);
          await showConsole({ browser: own.browser, natsUrl: own.server.url, file, folder }, async ({ page, local }) => {
            const declared = await api<Declared>(local, 'loops');
            const loops = declared.edges.filter(({ from, to }) => from === to);
            expect(loops.map(({ from, label }) => `${from} ${label}`).toSorted()).toEqual(['hubs feedback', 'hubs sendTo', 'pairs sendTo']);

            const feeding = setInterval(() => void send(10), 200);
            try {
              await page.locator('[data-edge="hubs → hubs"]', { hasText: /feedback\s[1-9.]+\S*\/s.*sendTo\s[1-9.]/ }).waitFor();
              await page.locator('[data-edge="pairs → pairs"]', { hasText: /sendTo\s[1-9.]/ }).waitFor();
              expect(await lookAtTopology(page)).toEqual([]);
              await page.getByRole('button', { name: 'Drawing' }).click();
              const name = (): Promise<string | null> => page.locator('.react-flow__node[data-id=hubs]').getAttribute('aria-label');
              await expect.poll(name).toMatch(/^keyed hubs: .* waiting, to itself feedback\s\d\S*\/s, sendTo\s\d\S*\/s$/);
            } finally {
              clearInterval(feeding);
            }

            const before = (await api<Live>(local, 'loops/live')).stages.find(({ id }) => id === 'seen')?.eventsIn ?? 0;
            await send(EVENTS);
            const sums = async (): Promise<Record<string, number>> => {
              const { edges, stages } = await api<Live>(local, 'loops/live');
              const events = stages.find(({ id }) => id === 'seen')?.eventsIn ?? 0;
              const of = (stage: string, name: string): number =>
                edges.find(({ index }) => loops.some((loop) => loop.index === index && loop.from === stage && loop.label === name))
                  ?.events ?? 0;
              return {
                isAll: Number(events >= before + EVENTS),
                feedback: of('hubs', 'feedback') / events,
                sendTo: of('hubs', 'sendTo') / events,
              };
            };
            // Each event goes three times round, and each time that one comes an actor is told.
            await expect.poll(sums).toEqual({ isAll: 1, feedback: ROUNDS, sendTo: ROUNDS + 1 });

            await page.locator('[data-stage=hubs]').click();
            await page.waitForSelector('[data-panel=hubs]');
            await expect.poll(() => page.evaluate(BOXES_OUT_OF_SIGHT)).toEqual([]);
            const { edges } = await api<Live>(local, 'loops/live');
            const events = edges.find(({ index }) => index === loops.find(({ label }) => label === 'feedback')?.index)?.events ?? 0;
            const way = page.locator('[data-panel=hubs] li', { hasText: 'to itself feedback by key' });
            await expect.poll(() => way.textContent()).toContain(count(events));
            expect(await accessibilityProblems(page)).toEqual([]);
            await keepPicture(page, 'loops-panel');
            await page.getByRole('button', { name: 'Table' }).click();
            expect(await textOf(page, '[data-loop=pairs]')).toMatch(/to itself: sendTo\s\d/);
            expect(await page.locator('[data-loop]').count()).toBe(2);
            expect(own.browser.problems).toEqual([]);
          });
        }),
      ),
    170_000,
  );
});
