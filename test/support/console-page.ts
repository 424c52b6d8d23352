// The console's page in a browser, as tests of a local run and of a cluster use it.

import type { Page } from 'playwright-core';
import { accessibilityProblems, keepPicture } from './browser.ts';

export const VIEWS = ['topology', 'machines', 'key', 'windows', 'dead-letters', 'partitions', 'timeline', 'job'];
const LOOKS = [
  [1280, 800, 'light'],
  [1280, 800, 'dark'],
  [390, 844, 'light'],
  [390, 844, 'dark'],
] as const;

/** Goes to a view by the address, as links do. */
export async function view(page: Page, name: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(`#/${name}`)}`);
  await page.waitForSelector('main > section, main > .empty');
}

export async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.textContent(selector, { timeout: 90_000 })) ?? '';
}

export type AllViews = {
  /** Pictures begin with it. */
  readonly name: string;
  /** Address of a key's story. */
  readonly key: string;
  /** Loads the page anew. */
  readonly reload: () => Promise<unknown>;
  /** Absent: all. */
  readonly views?: readonly string[];
};

/** A picture of each view in each look; what is wrong with them for whoever looks, a sentence each. */
export async function lookAtAllViews(page: Page, { name, key, reload, views = VIEWS }: AllViews): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [width, height, colorScheme] of LOOKS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await reload();
    for (const one of views) {
      await view(page, one === 'key' ? key : one);
      if (one === 'key') await page.waitForSelector('[data-figure=owner]');
      await page.waitForTimeout(300); // drawings find their places
      await keepPicture(page, `${name}-${one}-${width}-${colorScheme}`);
      problems.push(...(await accessibilityProblems(page)).map((problem) => `${one} ${width} ${colorScheme}: ${problem}`));
      const isTooWide = await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
      if (isTooWide) problems.push(`${one} ${width}: the page is wider than the window`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  return problems;
}

const FOCUSABLE = 'a[href], button:not(:disabled), input:not(:disabled), select, summary, [tabindex="0"]';
const TABS_MAX = 300;

/** Goes through the page by Tab: what of all that can be used was not reached, and where nobody would see that they are. */
export async function tabbedThrough(page: Page): Promise<{ readonly isMissed: readonly string[]; readonly isUnseen: readonly string[] }> {
  await page.evaluate(`
    window.tabbed = new Set();
    window.unseen = [];
    document.activeElement?.blur();
    window.nameOf = (one) => one.outerHTML.slice(0, 160);
  `);
  for (let tabs = 0; tabs < TABS_MAX; tabs++) {
    await page.keyboard.press('Tab');
    const isAgain = await page.evaluate(`(() => {
      const one = document.activeElement;
      if (one === null || one === document.body) return false; // round the end
      if (tabbed.has(one)) return true;
      tabbed.add(one);
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      if (outlineStyle === 'none' || outlineWidth === '0px') unseen.push(nameOf(one));
      return false;
    })()`);
    if (isAgain === true) break;
  }
  return page.evaluate(`({
    isMissed: [...document.querySelectorAll('${FOCUSABLE}')]
      .filter((one) => one.checkVisibility() && one.closest('details:not([open])') === null && !tabbed.has(one) && one.isConnected)
      .map(nameOf),
    isUnseen: unseen,
  })`);
}

/** Shows a token to the page that asks for one. */
export async function signIn(page: Page, token: string): Promise<void> {
  await page.fill('.token input', token);
  await page.click('.token button');
}
