import { describe, expect, test } from 'vitest';
import { programName, quoted, runCommand, shortPath } from './invocation.ts';

const packageFolder = '/srv/ada/millrace';
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
      cwd: '/srv/ada/other',
      file: flights,
      run: `node ../millrace/cli/bin.mjs run ${flights} --workers 2`,
    },
    {
      fact: 'elsewhere by its path',
      environment: {},
      cwd: '/srv/ada/jobs',
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
    expect(programName({ environment: {}, cwd: '/srv/ada/jobs', packageFolder: '/srv/ada/jobs/node_modules/millrace' })).toBe(
      'npx millrace',
    );
  });
});

test.each([
  { path: '/srv/ada/jobs/out', cwd: '/srv/ada/jobs', short: 'out' },
  { path: '/srv/ada/jobs', cwd: '/srv/ada/jobs', short: '.' },
  { path: '/tmp/out', cwd: '/srv/ada/jobs', short: '/tmp/out' },
  { path: 'out', cwd: '/srv/ada', short: 'out' },
])('in $cwd, $path is $short', ({ path, cwd, short }) => expect(shortPath(path, cwd)).toBe(short));

test.each([
  { word: 'flights=a.csv', shell: 'flights=a.csv' },
  { word: 'two words', shell: "'two words'" },
  { word: "it's", shell: "'it'\\''s'" },
  { word: '', shell: "''" },
])('a shell takes $shell as one word', ({ word, shell }) => expect(quoted(word)).toBe(shell));
