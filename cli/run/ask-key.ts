// Asks for a key as a person types it.
//
//   AK1. It may be meant as that text, or as the number, list or record that it is in JSON. Both are asked for; the one that is known
//        counts, else the text.

import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { ask, type AskedKey, type AskOptions, type KeyState } from '../../runtime/client/ask.ts';

export type AskRequest = Omit<AskOptions, 'nats'> & { readonly natsUrl: string; readonly credentials: string | null };

/** Throws what `ask` throws. */
export async function askKey(text: string, { natsUrl, credentials, ...about }: AskRequest): Promise<KeyState> {
  const nats = await connectNats({ url: natsUrl, name: `millrace ask ${about.job}`, credentials: credentials ?? undefined });
  try {
    const asked = await Promise.allSettled(keysFor(text).map((key) => ask(key, { ...about, nats })));
    const told = asked.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
    const known = told.find(({ isKnown }) => isKnown);
    const refused = asked.find((one) => one.status === 'rejected');
    if (known === undefined && refused !== undefined) throw refused.reason; // AK1: it may be the one that nobody answered for
    return known ?? (told[0] as KeyState);
  } finally {
    await nats.close();
  }
}

/** AK1. */
function keysFor(text: string): readonly AskedKey[] {
  try {
    return [text, JSON.parse(text) as AskedKey];
  } catch {
    return [text];
  }
}
