// What of XState needs a live system of actors, and what takes its place in a keyed machine.

/** Types of XState's actions (without `xstate.`) that a keyed machine may not have. */
export const LIVE_ACTIONS: ReadonlySet<string> = new Set(['spawnChild', 'sendTo', 'sendParent', 'forwardTo', 'stopChild']);

/** Why it is refused, and the alternative. */
export function liveRefusal(what: string): string {
  if (what === 'sendTo' || what === 'sendParent' || what === 'forwardTo') {
    return `${what} has no receiver in a keyed machine; sendToKey from millrace sends an event to the actor of another key, raise one to the actor itself`;
  }
  return `${what} is not for keyed machines: their steps are synchronous; emit an event, and join or key its answer back`;
}
