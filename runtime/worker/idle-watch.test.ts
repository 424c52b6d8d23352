import { expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { IdleWatch } from './idle-watch.ts';

type Options = { readonly afterMs: number; readonly closeAfterMs: number | null; readonly isIdle?: boolean };

/** What is told over `untilMs`, each as `passed@time`, when something comes at `speaks` and nothing is heard at `unheard`. */
async function told(
  { afterMs, closeAfterMs, isIdle = false }: Options,
  {
    speaks = [],
    unheard = [],
    untilMs,
  }: { readonly speaks?: readonly number[]; readonly unheard?: readonly number[]; readonly untilMs: number },
): Promise<string> {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const seen: string[] = [];
  const notify = (): void => {
    if (watch.isDue) seen.push(`${watch.take().passedMs}@${clock.monotonicMs()}`);
  };
  const watch: IdleWatch = new IdleWatch({ idle: { afterMs, closeAfterMs }, clock, signal: stop.signal, notify }, isIdle);
  const play = async (): Promise<void> => {
    for (let ms = 0; ms <= untilMs; ms += 50) {
      if (speaks.includes(ms)) watch.spoke();
      if (unheard.includes(ms)) watch.unheard();
      await clock.sleep(50);
    }
  };
  await clock.run(play());
  stop.abort();
  return seen.join(' ');
}

test.each([
  {
    fact: 'a split is idle once, when nothing came for so long',
    options: { afterMs: 300, closeAfterMs: null },
    untilMs: 2_000,
    gives: '0@300',
  },
  {
    fact: 'what comes begins it anew, and it is told again',
    options: { afterMs: 300, closeAfterMs: null },
    speaks: [200, 1_000],
    untilMs: 2_000,
    gives: '0@500 0@1300',
  },
  {
    fact: 'event time goes on from its last event, and then by what has passed since',
    options: { afterMs: 300, closeAfterMs: 700 },
    untilMs: 2_500,
    gives: '0@300 700@700 700@1400 700@2100',
  },
  {
    fact: 'idle and going on may begin together',
    options: { afterMs: 500, closeAfterMs: 500 },
    untilMs: 1_000,
    gives: '500@500 500@1000',
  },
  {
    fact: 'what comes ends it: event time goes on from there',
    options: { afterMs: 300, closeAfterMs: 700 },
    speaks: [1_000],
    untilMs: 2_000,
    gives: '0@300 700@700 0@1300 700@1700',
  },
  {
    fact: 'who goes on with a split that is idle does not tell it again',
    options: { afterMs: 300, closeAfterMs: 700, isIdle: true },
    untilMs: 1_000,
    gives: '700@700',
  },
  {
    fact: 'a source that cannot be heard is not quiet',
    options: { afterMs: 300, closeAfterMs: null },
    unheard: [200, 400],
    untilMs: 1_000,
    gives: '0@700',
  },
])('E2 $fact', async ({ options, gives, ...play }) => expect(await told(options, play)).toBe(gives));
