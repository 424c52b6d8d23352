// The flights job in the console: each view shows the figures of the API.

import { isDeepStrictEqual } from 'node:util';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Declared, Live } from '../../console/api.ts';
import { count } from '../../console/page/format.ts';
import { textOf, view } from './console-page.ts';

/** Once nothing flows any more. `live`: the API's answer, asked for again until both agree. */
export async function checkFlightFigures(page: Page, declared: Declared, live: () => Promise<Live>): Promise<void> {
  const same = (what: string, read: () => Promise<unknown>, told: (live: Live) => unknown): Promise<void> =>
    expect
      .poll(async () => {
        const [shown, wanted] = [await read(), told(await live())];
        return isDeepStrictEqual(shown, wanted) ? 'the same' : { what, shown, wanted };
      })
      .toBe('the same');
  await view(page, 'topology');
  await page.getByRole('button', { name: 'Table' }).click();
  const rows = (): Promise<(string | null)[][]> =>
    page.$$eval('section table tbody tr', (all) => all.map((row) => [0, 2, 3].map((at) => row.children[at]?.textContent ?? null)));
  await same('stages', rows, ({ stages }) =>
    stages
      .filter(({ id }) => declared.stages.some((stage) => stage.id === id && !stage.isDeadLetters))
      .map(({ id, eventsIn, lagEvents }) => [id, count(eventsIn), lagEvents === null ? '–' : count(lagEvents)]),
  );
  await view(page, 'machines');
  expect((await live()).machines.map(({ node }) => node)).toEqual(['aircraft']);
  await same(
    'actors',
    () => textOf(page, '.bar [data-figure=actors]'),
    ({ machines: [machine] }) => count(machine?.actorsTotal ?? 0),
  );
  await same(
    'actors that fly',
    () => textOf(page, '[data-state=flying] [data-figure=actors]'),
    ({ machines: [machine] }) => count(machine?.actors['flying'] ?? 0),
  );
  for (const { id, count: times } of (await live()).machines[0]?.taken ?? [])
    await expect.poll(() => textOf(page, `[data-transition="${id}"]`)).toContain(`×${count(times)}`); // when no rate is left
  await view(page, 'windows');
  expect((await live()).windows.map(({ node }) => node)).toEqual(['hourly', 'sliding', 'sessions']);
  for (const figure of ['open', 'results'] as const)
    await same(
      `windows: ${figure}`,
      () => page.$$eval(`[data-window] [data-figure=${figure}]`, (all) => all.map(({ textContent }) => textContent)),
      ({ windows }) => windows.map((window) => count(window[figure])),
    );
  await view(page, 'dead-letters');
  await same(
    'dead letters',
    () => page.locator('.cause').count(),
    () => 0,
  );
  await view(page, 'partitions');
  const tasks = (): Promise<unknown> =>
    page.$$eval('[data-task]', (all) => all.map((row) => [row.getAttribute('data-task'), row.children[4]?.textContent ?? null]));
  await same('partitions', tasks, ({ stages }) =>
    stages.flatMap(({ id, partitions }) => partitions.map(({ partition, eventsIn }) => [`${id}/${partition}`, count(eventsIn)])),
  );
  await view(page, 'timeline');
  await same(
    'timeline',
    () => page.locator('.timeline li').count(),
    ({ timeline }) => timeline.length,
  );
  await view(page, 'job');
  expect(await textOf(page, '[data-figure=text]')).toBe(declared.text.trimEnd());
  await page.getByRole('button', { name: 'Plan' }).click();
  expect(await textOf(page, '[data-figure=text]')).toBe(declared.planText.trimEnd());
}
