import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { missingPlatforms } from './complete-lock.mjs';
import { packagesProblem } from './packages.mjs';

const zod = { version: '4.0.0', integrity: 'sha512-a' };
const mac = { version: '1.0.0', integrity: 'sha512-m', optional: true };

test.each([
  { fact: 'what is locked is installed', installed: { 'node_modules/zod': zod }, problem: null },
  { fact: 'a package added by hand does not matter', installed: { 'node_modules/zod': zod, 'node_modules/more': zod }, problem: null },
  { fact: 'nothing is installed', installed: null, problem: 'nothing is installed' },
  { fact: 'a package is missing', installed: {}, problem: 'node_modules/zod is missing' },
  {
    fact: 'a package has another version',
    installed: { 'node_modules/zod': { ...zod, version: '3.9.9' } },
    problem: 'node_modules/zod is 3.9.9, locked is 4.0.0',
  },
  {
    fact: 'a package has other content',
    installed: { 'node_modules/zod': { ...zod, integrity: 'sha512-b' } },
    problem: 'node_modules/zod is 4.0.0, locked is 4.0.0',
  },
])('$fact: $problem', ({ installed, problem }) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-packages-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    const locked = { '': { name: 'x' }, 'node_modules/zod': zod, 'node_modules/mac': mac };
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages: locked }));
    if (installed !== null) writeFileSync(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
    expect(packagesProblem(folder)).toBe(problem);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('platform packages that the lock file lacks are completed from their names', () => {
  const packages = {
    'node_modules/tool': {
      version: '1.0.0',
      dev: true,
      optionalDependencies: { '@tool/linux-arm64-musl': '1.0.0', '@tool/darwin-x64': '1.0.0', there: '1.0.0' },
    },
    'node_modules/there': { version: '1.0.0' },
  };
  expect(missingPlatforms(packages)).toEqual({
    'node_modules/@tool/linux-arm64-musl': { version: '1.0.0', cpu: ['arm64'], libc: ['musl'], os: ['linux'], dev: true, optional: true },
    'node_modules/@tool/darwin-x64': { version: '1.0.0', cpu: ['x64'], os: ['darwin'], dev: true, optional: true },
  });
});
