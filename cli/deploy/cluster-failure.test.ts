import { expect, test } from 'vitest';
import type { KubeFailure } from '../../operator/kube/kube-result.ts';
import { reportFailure } from '../report-failure.ts';
import { clusterFailure } from './cluster-failure.ts';

const invalid = (told: string): KubeFailure => ({
  kind: 'refused',
  code: 422,
  reason: 'Invalid',
  message: `StreamJob.millrace.dev "a" is invalid: ${told}`,
});

type Case = { fact: string; failure: KubeFailure; code: number; says: readonly string[] };
test.each<Case>([
  {
    fact: 'no answer is the environment',
    failure: { kind: 'absent', reason: 'ECONNREFUSED', retryAfterMs: null },
    code: 3,
    says: ['MR1021', 'ECONNREFUSED'],
  },
  {
    fact: 'a missing kind says how to get it',
    failure: { kind: 'not-found', message: 'the server could not find the requested resource' },
    code: 3,
    says: ['MR1023', 'helm install'],
  },
  {
    fact: 'fields of another manager are named',
    failure: { kind: 'conflict', reason: 'Conflict', message: 'conflict with "kubectl": .spec.replicas' },
    code: 3,
    says: ['MR1024', '.spec.replicas', '--force'],
  },
  {
    fact: 'a right that is missing is the environment',
    failure: { kind: 'refused', code: 403, reason: 'Forbidden', message: 'User "x" cannot patch' },
    code: 3,
    says: ['MR1022', 'cannot patch'],
  },
  {
    fact: 'what the API server says of the object is a mistake in it, without an echo of the whole object',
    failure: invalid('spec.sinks[0]: Invalid value: "object": sink "b" writes a file'),
    code: 2,
    says: ['1 mistake', '\n  spec.sinks[0]: sink "b" writes a file\n'],
  },
  {
    fact: 'each field is a line of its own',
    failure: invalid(
      '[spec.replicas: Invalid value: -1: should be at least 0, spec.sources: Required value, spec.x: Invalid value: {"a":[1,2]}: is odd, and more]',
    ),
    code: 2,
    says: [
      '3 mistakes',
      '\n  spec.replicas: Invalid value: -1: should be at least 0\n',
      '\n  spec.sources: Required value\n',
      '\n  spec.x: is odd, and more\n',
    ],
  },
  {
    fact: 'another sentence is told as it is',
    failure: {
      kind: 'refused',
      code: 400,
      reason: 'BadRequest',
      message: 'StreamJob in version "v1alpha1" cannot be handled as a StreamJob: strict decoding error: unknown field "spec.form"',
    },
    code: 2,
    says: ['unknown field "spec.form"'],
  },
])('$fact', ({ failure, code, says }) => {
  let written = '';
  expect(reportFailure(clusterFailure(failure, 'apply StreamJob demo/a'), { write: (text) => (written += text) }, {})).toBe(code);
  for (const part of [...says, 'apply StreamJob demo/a']) expect(written).toContain(part);
});
