import { describe, expect, test } from 'vitest';
import { BadDeclaration, formatIssue } from '../base/issues.ts';
import { parseStreamJob } from './parse.ts';

const HEAD = 'apiVersion: millrace.dev/v1alpha1\nkind: StreamJob\nmetadata: { name: j }\n';

function parse(spec: string, parameters: Readonly<Record<string, string>> = {}): ReturnType<typeof parseStreamJob> {
  return parseStreamJob(`${HEAD}spec:\n${spec}`, { file: 'job.yaml', parameters });
}

/** The issues of a spec that begins in line 5. */
function complaints(spec: string, parameters: Readonly<Record<string, string>> = {}): readonly string[] {
  try {
    parse(spec, parameters);
  } catch (error) {
    if (error instanceof BadDeclaration) return error.issues.map((issue) => formatIssue(issue).trim());
    throw error;
  }
  return [];
}

const SOURCE = '  sources: [{ name: s, file: { path: s.ndjson } }]\n';

test('defaults are filled in', () => {
  expect(parse(SOURCE).spec).toEqual({
    deletionPolicy: 'Retain',
    pools: [],
    standbyReplicas: 0,
    replicas: 1,
    scaling: {
      mode: 'Off',
      min: 1,
      max: 10,
      targetLag: '10s',
      catchUp: '1m',
      hotKeys: 'Show',
      utilization: 75,
      behavior: { scaleUp: { stabilization: '0s', period: '15s' }, scaleDown: { stabilization: '5m', percent: 50, period: '1m' } },
    },
    suspend: false,
    upgrade: { progressDeadline: '2m', rollback: true, strategy: 'last-state' },
    values: {},
    workers: {},
    parameters: [],
    partitions: 8,
    sources: [{ name: 's', file: { path: 's.ndjson', format: 'ndjson', compression: 'auto', nulls: [] }, maxEventBytes: 524_288 }],
    tables: [],
    stages: [],
    sinks: [],
  });
});

describe('anchors and merge keys', () => {
  const spec = `  sources:
    - &base { name: a, file: { path: a.ndjson }, maxEventBytes: 100 }
    - { <<: *base, name: b }
  stages:
    - { name: x, from: a, filter: &same event.v > 1 }
    - { name: y, from: b, filter: *same }
`;
  test('an alias is its value, a merge gives what the mapping does not say itself', () => {
    const { sources, stages } = parse(spec).spec;
    expect(sources[1]).toMatchObject({ name: 'b', maxEventBytes: 100, file: { path: 'a.ndjson' } });
    expect(stages[1]?.filter).toBe('event.v > 1');
  });

  test('a mistake in what is merged or aliased is shown where it is written', () => {
    expect(complaints(spec.replace('maxEventBytes: 100', 'maxEventBytes: 0').replace('&same event.v > 1', '&same 5'))).toEqual([
      '6:65 spec.sources[0].maxEventBytes: must be at least 1, found 0',
      '6:65 spec.sources[1].maxEventBytes: must be at least 1, found 0',
      '9:41 spec.stages[0].filter: must be a CEL expression (a text of at most 4096 characters); found 5',
      '10:35 spec.stages[1].filter: must be a CEL expression (a text of at most 4096 characters); found 5',
    ]);
  });
});

describe('parameters', () => {
  const spec = `  description: about \${file}
  parameters:
    - { name: file, default: 's.ndjson' }
    - { name: size }
    - { name: field, default: 'type' }
  partitions: '\${size}'
  sources:
    - { name: s, file: { path: 'data/\${file}' }, nats: { subjects: [a], bounded: '\${size}' } }
  stages:
    - { name: t, from: s, map: { '\${ field }': "'\${file}' + '$\${file}'" } }
`;
  const withoutBool = spec.replace(", bounded: '${size}'", '');

  test('values are put into texts and field names; numbers become numbers where one is wanted', () => {
    const { description, partitions, sources, stages } = parse(withoutBool, { size: '16', file: 'x.csv' }).spec;
    expect({ description, partitions, path: sources[0]?.file?.path, map: stages[0]?.map }).toEqual({
      description: 'about x.csv',
      partitions: 16,
      path: 'data/x.csv',
      map: { type: "'x.csv' + '${file}'" },
    });
  });

  test('true and false become bools where one is wanted', () => {
    expect(parse(spec.replace("partitions: '${size}'", 'partitions: 1'), { size: 'true' }).spec.sources[0]?.nats?.bounded).toBe(true);
  });

  test('a value is not looked through for parameters again', () => {
    expect(parse(withoutBool, { size: '1', file: '${size}' }).spec.sources[0]?.file?.path).toBe('data/${size}');
  });

  test('what does not fit is told as any other value', () => {
    expect(complaints(withoutBool, { size: 'many' })).toEqual(['10:15 spec.partitions: must be a number, found "many"']);
  });

  test.each([
    {
      fact: 'a parameter without value and default',
      given: {},
      says: '10:15 spec.partitions: parameter "size" has no value (give --set size=VALUE, or a default in spec.parameters)',
    },
    {
      fact: 'a value for no parameter',
      given: { size: '1', fiel: 'x' },
      says: '7:5 spec.parameters: --set gives a value to "fiel", which is no parameter of this job (did you mean "file"?)',
    },
  ])('$fact', ({ given, says }) => expect(complaints(withoutBool, given)).toEqual([says]));

  test('an unknown parameter, with the nearest name and how to write the text itself', () => {
    expect(complaints(withoutBool.replace('data/${file}', 'data/${fil}'), { size: '1' })).toEqual([
      '12:32 spec.sources[0].file.path: unknown parameter "fil" (did you mean "file"?; for the text itself write $${fil})',
    ]);
  });

  test('names of objects are no parameters', () => {
    expect(complaints(withoutBool.replace('data/${file}', 'data/${toString}'), { size: '1', constructor: 'x' })).toHaveLength(2);
  });
});

test('a field named __proto__ is a field as any other, and unknown', () => {
  expect(complaints(`${SOURCE}  __proto__: { partitions: 3 }\n`)).toEqual([
    '6:3 spec.__proto__: unknown field "__proto__" (allowed: description, parameters, partitions, standbyReplicas, state, sources, tables, stages, sinks, tracing, replicas, scaling and 8 more)',
  ]);
});

test('what YAML calls numbers, texts and times stays what the schema says', () => {
  expect(complaints(`  sources: [{ name: 1, file: { path: 2013-01-01 } }]\n`)).toEqual([
    '5:21 spec.sources[0].name: must be lower-case letters, digits and dashes, start with a letter, and have at most 63 characters; found 1',
  ]);
  expect(complaints(`${SOURCE}  description: 7\n`)).toEqual(['6:16 spec.description: must be a text, found 7 (put it in quotes: "7")']);
});

test('W3 a duration that is a number, or missing, is told what a duration is: in quotes it would be none either', () => {
  const stages = (dedupe: string): string => `${SOURCE}  stages: [{ name: w, from: s, keyBy: event.id, dedupe: ${dedupe} }]\n`;
  const form = 'must be a duration such as 250ms, 10s, 1h30m or 3d';
  const at = 'spec.stages[0].dedupe.ttl:';
  expect(complaints(stages('{ ttl: 10 }'))).toEqual([expect.stringContaining(`${at} ${form}; found 10`)]);
  expect(complaints(stages('{}'))).toEqual([expect.stringContaining(`${at} is missing (${form})`)]);
});
