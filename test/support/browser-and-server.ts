// What tests of the console over a run of their own begin with: a server, and Chromium where there is one.

import { afterAll, beforeAll } from 'vitest';
import { findBrowser, openBrowser, type OpenBrowser } from './browser.ts';
import { startTestServer, type TestServer } from './nats.ts';

/** For all tests of the file. `program`: of Chromium; null: there is none, and no `browser`. */
export async function browserAndServer(): Promise<{
  readonly program: string | null;
  readonly browser: OpenBrowser;
  readonly server: TestServer;
}> {
  const program = await findBrowser();
  const own: { browser?: OpenBrowser; server?: TestServer } = {};
  beforeAll(async () => {
    own.server = await startTestServer();
    if (program !== null) own.browser = await openBrowser(program);
  }, 60_000);
  afterAll(async () => {
    await own.browser?.close();
    await own.server?.stop();
  });
  return {
    program,
    get browser() {
      return own.browser!;
    },
    get server() {
      return own.server!;
    },
  };
}
