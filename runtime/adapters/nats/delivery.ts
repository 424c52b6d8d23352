// What the ack subject of a delivered message says.

export type Delivery = {
  readonly sequence: number;
  readonly consumerSequence: number;
  readonly storedMs: number;
};

/**
 * `$JS.ACK.stream.consumer.deliveries.sequence.consumerSequence.timeNs.pending`, or the longer form with domain and
 * account behind `$JS.ACK` and perhaps a token at the end (server feature js_ack_fc_v2). Null: no delivery.
 */
export function parseDelivery(ackSubject: string | undefined): Delivery | null {
  if (ackSubject === undefined || !ackSubject.startsWith('$JS.ACK.')) return null;
  const tokens = ackSubject.split('.');
  const shift = tokens.length === 9 ? 0 : 2;
  const timeNs = tokens[7 + shift] ?? '';
  const sequence = Number(tokens[5 + shift]);
  const consumerSequence = Number(tokens[6 + shift]);
  // Nanoseconds do not fit a double: cut the text instead.
  const storedMs = Number(timeNs.slice(0, -6));
  return Number.isSafeInteger(sequence) && Number.isSafeInteger(consumerSequence) ? { sequence, consumerSequence, storedMs } : null;
}
