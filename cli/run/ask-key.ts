// Asks for a key as a person types it, over a connection of its own.

import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { ask, type AskedKey, type AskOptions, type KeyState } from '../../runtime/client/ask.ts';
import { askAsTyped } from '../../runtime/client/typed-key.ts';

export type AskRequest = Omit<AskOptions, 'nats'> & { readonly natsUrl: string; readonly credentials: string | null };

/** Throws what `ask` throws. */
export async function askKey(text: string, { natsUrl, credentials, ...about }: AskRequest): Promise<KeyState> {
  const nats = await connectNats({ url: natsUrl, name: `millrace ask ${about.job}`, credentials: credentials ?? undefined });
  try {
    return await askAsTyped(
      text,
      (key) => ask(key as AskedKey, { ...about, nats }),
      ({ isKnown }) => isKnown,
    );
  } finally {
    await nats.close();
  }
}
