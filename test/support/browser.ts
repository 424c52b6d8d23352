// A real Chromium for a test: Debian's package, installed when it is missing and this machine lets us; else the test is skipped,
// loudly. Each browser has a new empty profile, and is gone with the test.

import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { installMissing } from '../cluster/machine.ts';
import { whereIs } from '../cluster/program-run.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const SWITCHES = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** A machine that does much else at once takes its time. */
const WAIT_MAX_MS = 120_000;
const AXE = fileURLToPath(import.meta.resolve('axe-core/axe.min.js'));
/** Pictures of views: kept for who looks at them afterwards, ignored by git. */
const ARTEFACTS = resolve(import.meta.dirname, '../../.artefacts/console');

/** The path of a browser; null, with the reason told: there is none, and none can be had. */
export async function findBrowser(): Promise<string | null> {
  const found = NAMES.map(whereIs).find((path) => path !== null);
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || whereIs('apt-get') === null) {
    console.warn('\nSKIPPED: no tests of the console in a browser: no chromium here, and no apt-get as root to install it\n');
    return null;
  }
  try {
    await installMissing(['chromium'], (line) => console.log(line));
  } catch (error) {
    console.warn(`\nSKIPPED: no tests of the console in a browser: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  return whereIs('chromium');
}

export type OpenBrowser = {
  readonly page: Page;
  /** Errors of the page, of its console, and what it asked elsewhere for. */ readonly problems: string[];
  close(): Promise<void>;
};

/** One tab of a browser of its own. */
export async function openBrowser(executablePath: string): Promise<OpenBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'millrace-browser-'));
  const context: BrowserContext = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: SWITCHES });
  context.setDefaultTimeout(WAIT_MAX_MS);
  const page = context.pages()[0] ?? (await context.newPage());
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && problems.push(`console: ${message.text()}`));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && hostname !== 'localhost') problems.push(`asked ${request.url()}`);
  });
  return {
    page,
    problems,
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Keeps a picture of the page as it is. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  await mkdir(ARTEFACTS, { recursive: true });
  await page.screenshot({ path: join(ARTEFACTS, `${name}.png`) });
}

/** What axe-core finds wrong for people who cannot see, or use no mouse; a sentence each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  // Run in a world of its own: the page's policy lets nothing in.
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
  const run = async (expression: string): Promise<unknown> => {
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression,
      contextId: executionContextId,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await run(`${await readFile(AXE, 'utf8')};0`);
  const found = (await run(
    'axe.run().then(({ violations }) => violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)) })))',
  )) as { id: string; help: string; where: string[] }[];
  await session.detach();
  return found.map(({ id, help, where }) => `${id}: ${help}: ${where.join(' | ')}`);
}

export function artefactFolder(): string {
  return ARTEFACTS;
}
