import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundedOutOfOrder, together } from './watermark.ts';

test('an event exactly as late as the bound allows is still after the watermark', () => {
  const watermark = boundedOutOfOrder({ highestMs: 100, maxOutOfOrderMs: 30 });
  expect(watermark).toBe(69);
  expect(70 > watermark).toBe(true);
});

/** `5 i3 end`: an input at 5, an idle one at 3, one that has ended. */
function drawn(drawing: string): ReturnType<typeof together> {
  const tokens = drawing.split(' ').filter((token) => token !== '');
  const at = (token: string): number => (token === 'end' ? Infinity : token === '?' ? -Infinity : Number(token));
  return together(
    tokens.map((token) => at(token.replace('i', ''))),
    tokens.map((token) => token.startsWith('i')),
  );
}

describe('E2 over several inputs', () => {
  test.each([
    { fact: 'the lowest holds', inputs: '5 3 9', watermark: 3 },
    { fact: 'one that has said nothing holds all back', inputs: '5 ?', watermark: -Infinity },
    { fact: 'one that has ended holds nobody back', inputs: '5 end', watermark: 5 },
    { fact: 'all ended: the end', inputs: 'end end', watermark: Infinity },
    { fact: 'none at all: the end', inputs: '', watermark: Infinity },
    { fact: 'an idle one holds nobody back', inputs: '5 i3 9', watermark: 5 },
    { fact: 'an idle one that has said nothing holds nobody back', inputs: '5 i?', watermark: 5 },
    { fact: 'all idle: where the furthest of them stands', inputs: 'i5 i3', watermark: 5, isIdle: true },
    { fact: 'idle is not done: idle ones and ended ones are not the end (FLINK-38477)', inputs: 'i5 end i3', watermark: 5, isIdle: true },
    { fact: 'all idle before anything was said: nothing is known', inputs: 'i? i?', watermark: -Infinity, isIdle: true },
  ])('$fact', ({ inputs, watermark, isIdle = false }) => expect(drawn(inputs)).toEqual({ watermark, isIdle }));

  test('whatever inputs do, their watermark is at most what an open one has said, and that of a slow model', () => {
    const input = fc.record({ at: fc.constantFrom(-Infinity, 1, 2, 3, 4, 5, Infinity), isIdle: fc.boolean() });
    fc.assert(
      fc.property(fc.array(input, { maxLength: 6 }), (inputs) => {
        const found = together(
          inputs.map(({ at }) => at),
          inputs.map(({ isIdle }) => isIdle),
        );
        const open = inputs.filter(({ at }) => at !== Infinity);
        const speaking = open.filter(({ isIdle }) => !isIdle);
        const slow =
          speaking.length > 0
            ? Math.min(...speaking.map(({ at }) => at))
            : open.length > 0
              ? Math.max(...open.map(({ at }) => at))
              : Infinity;
        expect(found).toEqual({ watermark: slow, isIdle: open.length > 0 && speaking.length === 0 });
        if (open.length > 0) expect(found.watermark).toBeLessThanOrEqual(Math.max(...open.map(({ at }) => at)));
      }),
      { numRuns: 2_000 },
    );
  });
});
