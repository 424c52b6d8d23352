import { expect, test } from 'vitest';
import { draftStreamJob, parseStreamJob } from '../../runtime/job/parse.ts';
import { readYaml } from '../../runtime/job/yaml-text.ts';
import { escapeAll, resolveParameters } from './resolve-parameters.ts';

const job = (spec: string): string =>
  `{ apiVersion: millrace.dev/v1alpha1, kind: StreamJob, metadata: { name: a }, spec: { parameters: [{ name: n, default: '4' }, { name: t }, { name: late, default: 5s }], ${spec} } }`;
const set = { t: 'text ${n}' };

function check(spec: string): { spec: unknown; resolved: readonly string[] } {
  const text = job(spec);
  const parsed = parseStreamJob(text, { file: 'a.yaml', parameters: set });
  const values = new Map(Object.entries({ n: '4', late: '5s', ...set }));
  const result = resolveParameters({ declared: readYaml(text).yaml?.value(), job: parsed, values });
  const { parameters: _, ...rest } = result.spec;
  // Whatever stayed: the operator, who knows spec.values, reads the same job.
  const again = JSON.stringify({ apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'a' }, spec: result.spec });
  expect(draftStreamJob(again, { file: 'again', parameters: set })).toMatchObject({ issues: [], job: parsed });
  return { spec: rest, resolved: result.resolved };
}

test.each([
  {
    fact: 'a parameter in a free text stays',
    spec: `description: 'about \${t} and \${n}', sources: [{ name: a, file: { path: a } }]`,
    gives: { spec: { description: 'about ${t} and ${n}', sources: [{ name: 'a', file: { path: 'a' } }] }, resolved: [] },
  },
  {
    fact: 'one that is a number is a number, wherever it stands',
    spec: `partitions: '\${n}', description: 'about \${n}', sources: [{ name: a, file: { path: 'x-\${n}' } }]`,
    gives: { spec: { partitions: 4, description: 'about 4', sources: [{ name: 'a', file: { path: 'x-4' } }] }, resolved: ['n'] },
  },
  {
    fact: 'one that is a duration is put in place, its neighbours stay',
    spec: `description: '\${t}', sources: [{ name: a, file: { path: a }, eventTime: { at: event.x, maxOutOfOrder: '\${late}' } }]`,
    gives: {
      spec: {
        description: '${t}',
        sources: [{ name: 'a', file: { path: 'a' }, eventTime: { at: 'event.x', maxOutOfOrder: '5s' } }],
      },
      resolved: ['late'],
    },
  },
  {
    fact: 'a value that looks like a use is no use afterwards',
    spec: `description: 'a $\${x} \${t}', sources: [{ name: a, file: { path: 'a' }, schema: { '\${t}': 'int' } }], partitions: '\${n}'`,
    gives: {
      spec: { description: 'a $${x} ${t}', sources: [{ name: 'a', file: { path: 'a' }, schema: { '${t}': 'int' } }], partitions: 4 },
      resolved: ['n'],
    },
  },
  {
    fact: 'a whole name of a source is put in place with all that refers to it',
    spec: `sources: [{ name: 'a-\${n}', file: { path: a } }], sinks: [{ name: b, from: 'a-\${n}', nats: { subject: 'b.\${n}.\${late}' } }]`,
    gives: {
      spec: { sources: [{ name: 'a-4', file: { path: 'a' } }], sinks: [{ name: 'b', from: 'a-4', nats: { subject: 'b.4.${late}' } }] },
      resolved: ['n'],
    },
  },
])('$fact', ({ spec, gives }) => expect(check(spec)).toEqual(gives));

test('texts that are filled in already are read back as they are', () => {
  const texts = { a: 'x ${n} $${n} $$${n} ${}', b: ['${n}', '$', '{n}'] };
  const text = job(`sources: [{ name: a, file: { path: a } }], description: ${JSON.stringify(escapeAll(texts.a))}`);
  expect(parseStreamJob(text, { file: 'a', parameters: set }).spec.description).toBe(texts.a);
  expect(escapeAll(texts)).toEqual({ a: 'x $${n} $$${n} $$$${n} $${}', b: ['$${n}', '$', '{n}'] });
});
