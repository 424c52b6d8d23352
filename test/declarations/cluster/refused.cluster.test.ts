// Bad StreamJobs and StreamSavepoints, held against a real API server: each is refused, with words that help.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { admissionRules } from '../../../crds/stream-job/admission.ts';
import { streamJobRules } from '../../../crds/stream-job/rules.ts';
import { streamSavepointRules } from '../../../crds/stream-savepoint/rules.ts';
import { callApi, refusalOf } from '../../support/api-request.ts';
import { startApiServer, type ApiServer } from '../../support/api-server.ts';
import { applyDefinitions } from '../../support/definitions.ts';
import { changes } from './refused/changes.ts';
import { connectors } from './refused/connectors.ts';
import { feedback } from './refused/feedback.ts';
import { hostile } from './refused/hostile.ts';
import { names } from './refused/names.ts';
import { shape } from './refused/shape.ts';
import { stages } from './refused/stages.ts';
import { tables } from './refused/tables.ts';
import type { Manifest } from './sample.ts';

const refused = [...shape, ...names, ...connectors, ...stages, ...tables, ...feedback, ...hostile];
let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer();
  await applyDefinitions(server);
});
afterAll(() => server?.stop());

test.each(refused)('$fact', async ({ object, says }) => {
  const refusal = await create(object);
  for (const words of [says].flat()) expect(refusal).toContain(words);
});

test.each(changes)('$fact', async ({ before, after, says }) => {
  const { name } = before.metadata as { name: string };
  expect(await create(before)).toBeNull();
  const refusal = refusalOf(
    await callApi(server, { method: 'PUT', path: `${pathOf(before)}/${name}?fieldValidation=Strict`, body: await changed(before, after) }),
  );
  expect((await callApi(server, { method: 'DELETE', path: `${pathOf(before)}/${name}` })).status).toBe(200);
  if (says === null) expect(refusal).toBeNull();
  else for (const words of [says].flat()) expect(refusal).toContain(words);
});

test('what was refused is not there', async () => {
  for (const kind of ['StreamJob', 'StreamSavepoint'])
    expect((await callApi(server, { method: 'GET', path: pathOf({ kind }) })).body).toMatchObject({ items: [] });
});

test('every rule has a row that it refuses', () => {
  const said = [...refused, ...changes].flatMap(({ says }) => (says === null ? [] : [says].flat()));
  const rules = [...streamJobRules, ...streamSavepointRules, ...admissionRules];
  const without = rules.filter(
    ({ message, messageExpression = '' }) => !said.some((words) => `${message} ${messageExpression}`.includes(words)),
  );
  expect(without.map(({ message }) => message)).toEqual([]);
  expect(refused.length).toBeGreaterThan(100);
});

test('facts differ', () => {
  const facts = refused.map(({ fact }) => fact);
  expect(facts.filter((fact, at) => facts.indexOf(fact) !== at)).toEqual([]);
});

async function create(object: Manifest): Promise<string | null> {
  return refusalOf(await callApi(server, { method: 'POST', path: `${pathOf(object)}?fieldValidation=Strict`, body: object }));
}

/** The stored object with another spec: an update that nobody else's came between. */
async function changed(before: Manifest, after: Manifest): Promise<unknown> {
  const { body } = await callApi(server, { method: 'GET', path: `${pathOf(before)}/${String(before.metadata['name'])}` });
  return { ...(body as object), spec: after.spec };
}

function pathOf({ kind }: Pick<Manifest, 'kind'>): string {
  return `/apis/millrace.dev/v1alpha1/namespaces/default/${kind === 'StreamSavepoint' ? 'streamsavepoints' : 'streamjobs'}`;
}
