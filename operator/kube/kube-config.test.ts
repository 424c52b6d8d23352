// Where a connection comes from. Files are real; nothing is asked of a server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isError } from '../../runtime/base/errors.ts';
import { kubeConnectionFromText, loadKubeConnection } from './kube-config.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-kubeconfig-'));
  vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const text = (name: string, user: object, cluster: object = {}): string =>
  JSON.stringify({
    clusters: [{ name, cluster: { server: `https://${name}.example/`, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, ...(name === 'one' ? { namespace: 'here' } : {}) } }],
    'current-context': name,
  });

function write(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('a path that is given is used, whatever the environment says', () => {
  vi.stubEnv('KUBECONFIG', write('two', text('two', {})));
  expect(loadKubeConnection({ kubeconfig: write('one', text('one', {})) })).toMatchObject({
    server: 'https://one.example',
    namespace: 'here',
    inCluster: false,
  });
});

test('of several files the first says which context is meant, and all may be chosen', () => {
  const paths = [write('one', text('one', {})), write('two', text('two', {})), join(folder, 'missing')];
  vi.stubEnv('KUBECONFIG', paths.join(delimiter));
  expect(loadKubeConnection().server).toBe('https://one.example');
  expect(loadKubeConnection({ context: 'two' })).toMatchObject({ server: 'https://two.example', namespace: 'default' });
});

test.each([
  { fact: 'a file that is not there', config: () => ({ kubeconfig: join(folder, 'missing') }), says: 'ENOENT' },
  { fact: 'a file that is no kubeconfig', config: () => ({ kubeconfig: write('bad', '{') }), says: 'cannot read the kubeconfig' },
  {
    fact: 'a context that is not there',
    config: () => ({ kubeconfig: write('one', text('one', {})), context: 'three' }),
    says: 'no context three',
  },
  {
    fact: 'a kubeconfig that chooses no context',
    config: () => ({ kubeconfig: write('none', '{"clusters":[]}') }),
    says: 'names no cluster',
  },
])('$fact is MR1001, with the path', ({ config, says }) => {
  const load = (): unknown => loadKubeConnection(config());
  expect(load).toThrow(says);
  expect(load).toThrow(folder);
  try {
    load();
  } catch (error) {
    expect(isError(error, 'MR1001')).toBe(true);
  }
});

test.each([
  { fact: 'a token', user: { token: 't' }, headers: { Authorization: 'Bearer t' } },
  { fact: 'a name and a password', user: { username: 'u', password: 'p' }, headers: { Authorization: 'Basic dTpw' } },
  { fact: 'whom to act as', user: { token: 't', as: 'other' }, headers: { Authorization: 'Bearer t', 'Impersonate-User': 'other' } },
])('$fact becomes a header', async ({ user, headers }) => {
  expect((await kubeConnectionFromText(text('one', user)).credentials()).headers).toEqual(headers);
});

test('certificates and their options reach TLS', async () => {
  const data = (value: string): string => Buffer.from(value).toString('base64');
  const user = { 'client-certificate-data': data('cert'), 'client-key-data': data('key') };
  const cluster = { 'certificate-authority-data': data('ca'), 'tls-server-name': 'kubernetes' };
  const { headers, ...tls } = await kubeConnectionFromText(text('one', user, cluster)).credentials();
  expect(headers).toEqual({});
  expect(tls).toEqual({ ca: Buffer.from('ca'), cert: Buffer.from('cert'), key: Buffer.from('key'), servername: 'kubernetes' });
});
