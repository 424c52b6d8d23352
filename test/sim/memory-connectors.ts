// A source that reads a list at a pace, and a sink that keeps lines by their place, as a file does.

import type { Clock, Random } from '../../runtime/base/clock.ts';
import { MillraceError } from '../../runtime/base/errors.ts';
import type { SinkConnector } from '../../runtime/connectors/sink.ts';
import type { SourceConnector } from '../../runtime/connectors/source.ts';
import type { SimEvent } from './sim-job.ts';

const EVENTS_MAX = 12;
const PACE_MS = 250;

/** `isOpen`: no split ends while it is, though all was read. */
export function memorySource(
  splits: readonly (readonly SimEvent[])[],
  clock: Clock,
  random: Random,
  isOpen: () => boolean = () => false,
): SourceConnector {
  return {
    splitCount: splits.length,
    open: (split, position) => {
      const events = splits[split] ?? [];
      let next = Number(position?.['index'] ?? 0);
      const read = async (): ReturnType<Awaited<ReturnType<SourceConnector['open']>>['read']> => {
        await clock.sleep(random.next() * PACE_MS);
        const values = events.slice(next, next + 1 + Math.floor(random.next() * EVENTS_MAX));
        const places = values.map((_, index) => next + index);
        next += values.length;
        const done = next === events.length && !isOpen();
        return {
          values,
          places,
          placeWord: 'seq',
          deadLetters: [],
          position: { index: next },
          ingestMs: clock.nowMs(),
          done,
          bytes: 0,
          progress: null,
        };
      };
      return Promise.resolve({ read, close: () => Promise.resolve() });
    },
  };
}

/** What a sink's target holds: by place, so that a record applied twice changes nothing, and one left out leaves a hole. */
export type Target = (string | undefined)[];

/** `busy`: chance that the target says "not now". `through`: the way to it, which ends when the worker does. */
export function memorySink(
  target: Target,
  { random, busy, through }: { readonly random: Random; readonly busy: number; readonly through: <T>(ask: () => Promise<T>) => Promise<T> },
): SinkConnector {
  const atWork = (): void => {
    if (random.next() < busy) throw new MillraceError('MR4001', { sink: 'memory', path: 'memory', problem: 'not now' });
  };
  return {
    guarantee: 'exactly-once',
    initial: { offset: 0 },
    open: () =>
      Promise.resolve({
        prepare: (batches, before) => {
          const lines = batches.flatMap(({ values }) => values.map((value) => JSON.stringify(value)));
          const after = { offset: Number(before['offset']) + lines.length };
          return { payload: Buffer.from(JSON.stringify(lines)), count: lines.length, after, failed: [] };
        },
        apply: ({ payload, before }) =>
          through(async () => {
            atWork();
            const lines = JSON.parse(Buffer.from(payload).toString()) as string[];
            lines.forEach((text, index) => {
              const place = Number(before['offset']) + index;
              if (target[place] !== undefined && target[place] !== text)
                throw new Error(`place ${place} was overwritten: ${target[place]} by ${text}`);
              target[place] = text;
            });
            if (random.next() < busy) throw new MillraceError('MR4001', { sink: 'memory', path: 'memory', problem: 'no answer' });
          }),
        finish: () => through(async () => atWork()),
        close: () => Promise.resolve(),
      }),
  };
}
