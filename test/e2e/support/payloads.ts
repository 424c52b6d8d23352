// What lies in a stream of the cluster: all messages in order, as texts.

import type { ClusterNats } from './nats.ts';

export async function payloadsOf({ js, jsm }: ClusterNats, stream: string): Promise<readonly string[]> {
  const { state } = await jsm.streams.info(stream);
  const payloads: string[] = [];
  if (state.messages === 0) return payloads;
  const consumer = await js.consumers.get(stream, { inactive_threshold: 60_000 });
  for await (const message of await consumer.consume({ max_messages: 500 })) {
    payloads.push(message.string());
    if (message.seq >= state.last_seq) break;
  }
  await consumer.delete();
  return payloads;
}

/** The same, each line a value; none when the stream is not there yet. */
export async function linesOf<T>(nats: ClusterNats, stream: string): Promise<readonly T[]> {
  const payloads = await payloadsOf(nats, stream).catch((error: unknown) => {
    if (/stream not found/.test(String(error))) return [];
    throw error;
  });
  return payloads.flatMap((payload) =>
    payload
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T),
  );
}
