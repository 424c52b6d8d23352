// Where an operator of a test serves its console, and who may look at it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../cli/local/server-process.ts';
import { bundlePage } from '../../../console/bundle-page.ts';
import type { ApiServer } from '../../support/api-server.ts';

export type ConsolePlace = {
  readonly url: string;
  /** Of the operator. */
  readonly environment: Readonly<Record<string, string>>;
  readonly remove: () => Promise<void>;
};

/** With the page as it is now. */
export async function consolePlace(): Promise<ConsolePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-console-'));
  const { script, style } = await bundlePage();
  await writeFile(join(folder, 'page.js'), script);
  await writeFile(join(folder, 'page.css'), style);
  const port = await freePort();
  return {
    url: `http://localhost:${port}/`,
    environment: { MILLRACE_CONSOLE_PORT: String(port), MILLRACE_CONSOLE_PAGE: folder },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Of a service account with that right to the StreamJobs of the namespace. */
export async function tokenOf(
  api: ApiServer,
  { namespace, verbs }: { readonly namespace: string; readonly verbs: string },
): Promise<string> {
  const kubectl = async (...args: readonly string[]): Promise<string> => {
    const ended = await api.kubectl([...args, '--namespace', namespace]);
    if (ended.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${ended.stderr}`);
    return ended.stdout.trim();
  };
  await kubectl('create', 'serviceaccount', 'looks');
  await kubectl('create', 'role', 'looks', '--verb', verbs, '--resource', 'streamjobs.millrace.dev');
  await kubectl('create', 'rolebinding', 'looks', '--role', 'looks', '--serviceaccount', `${namespace}:looks`);
  return kubectl('create', 'token', 'looks');
}
