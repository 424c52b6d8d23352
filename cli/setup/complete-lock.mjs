// Completes package-lock.json with the platform packages that it lacks: `node cli/setup/complete-lock.mjs`.
//
// A registry that holds only some platforms' packages makes npm write a lock file without the others, and `npm ci` then
// refuses that file everywhere. What is added has no integrity: this machine can't know it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryFolder } from './node-runtime.mjs';

/**
 * @typedef {{ version?: string, dev?: boolean, optional?: boolean, optionalDependencies?: Record<string, string>,
 *   os?: string[], cpu?: string[], libc?: string[] }} Locked
 * @typedef {Record<string, Locked>} LockedPackages
 */

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

/**
 * The optional dependencies that no entry of the lock file stands for, as entries to add.
 * @param {LockedPackages} packages
 * @returns {LockedPackages}
 */
export function missingPlatforms(packages) {
  /** @type {LockedPackages} */
  const missing = {};
  for (const [path, parent] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const isThere = packages[`node_modules/${name}`] !== undefined || packages[`${path}/node_modules/${name}`] !== undefined;
      if (isThere) continue;
      // A range is no platform package of an exact version, so nothing can be said about it.
      if (!/^\d+\.\d+\.\d+$/.test(version)) continue;
      missing[`node_modules/${name}`] = { version, ...platformOf(name), ...(parent.dev === true ? { dev: true } : {}), optional: true };
    }
  }
  return missing;
}

/** @param {string} name `@oxlint/binding-linux-arm64-musl` */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const system = systems.find((one) => words.includes(one));
  const processor = processors.find((one) => words.includes(one));
  const libc = words.includes('musl') ? 'musl' : words.includes('gnu') ? 'glibc' : undefined;
  return {
    ...(processor === undefined ? {} : { cpu: [processor] }),
    ...(libc === undefined ? {} : { libc: [libc] }),
    ...(system === undefined ? {} : { os: [system] }),
  };
}

function main() {
  const path = join(repositoryFolder, 'package-lock.json');
  const lock = JSON.parse(readFileSync(path, 'utf8'));
  const missing = missingPlatforms(lock.packages);
  const all = Object.entries({ ...lock.packages, ...missing });
  lock.packages = Object.fromEntries(all.sort(([a], [b]) => a.localeCompare(b, 'en')));
  if (Object.keys(missing).length > 0) writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`package-lock.json: ${Object.keys(missing).length} platform packages added`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main();
