// `sendToKey`: the action of a builder's own machine that sends an event to the actor of another key.
//
//   SK1. The action is a function with its parts beside it: it is named like any action of XState, and its parts count as code.

/** What XState gives to actions. */
export type SendArgs<Context = unknown, Event = unknown> = { readonly context: Context; readonly event: Event };
type Made<Args, T> = T | ((args: Args) => T);

type KeyPart = string | number | bigint | boolean;
type KeyValue = KeyPart | readonly (KeyPart | null)[];

export type SendToKeyParts<Args = SendArgs> = {
  /** The key of the actor that gets the event. */
  readonly key: Made<Args, KeyValue>;
  /** What it gets. */
  readonly event: Made<Args, { readonly type: string; readonly [field: string]: unknown }>;
  /** ms: it is sent by a durable timer of this actor. */
  readonly delay?: Made<Args, number>;
  /** Name of that timer: XState's `cancel` stops it. */
  readonly id?: Made<Args, string>;
};

/** An action of XState machines: sends an event to the actor of another key of the same machine, exactly once. */
export function sendToKey<Context, Event>(
  parts: SendToKeyParts<SendArgs<Context, Event>>,
): ((args: SendArgs<Context, Event>) => void) & { readonly sendToKey: SendToKeyParts<SendArgs<Context, Event>> } {
  const action = function sendToKey(): never {
    throw new Error('sendToKey works in a machine of a Millrace job only: there is no actor of another key here');
  };
  return Object.assign(action, { sendToKey: parts });
}

/** Whether some action of an XState machine is made by `sendToKey`: in its states, or among the actions that have a name. */
export function sendsToKeys(machine: unknown): boolean {
  const { config, implementations } = (machine ?? {}) as { readonly config?: unknown; readonly implementations?: { actions?: unknown } };
  return holdsSend(config, 0) || holdsSend(implementations?.actions, 0);
}

const DEPTH_MAX = 64;

function holdsSend(value: unknown, depth: number): boolean {
  if (typeof value === 'function') return 'sendToKey' in value;
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return false;
  return Object.values(value).some((part) => holdsSend(part, depth + 1));
}
