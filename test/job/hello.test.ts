// The hello of the README: short, equal in both forms, and its file decodes.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hello } from '../../examples/hello/job.ts';
import { assertValidJob, checkJobText } from '../../runtime/plan/check.ts';

const read = (path: string): string => readFileSync(new URL(`../../examples/hello/${path}`, import.meta.url), 'utf8');

test('the hello in TypeScript has fewer than 15 lines', () => {
  expect(read('job.ts').trimEnd().split('\n').length).toBeLessThan(15);
});

test('both forms are valid, without warnings, and differ only in functions for CEL', () => {
  const fromYaml = checkJobText(read('stream-job.yaml'), { file: 'stream-job.yaml', parameters: {} });
  const built = hello.build();
  assertValidJob(built, 'hello');
  expect([fromYaml.mistakes, fromYaml.warnings]).toEqual([[], []]);
  expect(withoutCode(built)).toEqual(withoutCode(fromYaml.job));
});

test('the README shows the two forms as they are', () => {
  const readme = read('../../README.md');
  for (const path of ['job.ts', 'stream-job.yaml']) expect(readme).toContain(read(path).split('\n').slice(1).join('\n').trim());
});

/** Code slots that hold a function in one form and CEL in the other, by name. */
function withoutCode(job: unknown): unknown {
  return JSON.parse(JSON.stringify(job, (name, value: unknown) => (name === 'filter' || name === 'mean' ? 'code' : value)));
}
