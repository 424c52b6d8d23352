// A key as a person types it.
//
//   TK1. It may be meant as that text, or as the number, list or record that it is in JSON. Both are asked for; the one that is known
//        counts, else the text.

import { decodeJsonText } from '../event/codec/json.ts';

/** `ask`: for one meaning. Rejects, where none is known, with what any of them was refused with: it may be the one that nobody answered for. */
export async function askAsTyped<T>(text: string, ask: (key: unknown) => Promise<T>, isKnown: (told: T) => boolean): Promise<T> {
  const asked = await Promise.allSettled(meaningsOf(text).map(ask));
  const told = asked.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
  const known = told.find(isKnown);
  const refused = asked.find((one) => one.status === 'rejected');
  if (known === undefined && refused !== undefined) throw refused.reason;
  return known ?? (told[0] as T);
}

function meaningsOf(text: string): readonly unknown[] {
  const decoded = decodeJsonText(text); // keeps the digits of integers, as sources do
  return 'value' in decoded ? [text, decoded.value] : [text];
}
