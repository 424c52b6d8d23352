import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the guide shows the test of the example as it is', () => {
  expect(/^```ts\n(.*?)^```$/ms.exec(read('docs/guide/testing-a-job.md'))?.[1]).toBe(read('examples/hello/job.test.ts'));
});
