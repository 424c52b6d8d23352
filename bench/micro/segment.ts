// How fast segments are, against JSON and msgpack: `node bench/micro/segment.ts [events per segment]`.
// Events are nexmark's, made here from a fixed seed (the form of its bids, and all three kinds mixed).

import { Packr } from 'msgpackr/pack';
import type { Batch } from '../../runtime/event/batch.ts';
import { decodeEvents, encodeEvents } from '../../runtime/event/segment.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';

const MEASURE_MS = 400;
const ROUNDS = 3;
const count = Number(process.argv[2] ?? 1_000);
const random = seededRandom(7);

const whole = (limit: number): number => Math.floor(random.next() * limit);
// Through bytes, as text of a source is: strings built by += would be measured as ropes.
const word = (length: number): string => Buffer.from(Array.from({ length }, () => 65 + whole(58))).toString('latin1');
const timeOf = (i: number): number => 1_436_918_400_000 + i * 10;

const bid = (i: number) => ({
  auction: 1_000 + whole(2_000),
  bidder: 1_000 + whole(5_000),
  price: whole(100_000_000),
  dateTime: timeOf(i),
  extra: word(60 + whole(80)),
});
const auction = (i: number) => ({
  id: 1_000 + i,
  itemName: word(20),
  description: word(60),
  initialBid: whole(1_000_000),
  reserve: whole(2_000_000),
  dateTime: timeOf(i),
  expires: timeOf(i + whole(999)),
  seller: 1_000 + whole(99),
  category: 10 + whole(5),
  extra: word(200),
});
const person = (i: number) => ({
  id: 1_000 + i,
  name: word(12),
  emailAddress: word(16),
  creditCard: word(19),
  city: ['Portland', 'Boise', 'Phoenix'][i % 3],
  state: ['OR', 'ID', 'AZ'][i % 3],
  dateTime: timeOf(i),
  extra: word(80),
});
const mixed = (i: number) =>
  i % 50 === 0
    ? { type: 'person', person: person(i) }
    : i % 50 < 4
      ? { type: 'auction', auction: auction(i) }
      : { type: 'bid', bid: bid(i) };
const flight = (i: number) => ({
  origin: ['JFK', 'EWR', 'LGA'][whole(3)],
  tailnum: `N${whole(900)}AA`,
  flight: `UA${whole(3_000)}`,
  depDelay: i % 40 === 0 ? null : whole(200) - 20,
  distance: whole(3_000),
  cancelled: i % 40 === 0,
  scheduledMs: timeOf(i),
});

const records = new Packr({ useRecords: true });
const plain = new Packr({ useRecords: false });
const codecs: readonly {
  readonly name: string;
  readonly encode: (batch: Batch) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}[] = [
  { name: 'segment', encode: (batch) => encodeEvents([batch]), decode: decodeEvents },
  { name: 'msgpackr records', encode: (batch) => records.pack(batch), decode: (bytes) => records.unpack(bytes) },
  { name: 'msgpackr plain', encode: (batch) => plain.pack(batch), decode: (bytes) => plain.unpack(bytes) },
  { name: 'JSON', encode: (batch) => Buffer.from(JSON.stringify(batch)), decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) },
];

console.log(`node ${process.version}, ${count} events per segment; best of ${ROUNDS} rounds`);
console.log('events           codec              bytes/event   encode M/s   decode M/s');
for (const [name, make] of [
  ['bids', bid],
  ['bids, keyed', bid],
  ['nexmark mixed', mixed],
  ['flights', flight],
] as const) {
  const values = Array.from({ length: count }, (_value, i) => make(i));
  const keys = name === 'bids, keyed' ? values.map((value) => `\u0000${(value as { bidder: number }).bidder}`) : null;
  const batch: Batch = { values, times: values.map((_value, i) => timeOf(i)), keys, ingestMs: 0 };
  for (const { name: codec, encode, decode } of codecs) {
    const bytes = encode(batch);
    const [encoded, decoded] = [rate(() => encode(batch)), rate(() => decode(bytes))];
    console.log(
      `${name.padEnd(16)} ${codec.padEnd(18)} ${(bytes.length / count).toFixed(1).padStart(11)} ${encoded.toFixed(2).padStart(12)} ${decoded.toFixed(2).padStart(12)}`,
    );
  }
}

/** Million events a second. */
function rate(run: () => unknown): number {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    let runs = 0;
    while (performance.now() - startMs < MEASURE_MS) {
      for (let i = 0; i < 10; i++) run();
      runs += 10;
    }
    best = Math.max(best, (runs * count) / (performance.now() - startMs) / 1_000);
  }
  return best;
}
