// What the chart's files say of each other and of the code: values, their schema and their table, versions, names of metrics.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { expect, test } from 'vitest';
import { metricCatalogue, sampleName, type MetricName } from '../../runtime/telemetry/metric-catalogue.ts';

type Tree = { readonly [name: string]: unknown };
type Schema = {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly $ref?: string;
  readonly definitions?: Readonly<Record<string, Schema>>;
};

const chart = resolve(import.meta.dirname, '../../charts/millrace');
const read = (path: string): string => readFileSync(join(chart, path), 'utf8');
const values = parse(read('values.yaml')) as Tree;
const schema = JSON.parse(read('values.schema.json')) as Schema;
/** Not values of ours: Helm and charts that contain this one bring them. */
const fromOutside = ['global', 'enabled'];

test('every value has a rule, and every rule a value', () =>
  expect(
    pathsOfSchema(schema)
      .filter((path) => !fromOutside.includes(path))
      .toSorted(),
  ).toEqual(pathsOf(values).toSorted()));

test('the table of the README names every value', () => {
  const named = [...read('README.md').matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = '']) => namesIn(cell));
  expect(named.toSorted()).toEqual(pathsOf(values).toSorted());
});

test('appVersion is the version of the package', () => {
  const { appVersion } = parse(read('Chart.yaml')) as { readonly appVersion: string };
  const { version } = JSON.parse(readFileSync(join(chart, '../../package.json'), 'utf8')) as { readonly version: string };
  expect(appVersion).toBe(version);
});

test.each(['files/alerts.yaml', 'files/dashboard-job.json', 'files/dashboard-operator.json'])(
  '%s names only metrics of the catalogue, as they are scraped',
  (path) => {
    const scraped = (Object.keys(metricCatalogue) as MetricName[]).flatMap((name) =>
      metricCatalogue[name].type === 'histogram' ? [name, ...['_bucket', '_sum', '_count'].map((part) => name + part)] : [sampleName(name)],
    );
    const named = [...new Set(metricsIn(read(path)))];
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((name) => !scraped.includes(name))).toEqual([]);
  },
);

test('each alert has its paragraph on what to do', () => {
  const page = readFileSync(join(chart, '../../docs/operations/metrics-and-alerts.md'), 'utf8');
  const alerts = [...read('files/alerts.yaml').matchAll(/alert: (\w+)/g)].map(([, name = '']) => name);
  expect(alerts.length).toBeGreaterThan(10);
  expect([...page.matchAll(/^### (\w+)$/gm)].map(([, name]) => name)).toEqual(alerts);
});

/** `nats.storage.size`: what has no fields of its own, an empty mapping too. */
function pathsOf(tree: Tree, above = ''): readonly string[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const path = above + name;
    const isTree = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    return isTree && !freeForm.test(path) ? pathsOf(value as Tree, `${path}.`) : [path];
  });
}

/** Mappings whose fields are the user's. */
const freeForm = /\.(resources|labels)$/;

function pathsOfSchema({ properties = {}, $ref }: Schema, above = ''): readonly string[] {
  const own = $ref === undefined ? properties : (schema.definitions?.[$ref.split('/').at(-1) ?? '']?.properties ?? {});
  return Object.entries(own).flatMap(([name, below]) => {
    const path = above + name;
    const isTree = below.properties !== undefined || below.$ref === '#/definitions/image';
    return isTree ? pathsOfSchema(below, `${path}.`) : [path];
  });
}

/** `a.b.c`, `.d` in one cell: a.b.c and a.b.d. */
function namesIn(cell: string): readonly string[] {
  let folder = '';
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => {
    const path = name.startsWith('.') ? folder + name.slice(1) : name;
    folder = path.slice(0, path.lastIndexOf('.') + 1);
    return path;
  });
}

function metricsIn(text: string): readonly string[] {
  return [...text.matchAll(/\bmillrace_[a-z_]+/g)].map(([name]) => name);
}
