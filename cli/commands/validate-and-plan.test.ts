import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { exitCodes } from '../exit-codes.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FLIGHTS = 'examples/flights/stream-job.yaml';
const TWENTY = 'test/fixtures/declarations/twenty-mistakes.yaml';
const WARNINGS = 'test/fixtures/declarations/warnings.yaml';

function millrace(...args: readonly string[]): { readonly code: number | null; readonly out: string; readonly err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['cli/main.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 100_000,
  });
  return { code: status, out: stdout, err: stderr };
}

describe('millrace validate', () => {
  test('a file without mistakes', () => {
    expect(millrace('validate', FLIGHTS)).toEqual({ code: exitCodes.ok, out: `${FLIGHTS}: ok, job flights\n`, err: '' });
  });

  test('all files are checked, each with all its mistakes; one with mistakes decides the exit code', () => {
    const { code, out } = millrace('validate', TWENTY, FLIGHTS, WARNINGS);
    expect(code).toBe(exitCodes.declaration);
    const lines = out.split('\n');
    expect(lines.filter((line) => /^\S.*: /.test(line))).toEqual([
      `${TWENTY}: 23 mistakes`,
      `${FLIGHTS}: ok, job flights`,
      `${WARNINGS}: ok, job warnings, 8 warnings`,
    ]);
    expect(lines.filter((line) => /^ {2}\d+:\d+ spec|^ {2}\d+:\d+ metadata/.test(line))).toHaveLength(23);
    expect(lines.filter((line) => line.startsWith('  warning '))).toHaveLength(8);
  });

  test('a value for a parameter changes what is checked', () => {
    expect(millrace('validate', FLIGHTS, '--set', 'out-of-order=4 days').out).toContain(
      'spec.sources[0].eventTime.maxOutOfOrder: must be a duration such as 250ms, 10s, 1h30m or 3d; found "4 days"',
    );
  });

  test('as JSON, with places', () => {
    const { code, out } = millrace('validate', '--json', TWENTY);
    const [report] = JSON.parse(out) as { valid: boolean; mistakes: Record<string, unknown>[] }[];
    expect(code).toBe(exitCodes.declaration);
    expect(report?.valid).toBe(false);
    expect(report?.mistakes[0]).toMatchObject({ path: 'metadata.name', line: 3, column: 19 });
  });

  test('a file that is not there hides nothing about the others', () => {
    const { code, out } = millrace('validate', 'no-such-file.yaml', FLIGHTS);
    expect(code).toBe(exitCodes.environment);
    expect(out).toMatch(/no-such-file\.yaml: 1 mistake\n {2}\(root\): cannot be read: .*ENOENT.*\n.*flights\/stream-job\.yaml: ok/);
  });
});

describe('millrace plan', () => {
  test.each([
    { fact: 'as text', args: [], begins: 'job flights: 4 stages with 25 partitions, 10 sinks, 6 streams\n' },
    { fact: 'as JSON', args: ['--json'], begins: '{\n  "job": "flights"' },
    { fact: 'as a drawing', args: ['--mermaid'], begins: 'flowchart LR\n' },
  ])('$fact', ({ args, begins }) => {
    const { code, out } = millrace('plan', FLIGHTS, ...args);
    expect(code).toBe(exitCodes.ok);
    expect(out.slice(0, begins.length)).toBe(begins);
  });

  test('of a file with mistakes tells them instead', () => {
    const { code, out, err } = millrace('plan', TWENTY);
    expect({ code, out }).toEqual({ code: exitCodes.declaration, out: '' });
    expect(err.split('\n')[0]).toBe(`${TWENTY}: 23 mistakes`);
  });

  test('in two forms at once is refused', () => {
    expect(millrace('plan', FLIGHTS, '--json', '--mermaid').code).toBe(exitCodes.declaration);
  });
});
