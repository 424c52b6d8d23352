import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeKey } from '../event/key.ts';
import { StepHarness } from '../testing/step-harness.ts';
import { makeSideInput } from './side-input.ts';
import { ROWS } from './transform.ts';

const waits = (waiting: boolean) =>
  new StepHarness({
    make: () => makeSideInput({ kind: 'sideInput', tables: [{ name: 't', waits: waiting }] }),
    outputs: [ROWS],
    value: ({ id, n }) => ({ id, n }),
  });

/** Rows on the right side: `>a7` puts row 7 of key a, `>a7=-1` deletes it. */
function check(isWaiting: boolean, drawing: string, gives: string): void {
  const harness = new StepHarness({
    make: () => makeSideInput({ kind: 'sideInput', tables: [{ name: 't', waits: isWaiting }] }),
    outputs: [ROWS],
    value: ({ id, n, timeMs }) => (n === timeMs ? { id } : ['t', { id, n }]),
  });
  harness.play(drawing);
  const seen = harness.emissions.flatMap((emission) => {
    if (emission.kind === 'watermark') return [];
    return [`${emission.output === null ? '' : '>'}${emission.key}${emission.timeMs}`];
  });
  expect(seen.join(' ')).toBe(gives);
}

test.each([
  { fact: 'events and rows wait for the watermark, and go on by time', waits: true, draw: 'a7 >a5=1 b3 W6 W9', gives: 'b3 >a5 a7' },
  { fact: 'a row goes before an event of its time', waits: true, draw: 'a5 >a5=1 W9', gives: '>a5 a5' },
  { fact: 'rows of one time keep their order', waits: true, draw: '>b5=1 >a5=2 W9', gives: '>b5 >a5' },
  { fact: 'what is late goes on at once', waits: true, draw: 'W9 a7 >a5=1', gives: 'a7 >a5' },
  { fact: 'what is held outlives a restart', waits: true, draw: 'a7 >a5=1 R b3 W6 R W9', gives: 'b3 >a5 a7' },
  { fact: 'without waiting all go on as they come', waits: false, draw: 'a7 >a5=1 b3', gives: 'a7 >a5 b3' },
])('$fact', ({ waits: isWaiting, draw, gives }) => check(isWaiting, draw, gives));

test('C5 C6 each event meets the newest row of its own time, whatever comes when and is restarted (asOf: eventTime)', () => {
  const part = fc.record({ side: fc.nat(1), timeMs: fc.nat(60), id: fc.constantFrom('a', 'b'), n: fc.nat(3) });
  const play = fc.array(fc.oneof({ weight: 6, arbitrary: part }, { weight: 1, arbitrary: fc.constantFrom('R', 'W') }), { maxLength: 60 });
  fc.assert(
    fc.property(play, (parts) => {
      const harness = waits(true);
      const [rows, events]: { id: string; timeMs: number; n: number; place: number }[][] = [[], []];
      let watermark = -1;
      parts.forEach((each, place) => {
        if (each === 'R') harness.restart();
        else if (each === 'W') harness.advance((watermark += 7));
        else {
          const timeMs = Math.max(each.timeMs, watermark + 1); // nothing is late
          (each.side === 1 ? rows : events)!.push({ id: each.id, n: each.n, timeMs, place });
          const value = each.side === 1 ? (each.n === 0 ? ['t'] : ['t', place]) : place;
          harness.pushBatch({ values: [value], times: [timeMs], keys: [encodeKey(each.id)], ingestMs: 0 }, each.side);
        }
      });
      harness.advance(Infinity);

      const known = new Map<string | null, unknown>();
      const met: [unknown, unknown][] = [];
      for (const emission of harness.emissions) {
        if (emission.kind === 'watermark') continue;
        if (emission.output === ROWS) known.set(emission.key, (emission.value as unknown[])[1] ?? null);
        else met.push([emission.value, known.get(emission.key) ?? null]);
      }
      const slow = events!.map(({ id, timeMs, place }) => {
        const valid = rows!.filter((row) => row.id === id && row.timeMs <= timeMs).sort((x, y) => x.timeMs - y.timeMs || x.place - y.place);
        const last = valid.at(-1);
        return [place, last === undefined || last.n === 0 ? null : last.place];
      });
      expect(met.toSorted((x, y) => Number(x[0]) - Number(y[0]))).toEqual(slow);
    }),
    { numRuns: 300 },
  );
});
