// Fills a JetStream stream with events: event n goes to subject `<prefix>.<n % splits>`, one a message or several lines.

import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { AckWindow } from './ack-window.ts';

export type LoadOptions = {
  readonly stream: string;
  /** Subjects are `<prefix>.0` … `<prefix>.<splits - 1>`. */
  readonly prefix: string;
  readonly splits: number;
  /** Events a message; above 1 a message is ndjson. */
  readonly linesPerMessage: number;
  /** Where the stream keeps them. In memory: the disk is the measured job's alone. */
  readonly storage?: 'file' | 'memory';
};

export type Loaded = { readonly events: number; readonly messages: number; readonly bytes: number; readonly elapsedMs: number };

export function subjectsOf({ prefix, splits }: Pick<LoadOptions, 'prefix' | 'splits'>): string[] {
  return Array.from({ length: splits }, (_, split) => `${prefix}.${split}`);
}

/** Lines of events, many at a time: waiting for each would cost more than to send it. */
export type LinePieces = Iterable<readonly string[]> | AsyncIterable<readonly string[]>;

/** Makes the stream and stores all lines in it. Rejects when a message was not stored. */
export async function load(nc: NatsConnection, pieces: LinePieces, options: LoadOptions): Promise<Loaded> {
  const { stream, splits, linesPerMessage } = options;
  const subjects = subjectsOf(options);
  await (
    await jetstreamManager(nc)
  ).streams.add({ name: stream, subjects, storage: options.storage ?? 'file', retention: 'limits', discard: 'new' });
  const startMs = performance.now();
  const window = new AckWindow(nc);
  const waiting: string[][] = subjects.map(() => []);
  const figures = { events: 0, messages: 0, bytes: 0 };
  const send = (split: number): void => {
    const data = Buffer.from((waiting[split] as string[]).join('\n'), 'utf8');
    waiting[split] = [];
    figures.messages++;
    figures.bytes += data.length;
    window.publish(subjects[split] as string, data);
  };
  for await (const lines of pieces) {
    for (const line of lines) {
      const split = figures.events++ % splits;
      if ((waiting[split] as string[]).push(line) < linesPerMessage) continue;
      send(split);
      if (!window.hasRoom) await window.room();
    }
  }
  waiting.forEach((rest, split) => rest.length > 0 && send(split));
  await window.close();
  return { ...figures, elapsedMs: performance.now() - startMs };
}
