// Carries out an action that `sendToKey` made (job/send-to-key.ts), on both paths of a machine.

import type { SendArgs, SendToKeyParts } from '../../job/send-to-key.ts';
import { describeValue } from '../failure.ts';
import type { Effects } from './effects.ts';
import type { MachineEvent } from './xstate.ts';

export type { SendArgs };
type SendToKey = { readonly sendToKey: SendToKeyParts };

export function isSendToKey(action: unknown): action is SendToKey {
  return typeof action === 'function' && 'sendToKey' in action;
}

export function sendToKeyNow({ sendToKey: { key, event, delay, id } }: SendToKey, args: SendArgs, effects: Effects): void {
  const to = made(key, args);
  const sent = made(event, args) as unknown;
  const { type } = (sent ?? {}) as { readonly type?: unknown };
  if (typeof type !== 'string' || type.startsWith('xstate.'))
    throw new TypeError(`sendToKey sends events with a type (no xstate. before it), found ${describeValue(sent)}`);
  const later = delay === undefined ? null : { ms: made(delay, args), id: id === undefined ? null : made(id, args) };
  effects.send(to, sent as MachineEvent, later);
}

function made<T>(part: T | ((args: SendArgs) => T), args: SendArgs): T {
  return typeof part === 'function' ? (part as (args: SendArgs) => T)(args) : part;
}
