import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addRunOptions } from './run.ts';

test.each([
  { line: '', console: undefined, stay: false },
  { line: '--console', console: 7337, stay: false },
  { line: '--stay', console: 7337, stay: true },
  { line: '--stay --console 0', console: 0, stay: true },
  { line: '--console 8080 --stay', console: 8080, stay: true },
])('`run job.yaml $line` has a console at port $console', ({ line, console, stay }) => {
  const command = addRunOptions(new Command(), 'data');
  command.parse(['job.yaml', ...line.split(' ').filter((word) => word !== '')], { from: 'user' });
  expect([command.opts()['console'], command.opts()['stay']]).toEqual([console, stay]);
});
