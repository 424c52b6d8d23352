import { expect, test } from 'vitest';
import { sourceFiles } from '../../test/tidy/source-files.ts';
import { labels, metricCatalogue, sampleName, type MetricName } from './metric-catalogue.ts';

const names = Object.keys(metricCatalogue) as readonly MetricName[];

test.each(names)('%s is named, labelled and explained as the others are', (name) => {
  const { type, labels: own, help, of, buckets } = metricCatalogue[name];
  expect(name).toMatch(of === 'worker' ? /^millrace_(worker|stage)_[a-z_]+$/ : /^millrace_(operator|job)s?(_[a-z_]+)?$/);
  expect(sampleName(name).endsWith('_total')).toBe(type === 'counter');
  expect(name).not.toMatch(/_(ms|milliseconds|minutes|kb|mb|count|total)$/);
  if (name.includes('duration')) expect(name).toMatch(/_seconds$/);
  expect(own.every((label) => label in labels)).toBe(true);
  expect(help).toMatch(/^\S.*\.$/);
  expect([...buckets].sort((a, b) => a - b)).toEqual(buckets);
  expect(buckets.length > 0).toBe(type === 'histogram');
});

test('each is told by some code', () => {
  const told = sourceFiles()
    .filter(({ path }) => /^(operator|runtime)\//.test(path) && !path.endsWith('.test.ts') && !path.endsWith('metric-catalogue.ts'))
    .map(({ text }) => text)
    .join('\n');
  expect(names.filter((name) => !told.includes(`'${name}'`))).toEqual([]);
});
