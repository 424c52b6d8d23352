// How the messages of one split are reached: by consumers that its reader makes, or, where the stream lies in another account, by the one
// that was made for the split (docs/adr/0046). The port of nats-source.ts with its two implementations.

import type { Link } from '../../adapters/nats/link.ts';
import { NatsReader } from '../../adapters/nats/nats-reader.ts';
import { PinnedConsumer } from '../../adapters/nats/pinned-consumer.ts';
import { lastOfSubject, pendingFrom } from './subject-places.ts';
import type { UserStream } from './user-streams.ts';

export interface SplitWay {
  /** Where it begins is to be stored before anything is read: who was replaced meanwhile might make others begin behind it. */
  readonly storesBeginning: boolean;
  /** A message up to which a bounded split that begins now is read; 0: there is none. */
  end(): Promise<number>;
  /** `storedSequence`: as the journal says, 0 when it says nothing. */
  open(from: { readonly sequence: number; readonly storedSequence: number }): NatsReader;
  /** Nothing behind `sequence` comes any more up to `until`. Asked when nothing came for a while. */
  isOver(reader: NatsReader, at: { readonly sequence: number; readonly until: number }): Promise<boolean>;
}

type Options = { readonly stream: UserStream; readonly subject: string; readonly isTraced: boolean };

export function ownConsumers(link: Link, { stream, subject, isTraced }: Options): SplitWay {
  const place = { stream: stream.name, subject };
  return {
    storesBeginning: false,
    end: () => lastOfSubject(link, place),
    open: ({ sequence }) =>
      new NatsReader(link, stream.name, { fromSequence: sequence + 1, subjects: [subject] }, { isShared: true, isTraced }),
    // What is there is on its way: it is given out when it lies before the end, and ends the split when it lies behind.
    isOver: async (_, { sequence }) => (await pendingFrom(link, { ...place, fromSequence: sequence + 1 })) === 0,
  };
}

export function stockConsumer(link: Link, { stream, isTraced, consumer }: Options & { readonly consumer: string }): SplitWay {
  return {
    storesBeginning: true,
    // The last message of the stream may be none of the split: the consumer says when it has looked that far.
    end: () => Promise.resolve(stream.lastSequence),
    open: ({ sequence, storedSequence }) => {
      const way = new PinnedConsumer(link, { stream: stream.name, consumer }, { storedSequence });
      return new NatsReader(link, stream.name, { fromSequence: sequence + 1 }, { way, isTraced });
    },
    isOver: (reader, { until }) => reader.isBehind(until),
  };
}
