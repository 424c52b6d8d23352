import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { addParameter } from './parameter-option.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-set-'));
writeFileSync(join(folder, 'rows.csv'), '');
writeFileSync(join(folder, '4d'), '');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  { fact: 'a value is taken as it is', text: 'speed=fast', is: { speed: 'fast' } },
  { fact: 'a value may hold equal signs', text: 'filter=a=b', is: { filter: 'a=b' } },
  { fact: 'a value may be empty', text: 'prefix=', is: { prefix: '' } },
  {
    fact: 'a file of the folder where one types becomes its whole path',
    text: `rows=${relative(process.cwd(), join(folder, 'rows.csv'))}`,
    is: { rows: join(folder, 'rows.csv') },
  },
  { fact: 'a path that is nothing here is left to the folder of the job file', text: 'rows=data/none.csv', is: { rows: 'data/none.csv' } },
])('$fact', ({ text, is }) => expect(addParameter(text, {})).toEqual(is));

test('a later value of the same name counts', () => expect(addParameter('a=2', { a: '1', b: '3' })).toEqual({ a: '2', b: '3' }));

test('without a name it is refused with what was typed', () =>
  expect(() => addParameter('=x', {})).toThrow('must be name=value, not "=x".'));
