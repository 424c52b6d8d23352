// Exact reading of one consumer by several at once, on a real server: owners that were replaced and go on, who sets the consumer back,
// unpins and takes messages at random, limits that remove messages, and a server that dies.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../../test/support/nats.ts';
import { seededRandom } from '../../testing/seeded-random.ts';
import { callApi, type StreamInfo } from './jetstream-api.ts';
import { Link } from './link.ts';
import { connectNats } from './nats-connection.ts';
import { NatsReader } from './nats-reader.ts';
import { PinnedConsumer } from './pinned-consumer.ts';
import { STOCK_GROUP, stockConfig } from './stock-consumer.ts';

/** Of one who disturbs: an owner on a loaded machine must come to its end, too. */
const ACTS_MAX = 100;

let server: TestServer;
const connections: NatsConnection[] = [];
let link: Link;
let count = 0;

beforeAll(async () => {
  server = await startTestServer();
  link = await connected();
});
afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await server.stop();
});

async function connected(): Promise<Link> {
  return Link.of(await connection());
}

async function connection(): Promise<NatsConnection> {
  const made = await connectNats({ url: server.url, name: 'test' });
  connections.push(made);
  return made;
}

/** Its pulls are slow to come: others have a while between a reset and the first delivery. */
class SlowLink extends Link {
  readonly #delayMs: () => number;

  constructor(nc: NatsConnection, delayMs: () => number) {
    super(nc);
    this.#delayMs = delayMs;
  }

  override publish(...[subject, data, options]: Parameters<Link['publish']>): void {
    if (!subject.includes('.MSG.NEXT.')) return super.publish(subject, data, options);
    setTimeout(() => (this.up ? super.publish(subject, data, options) : undefined), this.#delayMs());
  }
}

/** While it is deaf, nobody tells it who is pinned. */
class DeafLink extends SlowLink {
  isDeaf = true;
  openings = 0;

  override request(...[subject, data, options]: Parameters<Link['request']>): ReturnType<Link['request']> {
    if (subject.includes('.CONSUMER.INFO.') && this.isDeaf) return Promise.resolve({ kind: 'lost', reason: 'deaf' });
    if (subject.includes('.CONSUMER.UNPIN.')) this.openings++;
    return super.request(subject, data, options);
  }
}

type Place = { readonly stream: string; readonly consumer: string };

/** A stream of two subjects with the consumer of one of them, `<stream>.a`. */
async function made(config: object = {}): Promise<Place> {
  const stream = `P${count++}`;
  await must(`STREAM.CREATE.${stream}`, { name: stream, subjects: [`${stream}.*`], storage: 'file', ...config });
  const place = { stream, consumer: 'MR_ns_job_x' };
  await makeConsumer(place);
  return place;
}

function makeConsumer({ stream, consumer }: Place): Promise<unknown> {
  const config = stockConfig({ stream, consumer, subject: `${stream}.a` });
  return must(`CONSUMER.CREATE.${stream}.${consumer}.${stream}.a`, { stream_name: stream, config });
}

async function must<T>(call: string, body: object | null = null): Promise<T> {
  await expect.poll(() => link.up).toBe(true); // a test before may have killed the server a moment ago
  const answer = await callApi<T>(link, call, body);
  if (answer.kind !== 'ok') throw new Error(`${call}: ${JSON.stringify(answer)}`);
  return answer.value;
}

/** Messages with their number among those of their subject; `.b` are nobody's. */
async function write({ stream }: Place, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += 100)
    await Promise.all(
      Array.from({ length: Math.min(100, to - n) }, (_, at) => [
        link.request(`${stream}.a`, String(n + at), { timeoutMs: 10_000 }),
        link.request(`${stream}.b`, 'x', { timeoutMs: 10_000 }),
      ]).flat(),
    );
}

function reader(place: Place, { stored, by = link }: { readonly stored: number; readonly by?: Link }): NatsReader {
  return new NatsReader(by, place.stream, { fromSequence: stored + 1 }, { way: new PinnedConsumer(by, place, { storedSequence: stored }) });
}

type Record = { readonly sequence: number; readonly n: number };

async function next(of: NatsReader, bytesMax = 40_000): Promise<readonly Record[]> {
  const records = await of.next({ bytesMax, waitMs: 200 });
  return records.map(({ sequence, bytes }) => ({ sequence, n: Number(Buffer.from(bytes).toString()) }));
}

/** One who does at random what an owner does that was replaced: it never sets the consumer back to behind what is stored. */
function thief(place: Place, { seed, by, stored }: { readonly seed: number; readonly by: Link; readonly stored: () => number }) {
  const chance = seededRandom(seed);
  const call = (verb: string): string => `CONSUMER.${verb}.${place.stream}.${place.consumer}`;
  let [isOver, taken, acts] = [false, 0, 0];
  let pin = '';
  const inbox = by.newInbox();
  const subscription = by.nc.subscribe(`${inbox}.*`, {
    callback: (_, message) => {
      if (message.reply?.startsWith('$JS.ACK.') === true) taken++;
      pin = message.headers?.get('Nats-Pin-Id') || pin;
    },
  });
  const done = (async () => {
    while (!isOver && acts < ACTS_MAX) {
      acts++;
      const drawn = chance.next();
      if (drawn < 0.2) await callApi(by, call('UNPIN'), { group: STOCK_GROUP }, 500);
      else if (drawn < 0.45) await callApi(by, call('RESET'), { seq: 1 + Math.floor(chance.next() * (stored() + 1)) }, 500);
      else if (by.up) {
        const batch = 1 + Math.floor(chance.next() * 40);
        const id = chance.next() < 0.5 && pin !== '' ? { id: pin } : {};
        by.publish(`$JS.API.${call('MSG.NEXT')}`, JSON.stringify({ batch, expires: 300_000_000, group: STOCK_GROUP, ...id }), {
          reply: `${inbox}.x`,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, chance.next() * 150));
    }
  })();
  return {
    end: async () => {
      isOver = true;
      await done;
      subscription.unsubscribe();
      return { taken, acts };
    },
  };
}

test('reads all of its subject in order, and what comes later', async () => {
  const place = await made();
  await write(place, 0, 3_000);
  const owner = reader(place, { stored: 0 });
  const seen: number[] = [];
  while (seen.length < 3_000) seen.push(...(await next(owner)).map(({ n }) => n));
  await write(place, 3_000, 3_010);
  while (seen.length < 3_010) seen.push(...(await next(owner)).map(({ n }) => n));
  expect(seen).toEqual(Array.from({ length: 3_010 }, (_, n) => n));
  await owner.close();
});

test('knows when there is no more up to the end of the stream, and not before', async () => {
  const place = await made();
  const owner = reader(place, { stored: 0 });
  await write(place, 0, 500);
  const { state } = await must<StreamInfo>(`STREAM.INFO.${place.stream}`);
  let seen = 0;
  while (!(await owner.isBehind(state.last_seq))) seen += (await next(owner, 1_000)).length;
  expect(seen).toBe(500);
  expect(await owner.isBehind(state.last_seq + 1)).toBe(false);
  await owner.close();
});

test('a consumer that is removed and made again is read on', async () => {
  const place = await made();
  await write(place, 0, 1_000);
  const owner = reader(place, { stored: 0 });
  const seen: number[] = [];
  while (seen.length < 300) seen.push(...(await next(owner, 2_000)).map(({ n }) => n));
  await must(`CONSUMER.DELETE.${place.stream}.${place.consumer}`);
  seen.push(...(await next(owner)).map(({ n }) => n));
  await makeConsumer(place);
  while (seen.length < 1_000) seen.push(...(await next(owner)).map(({ n }) => n));
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.slice(-1)).toEqual([999]);
  await owner.close();
});

test('a server that stands still is told of, with what it left unanswered, until it answers again', async () => {
  const place = await made();
  await write(place, 0, 10);
  const owner = reader(place, { stored: 0, by: await connected() });
  const seen: number[] = [];
  while (seen.length < 10) seen.push(...(await next(owner)).map(({ n }) => n));
  expect(owner.stalled).toBeNull();
  process.kill(server.pid, 'SIGSTOP');
  try {
    const told = async (): Promise<string | undefined> => (await next(owner), owner.stalled?.message);
    await expect
      .poll(told, { timeout: 90_000 })
      .toContain(`stream ${place.stream} cannot be read, as NATS does not answer: a pull has had no`);
    await expect.poll(told, { timeout: 90_000 }).toContain(`CONSUMER.UNPIN.${place.stream}.${place.consumer}: no answer in time`);
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  await write(place, 10, 20);
  while (seen.length < 20) seen.push(...(await next(owner)).map(({ n }) => n));
  expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(owner.stalled).toBeNull();
  await owner.close();
});

test('a consumer that went missing before nobody answered is not called missing any more', async () => {
  const place = await made();
  const owner = reader(place, { stored: 0, by: await connected() });
  await must(`CONSUMER.DELETE.${place.stream}.${place.consumer}`);
  const code = async (): Promise<string | undefined> => (await next(owner), owner.stalled?.code);
  await expect.poll(code, { timeout: 90_000 }).toBe('MR2111');
  process.kill(server.pid, 'SIGSTOP');
  try {
    await expect.poll(code, { timeout: 90_000 }).toBe('MR2114');
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  await expect.poll(code, { timeout: 90_000 }).toBe('MR2111');
  await makeConsumer(place);
  await expect.poll(code, { timeout: 90_000 }).toBeUndefined();
  await owner.close();
});

test('nobody who says whose a count is keeps a bounded split from its end, and it is told', async () => {
  const place = await made();
  await write(place, 0, 10);
  const mine = new DeafLink(await connection(), () => 0);
  const owner = reader(place, { stored: 0, by: mine });
  for (let seen = 0; seen < 10;) seen += (await next(owner)).length;
  const { state } = await must<StreamInfo>(`STREAM.INFO.${place.stream}`);
  const isBehind = async (): Promise<boolean> => (await next(owner), owner.isBehind(state.last_seq));
  await expect.poll(async () => (await isBehind(), owner.stalled?.message), { timeout: 90_000 }).toContain('CONSUMER.INFO.');
  expect(await isBehind()).toBe(false);
  mine.isDeaf = false;
  await expect.poll(isBehind, { timeout: 90_000 }).toBe(true);
  expect(owner.stalled).toBeNull();
  await owner.close();
});

test('that nobody said who is served is over with the first message', async () => {
  const place = await made();
  const mine = new DeafLink(await connection(), () => 0);
  const owner = reader(place, { stored: 0, by: mine });
  await expect.poll(async () => (await next(owner), owner.stalled?.message), { timeout: 90_000 }).toContain('CONSUMER.INFO.');
  await write(place, 0, 10);
  for (let seen = 0; seen < 10;) seen += (await next(owner)).length;
  expect(owner.stalled).toBeNull();
  await owner.close();
});

test('who was pinned last and is gone holds nobody up', async () => {
  const place = await made();
  const gone = await connected();
  // Its first pull is served when the message comes, and nobody listens: the pin is given, the message is not.
  const inbox = gone.newInbox();
  const hears = gone.nc.subscribe(`${inbox}.*`, { callback: () => undefined });
  const api = `$JS.API.CONSUMER.MSG.NEXT.${place.stream}.${place.consumer}`;
  gone.publish(api, JSON.stringify({ batch: 10, expires: 60_000_000_000, group: STOCK_GROUP }), { reply: `${inbox}.x` });
  await gone.nc.flush();
  const owner = reader(place, { stored: 0 });
  await next(owner);
  hears.unsubscribe();
  await write(place, 0, 10);
  const seen: number[] = [];
  while (seen.length < 10) seen.push(...(await next(owner)).map(({ n }) => n));
  expect(seen).toEqual(Array.from({ length: 10 }, (_, n) => n));
  await owner.close();
});

test('what others are given while the owner waits is noticed by heartbeats, without asking, and the owner gets it all the same', async () => {
  const place = await made();
  const [mine, theirs] = [new DeafLink(await connection(), () => 600), await connected()];
  const owner = reader(place, { stored: 0, by: mine });
  await next(owner); // it is open, and its pull is on its way
  const inbox = theirs.newInbox();
  let taken = 0;
  theirs.nc.subscribe(`${inbox}.*`, { callback: (_, { reply }) => void (taken += Number(reply?.startsWith('$JS.ACK.') === true)) });
  const api = `$JS.API.CONSUMER.MSG.NEXT.${place.stream}.${place.consumer}`;
  theirs.publish(api, JSON.stringify({ batch: 3, expires: 60_000_000_000, group: STOCK_GROUP }), { reply: `${inbox}.x` });
  await theirs.nc.flush();
  await write(place, 0, 10);
  const seen: number[] = [];
  while (mine.openings < 2) seen.push(...(await next(owner)).map(({ n }) => n));
  mine.isDeaf = false; // its own pull that it has left may be pinned now
  while (seen.length < 10) seen.push(...(await next(owner)).map(({ n }) => n));
  expect([seen, taken]).toEqual([Array.from({ length: 10 }, (_, n) => n), 3]);
  await owner.close();
});

describe.each([1, 2])('beside one who sets it back, unpins it and takes messages at random (seed %i)', (seed) => {
  test.each([
    { fact: 'the owner sees each message once, in order', limits: {}, kills: 0 },
    { fact: 'so it does while limits remove messages', limits: { max_msgs: 900 }, kills: 0 },
    { fact: 'and while the server dies and starts again', limits: {}, kills: 2 },
  ])('$fact', async ({ limits, kills }) => {
    const place = await made(limits);
    const chance = seededRandom(seed * 31);
    const [mine, theirs] = [await connected(), await connected()];
    const owner = reader(place, { stored: 0, by: mine });
    let [stored, lastN, lastSequence, killed] = [0, -1, 0, 0];
    const TOTAL = 3_000;
    const thieves = [seed, seed + 100].map((one) => thief(place, { seed: one, by: theirs, stored: () => stored }));
    const writing = (async () => {
      for (let n = 0; n < TOTAL; n += 200) {
        await written(place, n, n + 200);
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    })();
    while (lastN < TOTAL - 1) {
      for (const { sequence, n } of await next(owner, 500 + Math.floor(chance.next() * 4_000))) {
        expect(sequence).toBeGreaterThan(lastSequence);
        // The other subject's messages lie between, so one that is missing has been removed before.
        if (n !== lastN + 1) {
          expect(limits).not.toEqual({});
          const { state } = await must<StreamInfo>(`STREAM.INFO.${place.stream}`);
          expect(state.first_seq).toBeGreaterThanOrEqual(sequence - 1);
        }
        [lastN, lastSequence] = [n, sequence];
      }
      if (chance.next() < 0.5) {
        stored = lastSequence - Math.floor(chance.next() * Math.min(50, lastSequence - stored + 1));
        owner.stored(stored);
      }
      if (killed < kills && lastN > (killed + 1) * 900) {
        killed++;
        await server.kill();
        await server.restart();
      }
    }
    await writing;
    expect(lastN).toBe(TOTAL - 1);
    for (const { end } of thieves) expect((await end()).acts).toBeGreaterThan(0);
    await owner.close();
  });
});

/** Each number once, whatever the server does: told again, it would be another message. */
async function written(place: Place, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    for (;;) {
      const reply = await link.request(`${place.stream}.a`, String(n), { timeoutMs: 10_000, headers: { 'Nats-Msg-Id': String(n) } });
      if (reply.kind === 'message' && !Buffer.from(reply.data).toString().includes('"error"')) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (n % 3 === 0) await link.request(`${place.stream}.b`, 'x', { timeoutMs: 10_000 });
  }
}

test.each([11, 12])(
  'owners that replace each other, each while the one before goes on: what they store is each message once, in order (seed %i)',
  async (seed) => {
    const place = await made();
    const chance = seededRandom(seed);
    const TOTAL = 3_000;
    const writing = (async () => {
      for (let n = 0; n < TOTAL; n += 100) {
        await written(place, n, n + 100);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    })();
    /** The journal: who may write, how far it is, and what it says. */
    const journal = { epoch: 0, stored: 0, seen: [] as number[] };
    const own = async (by: Link): Promise<void> => {
      const epoch = ++journal.epoch;
      const own = reader(place, { stored: journal.stored, by });
      const endsAt = journal.seen.length + 150 + chance.next() * 200;
      for (;;) {
        const records = await next(own, 400 + Math.floor(chance.next() * 4_000));
        // It is slow to store what it has read: who was replaced has read further than the journal says.
        await new Promise((resolve) => setTimeout(resolve, chance.next() * 30));
        const last = records.at(-1);
        if (epoch === journal.epoch && last !== undefined) {
          journal.seen.push(...records.map(({ n }) => n));
          journal.stored = last.sequence;
          own.stored(last.sequence);
        }
        if (journal.seen.at(-1) === TOTAL - 1) break;
        if (epoch === journal.epoch && journal.seen.length > endsAt) void replaced.push(owned());
        // It finds out late.
        if (epoch !== journal.epoch && chance.next() < 0.1) break;
      }
      await own.close();
    };
    const links = (await Promise.all([connection(), connection(), connection()])).map((nc) => new SlowLink(nc, () => chance.next() * 60));
    const owned = (): Promise<void> => own(links[journal.epoch % links.length] as Link);
    const replaced: Promise<void>[] = [owned()];
    for (let at = 0; at < replaced.length; at++) await replaced[at];
    await writing;
    expect(journal.epoch).toBeGreaterThan(8);
    expect(journal.seen).toEqual(Array.from({ length: TOTAL }, (_, n) => n));
  },
);
