// Every file of test/fixtures/declarations ends with what is to be said about it: a line `#! ` for each line of a mistake,
// `#? ` for each line of a warning. A rule is only here if some fixture breaks it.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BadDeclaration, formatIssue, type Issue } from '../base/issues.ts';
import { checkJobText, readStreamJob } from './check.ts';

const FOLDER = new URL('../../test/fixtures/declarations/', import.meta.url);

test.each(readdirSync(FOLDER).filter((name) => name.endsWith('.yaml')))(
  '%s: all mistakes and warnings, in the order of the text',
  (name) => {
    const text = readFileSync(new URL(name, FOLDER), 'utf8');
    const { mistakes, warnings } = checkJobText(text, { file: name, parameters: {} });
    expect([...lines('#!', mistakes), ...lines('#?', warnings)]).toEqual(text.split('\n').filter((line) => /^#[!?]/.test(line)));
  },
);

function lines(mark: string, issues: readonly Issue[]): readonly string[] {
  return issues.flatMap((issue) =>
    formatIssue(issue)
      .slice(2)
      .split('\n')
      .map((line) => `${mark} ${line}`.trimEnd()),
  );
}

test('a file with twenty mistakes is told all of them at once', () => {
  const text = readFileSync(new URL('twenty-mistakes.yaml', FOLDER), 'utf8');
  const caught = catchBad(() => readStreamJob(text, { file: 'twenty-mistakes.yaml', parameters: {} }));
  expect(caught.issues.length).toBeGreaterThanOrEqual(20);
  expect(caught.message.split('\n')[0]).toBe(`twenty-mistakes.yaml: ${caught.issues.length} mistakes`);
});

test('the examples have no mistakes and no warnings', () => {
  const text = readFileSync(new URL('../../examples/flights/stream-job.yaml', import.meta.url), 'utf8');
  expect(checkJobText(text, { file: 'stream-job.yaml', parameters: {} })).toMatchObject({ mistakes: [], warnings: [] });
});

const JSON_JOB =
  '{\n\t"apiVersion": "millrace.dev/v1alpha1",\n\t"kind": "StreamJob",\n\t"metadata": { "name": "json" },\n\t"spec": { "sources": [{ "name": "s", "file": { "path": "s.ndjson" } }], "stages": [{ "name": "a", "from": "t", "filter": "true" }] }\n}';

test.each([
  {
    fact: 'an empty file says how a job begins',
    text: '',
    says: '1:1 (root): the file is empty (a job begins with apiVersion: millrace.dev/v1alpha1 and kind: StreamJob)',
  },
  { fact: 'a file of comments is empty', text: '# soon\n', says: '1:1 (root): the file is empty' },
  {
    fact: 'JSON is read too, with places, and with tabs',
    text: JSON_JOB,
    says: '5:108 spec.stages[0].from: unknown source or stage "t" (did you mean "s"?)',
  },
  { fact: 'a text is no job', text: 'hello', says: '1:1 (root): must be a mapping, found "hello"' },
  {
    fact: 'a data file is refused before it is parsed',
    text: 'x'.repeat(1_048_577),
    says: '1:1 (root): has 1048577 bytes, a job file has at most 1048576',
  },
  { fact: 'brackets without end do not exhaust the stack', text: '['.repeat(5000), says: '1:1 (root): is nested deeper than 100 levels' },
  {
    fact: 'an anchor that holds itself is refused',
    text: 'a: &a [*a]',
    says: '1:1 (root): is nested deeper than 100 levels (does an anchor hold an alias of itself?)',
  },
  {
    fact: 'aliases of aliases do not exhaust the memory',
    text: bomb(),
    says: '1:1 (root): expands to more than 200000 values (aliases of aliases multiply)',
  },
  {
    fact: 'tabs do not indent',
    text: 'a:\n\t- b',
    says: '2:1 (root): not valid YAML: Tabs are not allowed as indentation (indent with spaces)',
  },
  { fact: 'a tag is refused', text: 'kind: !secret x', says: '1:7 (root): not valid YAML: Unresolved tag: !secret (leave the tag away)' },
])('$fact', ({ text, says }) => {
  const { mistakes } = checkJobText(text, { file: 'f', parameters: {} });
  expect(mistakes.map((issue) => formatIssue(issue).trim()).join('\n')).toContain(says);
});

function bomb(): string {
  const levels = Array.from({ length: 9 }, (_, i) => `y${i}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`);
  return ['x: &a0 [1]', ...levels].join('\n');
}

function catchBad(run: () => unknown): BadDeclaration {
  try {
    run();
  } catch (error) {
    if (error instanceof BadDeclaration) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
