// A local run with its console, opened in a browser: what tests of the console have in common.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { LocalConsole } from '../../cli/run/local-console.ts';
import { runJob, type RunOutcome, type RunRequest } from '../../cli/run/run-job.ts';
import type { Live } from '../../console/api.ts';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import type { OpenBrowser } from './browser.ts';
import { withFolder } from './flights-run.ts';
import { jobText } from './job-run.ts';

export type ShownConsole = {
  readonly page: Page;
  readonly local: LocalConsole;
  readonly interrupt: AbortController;
  readonly outcome: Promise<RunOutcome>;
};

export type ConsoleRun = {
  readonly browser: OpenBrowser;
  readonly natsUrl: string;
  readonly file: string;
  readonly folder: string;
  readonly options?: Partial<RunRequest>;
  readonly jaegerUrl?: string;
};

/** Runs a job with its console, and gives it to `use`; ends both. */
export async function showConsole(run: ConsoleRun, use: (shown: ShownConsole) => Promise<void>): Promise<void> {
  const { browser, natsUrl, file, folder, options = {}, jaegerUrl } = run;
  const local = await LocalConsole.start({ port: 0, file, isolation: 'thread', jaegerUrl });
  const interrupt = new AbortController();
  const request: RunRequest = {
    file,
    workers: 2,
    natsUrl,
    dataDir: join(folder, 'data'),
    outDir: join(folder, 'out'),
    speed: null,
    parameters: {},
    name: null,
    fresh: true,
    durability: 'process',
    isolation: 'thread',
    ...options,
  };
  const outcome = runJob(request, local.listener, { interrupt: interrupt.signal }).then((ended) => (local.ended(ended), ended));
  outcome.catch(() => undefined); // told below, when it is waited for
  try {
    browser.problems.length = 0;
    await browser.page.setViewportSize({ width: 1280, height: 800 });
    await browser.page.goto(local.url);
    await browser.page.waitForSelector('[data-figure=phase]');
    await use({ page: browser.page, local, interrupt, outcome });
  } finally {
    interrupt.abort();
    await outcome;
    await local.close();
    await browser.page.goto('about:blank');
  }
}

export async function api<T>(local: LocalConsole, path: string): Promise<T> {
  return (await (await fetch(`${local.url}api/jobs/-/${path}`)).json()) as T;
}

const doorsJob = (subject: string, more: string): string =>
  jobText(
    'doors',
    `
  sources:
    - { name: seen, nats: { subjects: [${subject}] }, schema: { door: string, type: string, note: string } }
  stages:
    - name: doors
      from: seen
      keyBy: event.door
      partitions: 3
      machine:
        context: { times: 0, note: '' }
        initial: closed
        states:
          closed: { on: { open: { target: opened, actions: [{ assign: { times: context.times + 1, note: event.note } }] } } }
          opened:
            initial: ajar
            on: { close: { target: closed, actions: [{ emit: { output: shut, value: { door: event.door } } }] } }
            states:
              ajar: { on: { push: wide } }
              wide: { type: final }
  sinks: [{ name: out, from: doors.shut, nats: { subject: out.doors } }]
${more}`,
  );

export type InJob = { readonly page: Page; readonly local: LocalConsole; readonly send: (event: unknown) => Promise<void> };
let jobs = 0;

/** A job that waits for events of doors: `{ door, type, note }`. */
export function inDoorsJob(
  given: Pick<ConsoleRun, 'browser' | 'natsUrl' | 'jaegerUrl' | 'options'> & {
    /** More of the job's spec, two spaces in. */ readonly more?: string;
  },
  use: (given: InJob) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    const file = join(folder, 'job.yaml');
    const subject = `in.doors-${++jobs}`;
    await writeFile(file, doorsJob(subject, given.more ?? ''));
    const feed: NatsConnection = await connectNats({ url: given.natsUrl, name: 'test' });
    const stream = subject.replace('.', '_');
    const made = await callApi(Link.of(feed), `STREAM.CREATE.${stream}`, { name: stream, subjects: [subject], storage: 'memory' });
    expect(made.kind).toBe('ok');
    const send = async (event: unknown): Promise<void> => {
      feed.publish(subject, JSON.stringify(event));
      await feed.flush();
    };
    const states = async (local: LocalConsole): Promise<readonly string[]> =>
      (await api<Live>(local, 'doors/live')).stages.flatMap(({ partitions }) => partitions.map(({ state }) => state));
    try {
      await showConsole({ ...given, file, folder }, async ({ page, local }) => {
        await expect.poll(() => states(local)).not.toContain('unknown');
        await use({ page, local, send });
      });
    } finally {
      await feed.close();
    }
  });
}
