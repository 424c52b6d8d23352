// A source that reads a list, and a sink that keeps its events: what a run in memory has for what is outside.

import type { EventSchemaSpec } from '../../crds/stream-job/events.ts';
import type { Clock } from '../base/clock.ts';
import type { Value } from '../event/batch.ts';
import { compileJsonEventAgain } from '../event/codec/json-event.ts';
import { encodeJsonLines } from '../event/codec/json-lines.ts';
import type { SinkConnector } from '../connectors/sink.ts';
import { undecodableLetter } from '../connectors/source-letters.ts';
import type { SourceConnector, SourceRead, SourceReader } from '../connectors/source.ts';
import { isPause, type Pause } from './pause.ts';

type Listed = {
  readonly source: string;
  readonly schema: EventSchemaSpec | undefined;
  readonly events: readonly unknown[];
  readonly clock: Clock;
};

/** One split. Events are decoded as those of a file are. Between two that a pause parts the clock goes on. */
export function listSource({ source, schema, events, clock }: Listed): SourceConnector {
  const decode = compileJsonEventAgain(schema);
  const ready = new Set<number>();
  return {
    splitCount: 1,
    decodeAgain: decode,
    open: (_split, position): Promise<SourceReader> => {
      let next = Number(position?.['index'] ?? 0);
      const read: SourceReader['read'] = async ({ eventsMax }) => {
        const pause = events[next];
        if (isPause(pause) && !ready.has(next)) {
          await clock.sleep(pause.ms);
          ready.add(next);
        }
        const [values, places, deadLetters]: [Value[], number[], SourceRead['deadLetters'][number][]] = [[], [], []];
        for (; next < events.length && values.length + deadLetters.length < eventsMax; next++) {
          const event = events[next] as Value | Pause;
          if (isPause(event)) {
            if (ready.has(next)) continue;
            break;
          }
          const decoded = decode(event);
          if ('value' in decoded) {
            values.push(decoded.value);
            places.push(next);
          } else deadLetters.push(undecodableLetter(source, `event ${next}`, decoded));
        }
        const done = next === events.length;
        return {
          values,
          places,
          placeWord: 'event',
          deadLetters,
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

/** Puts into `kept` what a file would hold, an event a line; of several partitions as they come. */
export function listSink(kept: unknown[]): SinkConnector {
  const written = new Set<string>();
  return {
    guarantee: 'exactly-once',
    initial: { offset: 0 },
    open: (partition) =>
      Promise.resolve({
        prepare: (batches, before) => {
          const { lines, failed } = encodeJsonLines(batches);
          const after = { offset: Number(before['offset']) + lines.length };
          return { payload: Buffer.from(lines.join('\n')), count: lines.length, after, failed };
        },
        apply: ({ payload, count, before }) => {
          const lines = count === 0 ? [] : Buffer.from(payload).toString().split('\n');
          const record = `${partition} ${before['offset']}`;
          if (!written.has(record)) kept.push(...lines.map((text): unknown => JSON.parse(text)));
          written.add(record);
          return Promise.resolve();
        },
        finish: () => Promise.resolve(),
        close: () => Promise.resolve(),
      }),
  };
}
