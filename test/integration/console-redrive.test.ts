// Dead letters in the console of a local run: put in again and dropped, once, by who is asked and agrees; and by no other page.

import { describe, expect, test } from 'vitest';
import type { DeadLetterGroup, Decided, DecideRequest, ShownDeadLetters } from '../../console/api.ts';
import { redriveLetters } from '../../cli/dlq/decide-letters.ts';
import type { LocalConsole } from '../../cli/run/local-console.ts';
import { accessibilityProblems, keepPicture } from '../support/browser.ts';
import { browserAndServer } from '../support/browser-and-server.ts';
import { textOf, view } from '../support/console-page.ts';
import { api, inDoorsJob } from '../support/console-run.ts';

const own = await browserAndServer();

const PATH = 'api/jobs/-/doors/dead-letters';
/** The machine has no such event. */
const refused = (door: string): object => ({ door, type: 'shout', note: '' });

function post(local: LocalConsole, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(local.url + PATH, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
}

async function decide(local: LocalConsole, request: Partial<DecideRequest>): Promise<Decided> {
  const answer = await post(local, JSON.stringify({ what: 'redrive', reason: '', dryRun: false, through: null, ...request }));
  expect(answer.status).toBe(200);
  return (await answer.json()) as Decided;
}

async function groups(local: LocalConsole): Promise<readonly DeadLetterGroup[]> {
  return (await api<ShownDeadLetters>(local, 'doors/dead-letters')).groups;
}

async function counts(local: LocalConsole): Promise<readonly (readonly number[])[]> {
  return (await groups(local)).map(({ count, open, redriven, dropped }) => [count, open, redriven, dropped]);
}

describe.skipIf(own.program === null)('dead letters', () => {
  test('are put in again and dropped as it was agreed to, and the page says what became of them', () =>
    inDoorsJob({ browser: own.browser, natsUrl: own.server.url }, async ({ page, local, send }) => {
      for (const door of ['a', 'b', 'c']) await send(refused(door));
      await view(page, 'dead-letters');
      await expect.poll(() => counts(local)).toEqual([[3, 3, 0, 0]]);
      await page.getByRole('button', { name: 'Put all 3 in again' }).click();
      await page.locator('dialog h2', { hasText: 'Put 3 dead letters in again?' }).waitFor();
      expect(await accessibilityProblems(page)).toEqual([]);
      await keepPicture(page, 'redrive-asked');
      await page.keyboard.press('Escape');
      await page.locator('dialog').waitFor({ state: 'detached' });
      expect(await counts(local)).toEqual([[3, 3, 0, 0]]); // nothing was done

      await page.getByRole('button', { name: 'Put all 3 in again' }).click();
      await page.locator('dialog h2', { hasText: 'Put 3 dead letters in again?' }).waitFor();
      await send(refused('d')); // nobody agreed to this one
      await expect.poll(() => counts(local)).toEqual([[4, 4, 0, 0]]);
      await page.locator('dialog button.main').click();
      await expect.poll(() => textOf(page, '[data-figure=decided]')).toContain('3 dead letters were put in again, 3 of them are taken in.');
      await expect.poll(() => counts(local)).toEqual([[7, 4, 3, 0]]); // the job is as it was: each fails again, as a letter of its own
      await page.locator('.cause .moment', { hasText: '4 open, 3 put in again' }).waitFor();
      expect(await accessibilityProblems(page)).toEqual([]);
      await keepPicture(page, 'redrive-done');

      await page.locator('.samples li .deciding button', { hasText: 'Drop' }).first().click();
      await page.locator('dialog h2', { hasText: 'Drop 1 dead letter?' }).waitFor();
      expect(await page.locator('dialog button.main').isDisabled()).toBe(true); // not without a reason
      await page.locator('dialog input').fill('a test');
      await keepPicture(page, 'drop-asked');
      await page.keyboard.press('Enter');
      await expect.poll(() => textOf(page, '[data-figure=decided]')).toContain('1 dead letter is marked as done; nothing was deleted.');
      await expect.poll(() => counts(local)).toEqual([[7, 3, 3, 1]]);
      await page.locator('.samples .pill', { hasText: 'dropped' }).waitFor();
      expect(own.browser.problems).toEqual([]);
    }));

  test('are put in once, though two people and the command line ask at the same time', () =>
    inDoorsJob({ browser: own.browser, natsUrl: own.server.url }, async ({ local, send }) => {
      for (let door = 0; door < 20; door++) await send(refused(`door ${door}`));
      await expect.poll(() => counts(local)).toEqual([[20, 20, 0, 0]]);
      const [group] = await groups(local);
      const which = { cause: group?.id ?? '' };
      const dry = await decide(local, { which, dryRun: true });
      expect(dry).toMatchObject({ count: 20, before: 0, refused: [], isMore: false });
      const asked = { nats: own.server.url, all: false, output: 'json' as const, dryRun: false, wait: 0 };
      const [one, other, command] = await Promise.all([
        decide(local, { which, through: dry.through }),
        decide(local, { which, through: dry.through }),
        redriveLetters('doors', { ...asked, limit: 20 }),
      ]);
      const { sent } = JSON.parse(command.text) as { readonly sent: readonly unknown[] };
      expect(one.count + other.count + sent.length).toBe(20);
      await expect.poll(() => counts(local)).toEqual([[40, 20, 20, 0]]);
      const [letter] = (await groups(local))[0]!.samples;
      expect(await decide(local, { which: { id: letter!.id! }, what: 'drop', reason: 'done' })).toMatchObject({ count: 1, before: 0 });
      expect(await decide(local, { which: { id: letter!.id! } })).toMatchObject({ count: 0, before: 1 });
      const byCause = await redriveLetters('doors', { ...asked, cause: which.cause, dryRun: true });
      expect((JSON.parse(byCause.text) as { sent: unknown[] }).sent).toHaveLength(19);
    }));

  test('are decided about by the console\u2019s own page only, and by what is a request', () =>
    inDoorsJob({ browser: own.browser, natsUrl: own.server.url }, async ({ page, local, send }) => {
      await send(refused('a'));
      await expect.poll(() => counts(local)).toEqual([[1, 1, 0, 0]]);
      const which = { cause: (await groups(local))[0]!.id };
      const whole = { what: 'drop', which, reason: 'x', dryRun: false, through: null };
      const body = JSON.stringify(whole);
      const statuses: [status: number, answer: Promise<Response>][] = [
        [415, post(local, body, { 'content-type': 'text/plain' })],
        [403, post(local, body, { origin: 'http://elsewhere.example' })],
        [403, post(local, body, { origin: `http://localhost:${Number(new URL(local.url).port) + 1}` })],
        [403, post(local, body, { origin: 'null' })],
        [403, post(local, body, { 'sec-fetch-site': 'same-site' })],
        [400, post(local, 'no JSON')],
        [400, post(local, JSON.stringify({ ...whole, what: 'delete' }))],
        [400, post(local, JSON.stringify({ ...whole, which: {} }))],
        [400, post(local, JSON.stringify({ ...whole, which: { ...which, id: '1-1' } }))],
        [400, post(local, JSON.stringify({ ...whole, reason: '' }))],
        [400, post(local, JSON.stringify({ ...whole, dryRun: 'no' }))],
        [400, post(local, JSON.stringify({ ...whole, reason: 'x'.repeat(100_000) }))],
      ];
      for (const [status, answer] of statuses) expect((await answer).status, await (await answer).text()).toBe(status);
      // What another page makes this browser send: it is refused before it is read.
      await page.goto('about:blank');
      const url = JSON.stringify(local.url + PATH);
      const simple = `fetch(${url}, { method: 'POST', mode: 'no-cors', body: ${JSON.stringify(body)} }).catch(() => 'refused')`;
      expect(await page.evaluate(simple)).toBe('refused');
      const asked = `fetch(${url}, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '' }).catch(() => 'refused')`;
      expect(await page.evaluate(asked)).toBe('refused');
      expect(await counts(local)).toEqual([[1, 1, 0, 0]]);
    }));
});
