// What the fixtures of refused/ have in common: a job's parts, streams and machines to misuse.

import { cel, count, file, job, tumbling } from 'millrace';
import type { JobParts, Stream } from 'millrace';
import { setup } from 'xstate';

export { cel, count, file, job, tumbling };

export type Flight = { readonly tailnum: string | null; readonly origin: string; readonly depDelay: number };
export type Movement = { readonly type: 'departed' | 'diverted'; readonly tailnum: string; readonly at: number };
export declare const j: JobParts;
export declare const flights: Stream<Flight>;
export declare const movements: Stream<Movement>;

export const aircraft = setup({
  types: {
    events: {} as { readonly type: 'departed'; readonly tailnum: string; readonly at: number } | { readonly type: 'arrived' },
    emitted: {} as { readonly type: 'knock-on'; readonly atMs: number } | { readonly type: 'lost' },
  },
}).createMachine({ initial: 'flying', states: { flying: { on: { departed: 'flying' } } } });
