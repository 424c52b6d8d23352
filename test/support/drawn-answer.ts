// The page held against the very answer of the API that it drew, while the job runs: the page tells when its figures are from, and
// keeps what it was told, so that page and answer are read in one moment of the browser, and no clock decides whether they agree.

import { isDeepStrictEqual } from 'node:util';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Live, LiveStage } from '../../console/api.ts';
import { count, loadText, rate, time } from '../../console/page/format.ts';
import { view } from './console-page.ts';

const WAIT = { timeout: 120_000, interval: 20 };
const KEPT_MAX = 200;

/** From the next load on. */
export async function keepAnswers(page: Page): Promise<void> {
  await page.addInitScript(`(() => {
    const fetched = window.fetch;
    window.answers = new Map();
    window.fetch = async (...asked) => {
      const response = await fetched(...asked);
      if (!String(asked[0]).endsWith('/stream') || response.body === null) return response;
      const [drawn, kept] = response.body.tee();
      void keep(kept.pipeThrough(new TextDecoderStream()));
      return new Response(drawn, response);
    };
    const keep = async (texts) => {
      let text = '';
      for await (const more of texts) {
        const events = (text + more).split('\\n\\n');
        text = events.pop();
        for (const event of events) {
          if (!event.startsWith('data: ')) continue;
          const live = JSON.parse(event.slice(6));
          answers.set(live.atMs, live);
        }
        for (const at of [...answers.keys()].slice(0, -${KEPT_MAX})) answers.delete(at);
      }
    };
  })()`);
}

export type Drawn<T> = { readonly shown: T; readonly answer: Live };

/** What `read`, an expression of the page, tells of it, and the answer that it was drawn from. */
export async function drawn<T>(page: Page, read: string): Promise<Drawn<T>> {
  let found: Drawn<T> | null = null;
  await expect
    .poll(async () => {
      found = await page.evaluate<Drawn<T> | null>(`(() => {
        const answer = answers.get(Number(document.querySelector('main').dataset.at));
        return answer === undefined ? null : { shown: ${read}, answer };
      })()`);
      return found !== null;
    }, WAIT)
    .toBe(true);
  return found!;
}

const PANEL_FIGURES = ['rate', 'events in', 'events out', 'waiting', 'late', 'filtered', 'dead letters', 'time', 'watermark'] as const;

const LOOKS = 5;

/**
 * Looks several times, at different answers, at the topology as a table, at the panel of `stage`, and at the drawing: each shows what the
 * answer says that it was drawn from. Each way of looking goes on until an answer has come in which `isOfUse`, such as that events flow.
 */
export async function checkFlowingTopology(page: Page, stage: string, isOfUse: (answer: Live) => boolean): Promise<void> {
  const several = async (look: () => Promise<Live>): Promise<void> => {
    const used = new Set<number>();
    for (const untilMs = performance.now() + WAIT.timeout; used.size < LOOKS;) {
      const answer = await look(); // one that shows something else is a failure, and no reason to look again
      if (isOfUse(answer)) used.add(answer.atMs);
      if (performance.now() > untilMs)
        throw new Error(`only ${used.size} answers were of use; the last one: ${JSON.stringify(answer.stages)}`);
    }
  };
  await view(page, 'topology');
  await page.getByRole('button', { name: 'Table' }).click();
  await page.waitForSelector('section table tbody tr');
  await several(async () => {
    const { shown, answer } = await drawn<(string | null)[][]>(
      page,
      `[...document.querySelectorAll('section table tbody tr')].map((row) => [...row.children].map(({ textContent }) => textContent))`,
    );
    const byId = new Map(answer.stages.map((one) => [one.id, one]));
    expect(shown.length).toBeGreaterThan(1);
    expect(shown).toEqual(shown.map(([id]) => rowOf(id ?? '', byId.get(id ?? ''))));
    return answer;
  });
  await page.locator('tbody').getByRole('button', { name: stage, exact: true }).click();
  await page.waitForSelector(`[data-panel="${stage}"]`);
  await several(async () => {
    const { shown, answer } = await drawn<(string | null)[]>(
      page,
      `${JSON.stringify(PANEL_FIGURES)}.map((name) => document.querySelector('[data-panel] [data-figure="' + name + '"]')?.textContent ?? null)`,
    );
    expect(Object.fromEntries(PANEL_FIGURES.map((name, at) => [name, shown[at]]))).toEqual(panelOf(answer, stage));
    return answer;
  });
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Drawing' }).click();
  // The drawing's library takes boxes over a moment after they were given to it: some looks are in between.
  await several(async () => {
    const agreed: Live[] = [];
    await expect
      .poll(async () => {
        const { shown, answer } = await drawn<(string | null)[][]>(
          page,
          `[...document.querySelectorAll('[data-stage]')].map((box) => [box.dataset.stage, ...['rate', 'mark-time'].map((what) => (box.querySelector('[data-figure=' + what + ']') ?? box.querySelector('.' + what))?.textContent ?? null), box.querySelector('.load')?.title ?? null])`,
        );
        const byId = new Map(answer.stages.map((one) => [one.id, one]));
        const wanted = shown.map(([id]) => boxOf(id ?? '', byId.get(id ?? '')));
        const isSame = shown.length > 1 && isDeepStrictEqual(shown, wanted);
        if (isSame) agreed.push(answer);
        return isSame ? 'the same' : { shown, wanted };
      }, WAIT)
      .toBe('the same');
    return agreed[0]!;
  });
}

function rowOf(id: string, stage: LiveStage | undefined): readonly string[] {
  if (stage === undefined) return [id, '–', '–', '–', '–'];
  const { eventsInPerS, eventsIn, lagEvents, isDone } = stage;
  return [id, isDone ? 'done' : rate(eventsInPerS), count(eventsIn), lagEvents === null ? '–' : count(lagEvents), minuteOf(stage, 'ended')];
}

function panelOf({ stages }: Live, id: string): Readonly<Record<(typeof PANEL_FIGURES)[number], string | null>> {
  const stage = stages.find((one) => one.id === id)!;
  return {
    rate: rate(stage.eventsInPerS),
    'events in': count(stage.eventsIn),
    'events out': count(stage.eventsOut),
    waiting: stage.lagEvents === null ? '–' : count(stage.lagEvents),
    late: count(stage.late),
    filtered: count(stage.filtered),
    'dead letters': count(stage.deadLetters),
    time: stage.load === null ? null : loadText(stage.load),
    watermark: stage.isEnded ? 'ended' : time(stage.watermarkMs),
  };
}

function boxOf(id: string, stage: LiveStage | undefined): readonly (string | null)[] {
  if (stage === undefined) return [id, null, null, null];
  const { isDone, eventsInPerS, load } = stage;
  const mark = !stage.isEnded && stage.watermarkMs === null ? 'no watermark yet' : minuteOf(stage, 'input ended');
  return [id, isDone ? '✓ done' : rate(eventsInPerS), mark, load === null || isDone ? null : loadText(load)];
}

function minuteOf({ isEnded, watermarkMs }: LiveStage, ended: string): string {
  return isEnded ? ended : time(watermarkMs).slice(0, 16);
}

/** Of the timeline's view: time, kind and sentence of each entry, from the newest on; all of the answer's, and no others. */
export async function checkTimeline(page: Page): Promise<Live> {
  const { shown, answer } = await drawn<(string | null)[][]>(
    page,
    `[...document.querySelectorAll('.timeline li')].map((one) => [one.querySelector('time').dateTime, one.className, one.querySelector('.text').textContent])`,
  );
  expect(shown).toEqual(answer.timeline.map(({ atMs, kind, text }) => [`${time(atMs)}Z`, kind, text]));
  expect(answer.timeline.map(({ atMs }) => atMs)).toEqual(answer.timeline.map(({ atMs }) => atMs).toSorted((a, b) => b - a));
  return answer;
}
