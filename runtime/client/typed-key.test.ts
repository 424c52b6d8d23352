import { expect, test } from 'vitest';
import { askAsTyped } from './typed-key.ts';

/** What is asked for, for a text of which nothing is known but `known`. */
async function asked(text: string, known?: unknown): Promise<{ readonly keys: readonly unknown[]; readonly told: unknown }> {
  const keys: unknown[] = [];
  const told = await askAsTyped(
    text,
    (key) => {
      keys.push(key);
      return Promise.resolve(key);
    },
    (key) => key === known,
  );
  return { keys, told };
}

test.each([
  { text: 'ab', keys: ['ab'] },
  { text: '7', keys: ['7', 7] },
  { text: '["a",1]', keys: ['["a",1]', ['a', 1]] },
  { text: '9007199254740993', keys: ['9007199254740993', 9007199254740993n] },
  { text: '{"id":-9223372036854775808}', keys: ['{"id":-9223372036854775808}', { id: -9223372036854775808n }] },
])('TK1 $text is asked for as the text and as what it is in JSON, to the last digit', async ({ text, keys }) => {
  expect(await asked(text)).toEqual({ keys, told: text });
});

test('TK1 the meaning that is known counts', async () => {
  expect((await asked('7', 7)).told).toBe(7);
  expect((await asked('7', '7')).told).toBe('7');
});
