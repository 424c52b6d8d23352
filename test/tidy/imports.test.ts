import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { firstCycle, importProblems } from './import-rules.ts';
import { repository, sourceFile, sourceFiles } from './source-files.ts';

const files = sourceFiles();

test('every import goes where ARCHITECTURE.md allows it', () => expect(files.flatMap(importProblems)).toEqual([]));

test('no files import each other in a circle', () => expect(firstCycle(files)).toBeNull());

test('every import of ours names a file that exists, with its ending', () => {
  const missing = files.flatMap((file) =>
    file.imports
      .filter(({ isOurs, target }) => isOurs && !existsSync(join(repository, target)))
      .map(({ target }) => `${file.path}: ${target}`),
  );
  expect(missing).toEqual([]);
});

test.each([
  {
    fact: 'a pure room may not read files',
    path: 'runtime/plan/a.ts',
    text: "import { readFileSync } from 'node:fs';",
    problem: 'runtime/plan/a.ts: imports node:fs; this room is pure',
  },
  { fact: 'hashing is pure', path: 'runtime/plan/a.ts', text: "import { createHash } from 'node:crypto';", problem: null },
  {
    fact: 'base imports nothing of ours',
    path: 'runtime/base/a.ts',
    text: "import { key } from '../event/key.ts';",
    problem: 'runtime/base/a.ts: imports runtime/event/key.ts; runtime/base may import nothing of ours',
  },
  {
    fact: 'a port may be known by its type',
    path: 'runtime/journal/a.ts',
    text: "import type { Source } from '../connectors/source.ts';",
    problem: null,
  },
  {
    fact: 'a port may not be run',
    path: 'runtime/journal/a.ts',
    text: "import {\n  makeSource,\n} from '../connectors/source.ts';",
    problem: 'runtime/journal/a.ts: imports runtime/connectors/source.ts; runtime/journal may import types only from there (`import type`)',
  },
  {
    fact: 'a worker is given its adapters',
    path: 'runtime/worker/a.ts',
    text: "export { x } from '../adapters/nats/link.ts';",
    problem: 'runtime/worker/a.ts: imports runtime/adapters/nats/link.ts; runtime/worker may import runtime/base, runtime/event',
  },
  {
    fact: 'the NATS client has its rooms',
    path: 'runtime/journal/a.ts',
    text: "import { connect } from '@nats-io/transport-node';",
    problem: 'runtime/journal/a.ts: imports @nats-io, which belongs to runtime/adapters/nats',
  },
  {
    fact: 'XState has its room',
    path: 'runtime/job/a.ts',
    text: "import { setup } from 'xstate';",
    problem: 'runtime/job/a.ts: imports xstate, which belongs to runtime/transforms/actor',
  },
  {
    fact: 'the builder may name the type of a machine',
    path: 'runtime/job/a.ts',
    text: "import type { StateMachine } from 'xstate';",
    problem: null,
  },
  {
    fact: 'nothing imports test',
    path: 'cli/run/a.ts',
    text: "import { x } from '../../test/support/nats.ts';",
    problem: 'cli/run/a.ts: imports test/support/nats.ts, which only tests may',
  },
  {
    fact: 'a later import counts too',
    path: 'cli/run/a.ts',
    text: "const x = await import('../../test/support/nats.ts');",
    problem: 'cli/run/a.ts: imports test/support/nats.ts, which only tests may',
  },
  {
    fact: 'what a comment says is no import',
    path: 'runtime/base/a.ts',
    text: "// import { x } from 'node:fs';\n/*\nimport { x } from 'node:fs';\n*/",
    problem: null,
  },
  { fact: 'a test may import anything', path: 'runtime/base/a.test.ts', text: "import { x } from 'node:fs';", problem: null },
])('$fact', ({ path, text, problem }) => {
  const problems = importProblems(sourceFile(path, text));
  expect(problems).toHaveLength(problem === null ? 0 : 1);
  if (problem !== null) expect(problems[0]).toContain(problem);
});

test.each([
  {
    fact: 'two files that run each other are a circle',
    b: "import { a } from './a.ts';",
    cycle: ['runtime/plan/a.ts', 'runtime/plan/b.ts', 'runtime/plan/a.ts'],
  },
  { fact: 'types alone make no circle', b: "import type { A } from './a.ts';", cycle: null },
])('$fact', ({ b, cycle }) => {
  expect(firstCycle([sourceFile('runtime/plan/a.ts', "import { b } from './b.ts';"), sourceFile('runtime/plan/b.ts', b)])).toEqual(cycle);
});
