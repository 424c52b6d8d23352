import { describe, expect, test } from 'vitest';
import { programName, quoted, runCommand, shortPath } from './invocation.ts';

const packageFolder = '/home/ada/millrace';
const flights = 'examples/flights/stream-job.yaml';

describe('the command that is told is the one that was used', () => {
  test.each([
    {
      fact: 'npm start',
      environment: { npm_lifecycle_event: 'start' },
      cwd: packageFolder,
      file: flights,
      run: 'npm start -- --workers 2',
    },
    {
      fact: 'npm run millrace',
      environment: { npm_lifecycle_event: 'millrace' },
      cwd: packageFolder,
      file: flights,
      run: `npm run millrace -- run ${flights} --workers 2`,
    },
    {
      fact: 'in the checkout npx finds it',
      environment: {},
      cwd: packageFolder,
      file: flights,
      run: `npx millrace run ${flights} --workers 2`,
    },
    {
      fact: 'npm start of another package is none',
      environment: { npm_lifecycle_event: 'start' },
      cwd: '/home/ada/other',
      file: flights,
      run: `node ../millrace/cli/bin.mjs run ${flights} --workers 2`,
    },
    {
      fact: 'elsewhere by its path',
      environment: {},
      cwd: '/home/ada/jobs',
      file: 'my job.yaml',
      run: "node ../millrace/cli/bin.mjs run 'my job.yaml' --workers 2",
    },
  ])('$fact', ({ environment, cwd, file, run }) =>
    expect(runCommand({ environment, cwd, packageFolder }, file, ['--workers', '2'])).toBe(run),
  );

  test('without options npm start needs no dashes', () => {
    expect(runCommand({ environment: { npm_lifecycle_event: 'start' }, cwd: packageFolder, packageFolder }, flights, [])).toBe('npm start');
  });

  test('installed as a package, npx finds it', () => {
    expect(programName({ environment: {}, cwd: '/home/ada/jobs', packageFolder: '/home/ada/jobs/node_modules/millrace' })).toBe(
      'npx millrace',
    );
  });
});

test.each([
  { path: '/home/ada/jobs/out', cwd: '/home/ada/jobs', short: 'out' },
  { path: '/home/ada/jobs', cwd: '/home/ada/jobs', short: '.' },
  { path: '/tmp/out', cwd: '/home/ada/jobs', short: '/tmp/out' },
  { path: 'out', cwd: '/home/ada', short: 'out' },
])('in $cwd, $path is $short', ({ path, cwd, short }) => expect(shortPath(path, cwd)).toBe(short));

test.each([
  { word: 'flights=a.csv', shell: 'flights=a.csv' },
  { word: 'two words', shell: "'two words'" },
  { word: "it's", shell: "'it'\\''s'" },
  { word: '', shell: "''" },
])('a shell takes $shell as one word', ({ word, shell }) => expect(quoted(word)).toBe(shell));
