// Where events come from: `file({ … })` and `nats({ … })`, with the type of their events.
//
// The type is that of the declared schema, or an explicit one: file<Flight>({ path }).

import type { z } from 'zod';
import type { fileSourceSchema, natsSourceSchema, sourceSchema } from '../../crds/stream-job/sources.ts';
import type { AnyEvent, EventCode } from './code.ts';
import { codeOf, fieldOrCodeOf } from './code.ts';
import type { EventSchema, TypeOfSchema } from './schema-type.ts';
import { schemaSpec } from './schema-type.ts';

declare const event: unique symbol;

/** A declared origin of events of type E; `j.source` names it. */
export interface Origin<out E> {
  readonly spec: Omit<z.input<typeof sourceSchema>, 'name'>;
  readonly [event]?: E;
}

export type EventTimeOptions<E> = {
  /** A field, or code: a timestamp, or ms since the epoch. */
  readonly at: (keyof E & string) | EventCode<E, number>;
  /** The watermark stays this far behind the highest time seen; `0s` when absent. */
  readonly maxOutOfOrder?: string;
  /** What the event says of the watermark itself (no event at or before this time follows), or null. Not with maxOutOfOrder. */
  readonly watermark?: EventCode<E, number | null>;
  /** An event that is further ahead of the clock is a dead letter; `366d` when absent. */
  readonly maxAhead?: string;
};
/** What becomes of event time while a split has nothing. */
export type IdleOptions = {
  /** A split that has had nothing for so long holds no other back. */
  readonly after: string;
  /** When nothing came for so long, event time of the split goes on as the clock does. */
  readonly closeAfter?: string;
};
/** Splits go on in step, so that what waits for the watermark stays small. */
export type AlignmentOptions = {
  /** How far, in event time, a split may be ahead of the one that is furthest behind. */
  readonly maxDrift: string;
  /** Sources with the same group wait for each other; absent: the splits of this source do. */
  readonly group?: string;
};
type OriginOptions<S, E> = {
  readonly schema?: S;
  readonly eventTime?: EventTimeOptions<E>;
  readonly idle?: IdleOptions;
  readonly alignment?: AlignmentOptions;
  readonly maxEventBytes?: number;
};
type Declared<E, S> = [E] extends [never] ? ([keyof S] extends [never] ? AnyEvent : TypeOfSchema<S>) : E;

/** A file, plain or gzip, of CSV or one JSON object a line. A relative path starts at the folder of the job file. */
export function file<E = never, const S extends EventSchema = {}>(
  options: z.input<typeof fileSourceSchema> & OriginOptions<S, Declared<E, S>>,
): Origin<Declared<E, S>> {
  const { schema, eventTime, idle, alignment, maxEventBytes, ...where } = options;
  return { spec: { file: where, ...common({ schema, eventTime, idle, alignment, maxEventBytes }) } };
}

/** JetStream subjects; each is one split of the source. */
export function nats<E = never, const S extends EventSchema = {}>(
  options: z.input<typeof natsSourceSchema> & OriginOptions<S, Declared<E, S>>,
): Origin<Declared<E, S>> {
  const { schema, eventTime, idle, alignment, maxEventBytes, ...where } = options;
  return { spec: { nats: where, ...common({ schema, eventTime, idle, alignment, maxEventBytes }) } };
}

export function eventTimeSpec<E>(options: EventTimeOptions<E>): NonNullable<z.input<typeof sourceSchema>['eventTime']> {
  const { at, watermark, ...rest } = options;
  return { at: fieldOrCodeOf(at), ...(watermark === undefined ? {} : { watermark: codeOf(watermark) }), ...rest };
}

type Common<E> = { readonly [Name in keyof OriginOptions<EventSchema, E>]: OriginOptions<EventSchema, E>[Name] | undefined };

function common<E>({ schema, eventTime, idle, alignment, maxEventBytes }: Common<E>): Origin<E>['spec'] {
  return {
    ...(schema === undefined ? {} : { schema: schemaSpec(schema) }),
    ...(eventTime === undefined ? {} : { eventTime: eventTimeSpec(eventTime) }),
    ...(idle === undefined ? {} : { idle }),
    ...(alignment === undefined ? {} : { alignment }),
    ...(maxEventBytes === undefined ? {} : { maxEventBytes }),
  };
}
