import { expect, test } from 'vitest';
import { buildProgram, commands } from './program.ts';

test.each(commands.map((entry) => ({ entry, name: entry.name })))('the module of $name adds the command $name', async ({ entry, name }) => {
  const program = await buildProgram([name], [entry]);
  expect(program.commands.map((command) => command.name())).toEqual([name]);
  expect(program.commands[0]?.description()).not.toBe('');
});

test.each(commands.map((entry) => ({ entry, name: entry.name })))(
  'the help of $name tells defaults in words of a person',
  async ({ entry, name }) => {
    const program = await buildProgram([name], [entry]);
    const helps = program.commands.flatMap((command) => [command, ...command.commands]).map((command) => command.helpInformation());
    expect(helps.join('')).not.toMatch(/default: (false|\{\}|\d{4,})/);
  },
);

test('only the module of the command that is called is loaded', async () => {
  const loaded: string[] = [];
  const entries = ['one', 'two'].map((name) => ({
    name,
    summary: `does ${name}`,
    load: async () => {
      loaded.push(name);
      return { register: (program: Awaited<ReturnType<typeof buildProgram>>) => void program.command(name) };
    },
  }));
  const program = await buildProgram(['two', '--flag'], entries);
  expect(loaded).toEqual(['two']);
  expect(program.helpInformation()).toContain('does one');
  await buildProgram(['--help'], entries);
  expect(loaded).toEqual(['two']);
});

test('help for a command loads that command', async () => {
  const program = await buildProgram(['help', 'plan'], commands);
  expect(program.commands.find((command) => command.name() === 'plan')?.options).not.toEqual([]);
});

test('the exit codes are in the help', async () => {
  let written = '';
  const program = await buildProgram([], commands);
  program.configureOutput({ writeOut: (text) => (written += text) }).outputHelp();
  for (const code of ['0 ', '1 ', '2 ', '3 ', '130']) expect(written).toContain(`\n  ${code}`);
});
