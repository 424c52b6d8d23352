import { expect, test } from 'vitest';
import { parseArguments } from './arguments.ts';

test.each([
  { line: 'up', command: { kind: 'up' } },
  { line: 'down', command: { kind: 'down' } },
  { line: 'status', command: { kind: 'status' } },
  { line: 'build', command: { kind: 'build' } },
  { line: 'load a.tar b.tar', command: { kind: 'load', archives: ['a.tar', 'b.tar'], isNatsWanted: false } },
  { line: 'load nats a.tar', command: { kind: 'load', archives: ['a.tar'], isNatsWanted: true } },
  { line: 'load', command: null },
  { line: 'up now', command: null },
  { line: 'destroy', command: null },
  { line: '', command: null },
])('`$line`', ({ line, command }) => {
  expect(parseArguments(line.split(' ').filter((word) => word !== ''))).toEqual(command);
});
