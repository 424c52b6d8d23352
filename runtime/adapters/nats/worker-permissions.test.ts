// What the list says; that it is enough and not too much is shown on a real server (pod/pod-permissions.integration.test.ts).

import { expect, test } from 'vitest';
import { jobText } from '../../../test/support/job-run.ts';
import { readStreamJob } from '../../plan/check.ts';
import type { PhysicalPlan } from '../../plan/physical-plan.ts';
import { planJob } from '../../plan/plan.ts';
import { stockOf } from './stock-consumer.ts';
import { importingRights, mergedRights, workerPermissions } from './worker-permissions.ts';

function plan(source: string): PhysicalPlan {
  const text = jobText(
    'orders',
    `
  sources: [{ name: orders, nats: { subjects: [${source}], stream: ORDERS }, schema: { k: string } }]
  stages: [{ name: counts, from: orders, keyBy: { k: event.k }, aggregate: { n: { count: {} } } }]
  sinks: [{ name: out, from: counts, nats: { subject: out.orders, stream: OUT } }]
`,
  );
  const made = planJob(
    readStreamJob(text, { file: 'orders.yaml', parameters: {} }),
    {},
    { identity: 'shop_orders', deadLetterFile: false },
  );
  const isDead = (name: string): boolean => name === 'dead-letters-subject';
  return {
    ...made,
    stages: made.stages.map((stage) => ({
      ...stage,
      nodes: stage.nodes.map((node) =>
        node.op.kind === 'sink' && isDead(node.op.spec.name)
          ? { ...node, op: { ...node.op, spec: { ...node.op.spec, nats: { ...node.op.spec.nats!, stream: 'DEAD' } } } }
          : node,
      ),
    })),
  };
}

const rights = workerPermissions({ identity: 'shop_orders', plans: [plan('orders.>')] });
const { publish, subscribe } = mergedRights(rights);
/** Where the streams are imported. */
const imported = workerPermissions({ identity: 'shop_orders', plans: [plan('orders.>')], importedBy: 'run1' });
const { consumer } = stockOf({ identity: 'shop_orders', runId: 'run1' }, plan('orders.>'))[0]!;

test('every subject is there once, in order', () => {
  expect(publish).toEqual([...new Set(publish)].sort());
});

test('nothing lets a stream be made, changed or deleted, or all of anything be reached', () => {
  for (const subject of publish) {
    expect(subject).not.toMatch(/STREAM\.(CREATE|UPDATE|DELETE|NAMES|LIST|SNAPSHOT|RESTORE)/);
    expect(subject).not.toMatch(/^(>|\*|\$JS\.(API\.)?>|\$KV\.>|\$SYS)/);
  }
});

test('each stream, key and subject is the job’s own, or one that its plan names', () => {
  for (const subject of [...publish, ...subscribe]) expect(subject).toMatch(/shop_orders|\b(ORDERS|OUT|DEAD)\b|^out\.orders$/);
});

test('of a shared stream only consumers of the declared subject can be made, none can be deleted, nothing is purged', () => {
  expect(publish.filter((subject) => /\bORDERS\b/.test(subject))).toEqual([
    '$JS.API.CONSUMER.CREATE.ORDERS.*.orders.>',
    '$JS.API.CONSUMER.MSG.NEXT.ORDERS.*',
    '$JS.API.STREAM.INFO.ORDERS',
  ]);
  expect(publish.filter((subject) => /\bOUT\b/.test(subject))).toEqual(['$JS.API.STREAM.INFO.OUT', '$JS.API.STREAM.MSG.GET.OUT']);
});

test('in the account of its namespace it has its sources and sinks, and nothing that it lives of; it makes no consumer there', () => {
  expect(imported.streams).toEqual([
    `$JS.API.CONSUMER.INFO.ORDERS.${consumer}`,
    `$JS.API.CONSUMER.MSG.NEXT.ORDERS.${consumer}`,
    `$JS.API.CONSUMER.RESET.ORDERS.${consumer}`,
    `$JS.API.CONSUMER.UNPIN.ORDERS.${consumer}`,
    '$JS.API.STREAM.INFO.ORDERS',
    '$JS.API.STREAM.INFO.OUT',
    '$JS.API.STREAM.MSG.GET.OUT',
    'out.orders',
  ]);
  const byImport = importingRights(imported).publish.filter((subject) => !imported.job.publish.includes(subject));
  expect(byImport).toEqual(imported.streams.map((subject) => `mr.ns.${subject}`));
  for (const subject of imported.job.publish) expect(subject).not.toMatch(/\b(ORDERS|OUT)\b|^out\.orders$/);
  expect(imported.job.publish.filter((subject) => /dead-letters|DEAD/.test(subject))).toHaveLength(3);
});

test('a job without sources and sinks on NATS has nothing there', () => {
  const text = jobText(
    'files',
    '\n  sources: [{ name: a, file: { path: a.csv, format: csv }, schema: { n: int } }]\n  sinks: [{ name: b, from: a, file: { path: b } }]\n',
  );
  const made = planJob(readStreamJob(text, { file: 'x', parameters: {} }), { a: 1 }, { identity: 'shop_files', deadLetterFile: true });
  const named = { ...made, stages: made.stages.filter(({ nodes }) => !nodes.some(({ op }) => op.kind === 'sink' && op.spec.nats)) };
  expect(workerPermissions({ identity: 'shop_files', plans: [named] }).streams).toEqual([]);
});

test('of the directory, keys of who runs the job are not written, and nothing is purged', () => {
  const keys = publish.filter((subject) => subject.startsWith('$KV.'));
  expect(keys).toEqual(['assignment', 'completed', 'failure', 'savepoint.>', 'worker.*'].map((key) => `$KV.MR_shop_orders.${key}`));
  expect(publish).not.toContain('$JS.API.STREAM.PURGE.KV_MR_shop_orders');
});

test('while a plan replaces another one, workers have the rights of both', () => {
  const both = workerPermissions({ identity: 'shop_orders', plans: [plan('orders.a'), plan('orders.b')] });
  expect(both.streams).toEqual(expect.arrayContaining(['a', 'b'].map((end) => `$JS.API.CONSUMER.CREATE.ORDERS.*.orders.${end}`)));
});

test('a plan whose streams are not named is a defect of who asks', () => {
  const text = jobText('x', '\n  sources: [{ name: a, nats: { subjects: [a] } }]\n  sinks: [{ name: b, from: a, nats: { subject: b } }]\n');
  const unnamed = planJob(readStreamJob(text, { file: 'x', parameters: {} }), {}, { deadLetterFile: false });
  expect(() => workerPermissions({ identity: 'x', plans: [unnamed] })).toThrow('a names its stream');
});
