// Held against the client's own keys, which are slow and right.

import { createAccount, createOperator, createUser, fromPublic, fromSeed, Prefix } from '@nats-io/nkeys';
import { credsAuthenticator } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { credentialsAuthenticator, credentialsIn, SigningKey } from './signing-key.ts';

const input = new TextEncoder().encode('what is signed');

test.each([
  ['operator', createOperator],
  ['account', createAccount],
  ['user', createUser],
] as const)('the key of an %s is the one of its seed, and signs alike', (_kind, make) => {
  const slow = make();
  const key = new SigningKey(slow.getSeed());
  expect(key.getPublicKey()).toBe(slow.getPublicKey());
  expect(key.getPrivateKey()).toEqual(slow.getPrivateKey());
  expect(key.sign(input)).toEqual(slow.sign(input));
  expect(key.verify(input, slow.sign(input))).toBe(true);
  expect(key.verify(input, make().sign(input))).toBe(false);
});

test('one that is made has its own seed', () => {
  const [one, other] = [SigningKey.make(Prefix.User), SigningKey.make(Prefix.User)];
  expect(one.getPublicKey()).toMatch(/^U[A-Z2-7]{55}$/);
  expect(fromSeed(one.getSeed()).getPublicKey()).toBe(one.getPublicKey());
  expect(fromPublic(one.getPublicKey()).verify(input, one.sign(input))).toBe(true);
  expect(other.getPublicKey()).not.toBe(one.getPublicKey());
});

test('what is no seed is none', () => expect(() => new SigningKey('SUNOSEED')).toThrow());

test('a credentials file is read as the client reads it', () => {
  const user = createUser();
  const seed = new TextDecoder().decode(user.getSeed());
  const file = Buffer.from(
    `-----BEGIN NATS USER JWT-----\nabc.def.ghi\n------END NATS USER JWT------\n\n*** IMPORTANT ***\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
  );
  const { sig: theirs, ...others } = credsAuthenticator(file)('nonce') as { jwt: string; nkey: string; sig: string };
  const { sig: ours, ...own } = credentialsAuthenticator(() => credentialsIn(file))('nonce') as { jwt: string; nkey: string; sig: string };
  expect(own).toEqual(others);
  expect(Buffer.from(ours, 'base64url')).toEqual(Buffer.from(theirs, 'base64'));
  expect(() => credentialsAuthenticator(() => credentialsIn(Buffer.from('nothing')))('nonce')).toThrow('a token and a seed');
});
