// Five hundred stages in the console: what is drawn stays bounded, and how fluid it is is printed.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BOXES_MAX, OPENED_MAX } from '../../console/page/collapse.ts';
import { accessibilityProblems, findBrowser, keepPicture, openBrowser, type OpenBrowser } from '../support/browser.ts';
import { view } from '../support/console-page.ts';
import { startLargeJob } from '../support/large-job.ts';
import type { MadeUpJob } from '../support/made-up-job.ts';

const program = await findBrowser();
let browser: OpenBrowser;
let job: MadeUpJob;
beforeAll(async () => {
  if (program === null) return;
  job = await startLargeJob();
  browser = await openBrowser(program);
});
afterAll(async () => {
  await browser?.close();
  await job?.close();
});

/** Whole page: what a browser keeps well in hand. */
const ELEMENTS_MAX = 6_000;

const elements = (page: Page): Promise<number> => page.evaluate('document.querySelectorAll("*").length');
const boxes = (page: Page): Promise<number> => page.locator('.react-flow__node').count();

/** Times between frames while the drawing is moved and enlarged, ms. */
async function framesWhile(page: Page, act: () => Promise<void>): Promise<readonly number[]> {
  await page.evaluate(`
    window.frames_ = [];
    window.records = true;
    let last = performance.now();
    const next = (now) => { frames_.push(now - last); last = now; if (records) requestAnimationFrame(next); };
    requestAnimationFrame(next);
  `);
  await act();
  return page.evaluate('window.records = false; frames_.slice(1)');
}

async function panAndZoom(page: Page): Promise<void> {
  const pane = (await page.locator('.react-flow__pane').boundingBox())!;
  const [x, y] = [pane.x + pane.width / 2, pane.y + 20];
  for (const notchY of [-120, 120]) {
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 220, y + 160, { steps: 8 });
    await page.mouse.move(x - 120, y + 40, { steps: 8 });
    await page.mouse.up();
    for (let notch = 0; notch < 4; notch++) await page.mouse.wheel(0, notchY);
  }
}

function print(what: string, frames: readonly number[]): void {
  const sorted = frames.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
  console.log(`${what}: ${frames.length} frames, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(0.999)} ms`);
}

/** Five hundred stages drawn by a processor that has other things to do. */
const LIMIT_MS = 500_000;

describe.skipIf(program === null)('a job of 500 stages', () => {
  test('is drawn in few boxes, that open; what is drawn of all of them stays bounded', { timeout: LIMIT_MS }, async () => {
    const { page } = browser;
    const shown = job.plan.stages.filter(({ id }) => !id.startsWith('dead-letters')).length;
    expect(shown).toBeGreaterThanOrEqual(500);
    await page.setViewportSize({ width: 1280, height: 800 });
    const beganMs = performance.now();
    await page.goto(job.server.url);
    await page.waitForSelector('[data-group]');
    console.log(`500 stages: shown ${Math.round(performance.now() - beganMs)} ms after the page was asked for`);
    expect(await boxes(page)).toBeLessThanOrEqual(BOXES_MAX);
    expect(await elements(page)).toBeLessThan(ELEMENTS_MAX);
    await keepPicture(page, 'large-groups');
    expect(await accessibilityProblems(page)).toEqual([]);
    print('500 stages in groups', await framesWhile(page, () => panAndZoom(page)));

    const groups = await page.locator('[data-group]').count();
    expect(groups).toBeGreaterThanOrEqual(5);
    for (let opened = 0; opened < 3; opened++) {
      await page.getByRole('button', { name: 'Fit View' }).click();
      const group = page.locator('.react-flow__node', { has: page.locator('[data-group]') }).nth(opened);
      const name = await group.locator('[data-group]').getAttribute('data-group');
      await group.focus();
      await page.keyboard.press('Enter');
      await page.locator(`[data-group="${name}"]`).waitFor({ state: 'detached' });
      expect(await boxes(page)).toBeLessThanOrEqual(OPENED_MAX);
    }
    await keepPicture(page, 'large-opened');
    console.log(`a group of 500 stages opened: ${await boxes(page)} boxes in ${await elements(page)} elements`);
    expect(await elements(page)).toBeLessThan(ELEMENTS_MAX);
    print('a group of 500 stages opened', await framesWhile(page, () => panAndZoom(page)));
    expect(await elements(page)).toBeLessThan(ELEMENTS_MAX);
    await page.getByRole('button', { name: 'Collapse all' }).click();
    await expect.poll(() => page.locator('[data-group]').count()).toBe(groups);
    expect(browser.problems).toEqual([]);
  });

  test('partitions and the table of stages are told by a part, and all when somebody asks', { timeout: LIMIT_MS }, async () => {
    const { page } = browser;
    await page.goto(job.server.url);
    await view(page, 'partitions');
    await page.locator('[data-task]').first().waitFor();
    expect(await elements(page)).toBeLessThan(ELEMENTS_MAX);
    console.log(`1,000 partitions: ${await elements(page)} elements`);
    print('1,000 partitions', await framesWhile(page, () => page.waitForTimeout(2_000)));
    await page.getByRole('searchbox', { name: 'Only those of' }).fill('stage-3-17');
    await expect
      .poll(() => page.$$eval('[data-task]', (rows) => rows.map((row) => row.getAttribute('data-task'))))
      .toEqual(['stage-3-17/0', 'stage-3-17/1']);
    await page.getByRole('searchbox').fill('');
    await page.getByRole('button', { name: /^Show all/ }).click();
    await expect.poll(() => page.locator('[data-task]').count()).toBeGreaterThan(990);
    print('all of 1,000 partitions', await framesWhile(page, () => page.waitForTimeout(2_000)));
    await view(page, 'topology');
    await page.getByRole('button', { name: 'Table' }).click();
    await page.locator('tbody tr').first().waitFor();
    print('a table of 500 stages', await framesWhile(page, () => page.waitForTimeout(2_000)));
    expect(browser.problems).toEqual([]);
  });
});
