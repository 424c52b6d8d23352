import { expect, test } from 'vitest';
import { parseDelivery } from './delivery.ts';
import type { StreamInfo } from './jetstream-api.ts';
import { laneProblems, laneStream } from './lane-stream.ts';
import type { Reply } from './link.ts';
import { isAtLeast, withoutSecrets } from './nats-connection.ts';
import { appendResult } from './nats-journal.ts';
import { PullWindow } from './pull-window.ts';

const refused = (code: number, err_code: number, description: string): Reply => ({
  kind: 'message',
  data: Buffer.from(JSON.stringify({ error: { code, err_code, description } })),
});

test.each<{ fact: string; reply: Reply; result: object }>([
  {
    fact: 'an acknowledgement: stored',
    reply: { kind: 'message', data: Buffer.from('{"stream":"S","seq":12}') },
    result: { kind: 'stored', sequence: 12 },
  },
  {
    fact: '10071: refused, with what the server has',
    reply: refused(400, 10071, 'wrong last sequence: 7'),
    result: { kind: 'refused', actual: 7, code: 10071 },
  },
  { fact: '10164: proves nothing', reply: refused(400, 10164, 'wrong last sequence'), result: { kind: 'in-flight', code: 10164 } },
  {
    fact: '10077: the lane is full',
    reply: refused(503, 10077, 'maximum bytes exceeded'),
    result: { kind: 'busy', reason: 'maximum bytes exceeded (10077)', code: 10077 },
  },
  {
    fact: 'any other 503: no leader',
    reply: refused(503, 10008, 'JetStream system temporarily unavailable'),
    result: { kind: 'busy', reason: 'JetStream system temporarily unavailable (10008)', code: 503 },
  },
  { fact: 'nobody listens: no leader', reply: { kind: 'nobody' }, result: { kind: 'busy', reason: 'no leader (503)', code: 503 } },
  {
    fact: 'not connected, so not sent',
    reply: { kind: 'down', reason: 'not connected' },
    result: { kind: 'busy', reason: 'not connected' },
  },
  {
    fact: 'no answer: unknown',
    reply: { kind: 'lost', reason: 'the connection broke' },
    result: { kind: 'unknown', reason: 'the connection broke' },
  },
])('an append, $fact', ({ reply, result }) => {
  expect(appendResult(reply)).toEqual(result);
});

test.each([
  {
    fact: 'the usual form',
    subject: '$JS.ACK.S.c.1.120.7.1436918400000123456.5',
    delivery: { sequence: 120, consumerSequence: 7, storedMs: 1_436_918_400_000 },
  },
  {
    fact: 'the form with domain and account',
    subject: '$JS.ACK.hub.hash.S.c.1.120.7.1436918400000123456.5',
    delivery: { sequence: 120, consumerSequence: 7, storedMs: 1_436_918_400_000 },
  },
  {
    fact: 'a token behind it',
    subject: '$JS.ACK._.hash.S.c.1.120.7.1436918400000123456.5.x1',
    delivery: { sequence: 120, consumerSequence: 7, storedMs: 1_436_918_400_000 },
  },
  { fact: 'no delivery', subject: '_INBOX.abc', delivery: null },
  { fact: 'no reply at all', subject: undefined, delivery: null },
])('an ack subject: $fact', ({ subject, delivery }) => {
  expect(parseDelivery(subject)).toEqual(delivery);
});

test.each([
  ['2.15.2', true],
  ['2.15.10', true],
  ['2.16.0', true],
  ['3.0.0', true],
  ['2.15.1', false],
  ['2.9.99', false],
  ['2.15.2-beta.1', false],
  ['2.16.0-RC.1', true],
  ['unknown', false],
])('version %s is new enough: %s', (version, expected) => {
  expect(isAtLeast(version, '2.15.2')).toBe(expected);
});

test.each([
  ['nats://user:secret@host:4222', 'nats://host:4222'],
  ['nats://token@a,nats://b', 'nats://a,nats://b'],
  ['nats://plain:4222', 'nats://plain:4222'],
  ['host', 'host'],
])('what is shown of %s is %s', (url, shown) => {
  expect(withoutSecrets(url)).toBe(shown);
});

const wanted = laneStream({ stream: 'S', subjects: ['s.*'], bytesMax: 100 }, 1);
const infoOf = (config: object): StreamInfo => ({
  config: { ...wanted, ...config },
  state: { bytes: 0, messages: 0, first_seq: 0, last_seq: 0 },
});

test.each([
  { fact: 'what we make', config: {}, problems: [] },
  { fact: 'another disk bound', config: { max_bytes: 7 }, problems: [] },
  { fact: 'discard old', config: { discard: 'old' }, problems: ['discard is "old", must be "new"'] },
  { fact: 'a maximal age', config: { max_age: 5 }, problems: ['max_age is 5, must be 0'] },
  {
    fact: 'deletes allowed, one message per subject',
    config: { deny_delete: false, max_msgs_per_subject: 1 },
    problems: ['max_msgs_per_subject is 1, must be -1', 'deny_delete is false, must be true'],
  },
  { fact: 'other subjects', config: { subjects: ['x.*'] }, problems: ['subjects is ["x.*"], must be ["s.*"]'] },
  { fact: 'a memory store', config: { storage: 'memory' }, problems: ['storage is "memory", must be "file"'] },
])('J6 a stream with $fact', ({ config, problems }) => {
  expect(laneProblems(infoOf(config), wanted)).toEqual(problems);
});

test('a window pulls what was asked for twice over, and counts back what a pull had left', () => {
  const window = new PullWindow({ giantBytes: 8_000_000 });
  const pullAll = (): number[] => {
    const pulls: number[] = [];
    for (let bytes = window.nextPull(); bytes > 0; bytes = window.nextPull()) window.pulled(`p${pulls.push(bytes)}`, bytes);
    return pulls;
  };
  expect(pullAll()).toEqual([]);
  window.ask(100_000);
  expect(pullAll()).toEqual([50_000, 50_000, 50_000, 50_000]);
  window.received({ wireBytes: 30_100, payloadBytes: 30_000 });
  expect(pullAll(), 'what is held counts like what is open').toEqual([]);
  window.took(30_000);
  window.ended('p1', 20_000);
  expect(window.openBytes).toBe(200_000 - 30_100 - 20_000);
  expect(pullAll()).toEqual([50_000]);
});

test('a record that fits no pull gets one of the largest size, alone', () => {
  const window = new PullWindow({ giantBytes: 8_000_000 });
  window.ask(20_000);
  for (const pull of ['a', 'b']) window.pulled(pull, window.nextPull());
  window.ended('a', 16_384);
  expect(window.nextPull(), 'not while another is open').toBe(0);
  window.ended('b', 16_384);
  expect(window.nextPull()).toBe(8_000_000);
  window.pulled('c', 8_000_000);
  window.received({ wireBytes: 1_000_100, payloadBytes: 1_000_000 });
  window.took(1_000_000);
  window.ended('c', 6_999_900);
  expect(window.nextPull()).toBe(16_384);
});
