// Time that goes by between two events of a source, by the clock.

import { isDuration, parseDuration } from '../base/duration.ts';

const MARK = Symbol('pause');

/** Made by `pause`. */
export type Pause = { readonly ms: number; readonly [MARK]: true };

/** Between two events of a source: so much time goes by on the clock (`'30s'`, `'1h'`), which costs none. Throws for what is no duration. */
export function pause(duration: string): Pause {
  if (!isDuration(duration)) throw new TypeError(`pause takes a duration such as 30s or 1h30m, not ${JSON.stringify(duration)}`);
  return { ms: parseDuration(duration), [MARK]: true };
}

export function isPause(event: unknown): event is Pause {
  return typeof event === 'object' && event !== null && MARK in event;
}
