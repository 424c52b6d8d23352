// What of XState needs a live system of actors, and what takes its place in a keyed machine.

/** Types of XState's actions (without `xstate.`) that a keyed machine may not have. */
export const LIVE_ACTIONS: ReadonlySet<string> = new Set(['spawnChild', 'sendTo', 'sendParent', 'forwardTo', 'stopChild']);

/** A field that people who know XState write into a declared machine. */
export function isOfLiveSystem(field: string): boolean {
  return field === 'invoke' || field === 'spawn' || LIVE_ACTIONS.has(field);
}

/** Why it is refused, and the alternative. */
export function liveRefusal(what: string, form: 'code' | 'yaml' = 'code'): string {
  if (what === 'sendTo' || what === 'sendParent' || what === 'forwardTo') {
    if (form === 'yaml')
      return `${what} has no receiver in a keyed machine; sendTo sends an event to the actor of another key, raise one to the actor itself`;
    return `${what} has no receiver in a keyed machine; sendToKey from millrace sends an event to the actor of another key, raise one to the actor itself`;
  }
  return `${what} is not for keyed machines: their steps are synchronous; ask in a stage with lookup, or emit an event, and join or key its answer back`;
}
