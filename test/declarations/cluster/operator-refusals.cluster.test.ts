// What the API server cannot see and takes, the operator refuses: the same words as `millrace validate`.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseJob } from '../../../operator/reconcile/declared.ts';
import { startApiServer, type ApiServer } from '../../support/api-server.ts';
import { callApi, refusalOf } from '../../support/api-request.ts';
import { applyDefinitions } from '../../support/definitions.ts';
import { accepted } from './accepted.ts';
import { operatorRefusals } from './operator-refusals.ts';
import type { Manifest } from './sample.ts';

const jobs = '/apis/millrace.dev/v1alpha1/namespaces/default/streamjobs';
let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer();
  await applyDefinitions(server);
});
afterAll(() => server?.stop());

test.each(operatorRefusals)('$fact: taken by the API server, refused by the operator', async ({ name, yaml, says }) => {
  const applied = await server.kubectl(['apply', '--server-side', '--validate=strict', '-f', '-'], yaml);
  expect(applied.stderr).toBe('');
  const parsed = await stored(name);
  expect(parsed.kind).toBe('invalid');
  if (parsed.kind === 'invalid') expect(parsed.issues.map(({ message }) => message).join('\n')).toContain(says);
});

test.each(accepted.filter(({ object }) => object.kind === 'StreamJob' && isMeantToRun(object)))(
  '$fact: taken by both',
  async ({ object }) => {
    const name = String(object.metadata['name']);
    expect(refusalOf(await callApi(server, { method: 'POST', path: `${jobs}?fieldValidation=Strict`, body: object }))).toBeNull();
    expect(await stored(name)).toMatchObject({ kind: 'job' });
    await callApi(server, { method: 'DELETE', path: `${jobs}/${name}` });
  },
);

test('names differ', () => {
  expect(new Set(operatorRefusals.map(({ name }) => name)).size).toBe(operatorRefusals.length);
});

/** Rows that try one field only have expressions of no sense. */
function isMeantToRun({ spec }: Manifest): boolean {
  return (spec as { readonly description?: unknown }).description !== undefined;
}

/** What the operator makes of the job, as it lies in the API server. */
async function stored(name: string): Promise<ReturnType<typeof parseJob>> {
  const { body } = await callApi(server, { method: 'GET', path: `${jobs}/${name}` });
  const { metadata, spec } = body as { metadata: { name: string; namespace: string }; spec: Record<string, unknown> };
  return parseJob({ ...metadata, spec } as never);
}
