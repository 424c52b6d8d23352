// Who may import whom: the import rules of ARCHITECTURE.md as a table, and what breaks them.
import { isTest, type Import, type SourceFile } from './source-files.ts';

type Rule = {
  /** Rooms whose code it may run. */
  readonly values: readonly string[];
  /** Rooms of which it may know the types only: ports that it is given, forms of what it is handed. */
  readonly types?: readonly string[];
};

/** Node's modules that compute and do nothing else. */
const pureModules = ['node:buffer', 'node:crypto', 'node:path', 'node:util', 'node:zlib'];

/** Rooms without I/O, clock, chance or timers. */
export const pureRooms = ['base', 'event', 'time', 'state', 'transforms', 'expression', 'job', 'plan', 'journal', 'telemetry', 'task'].map(
  (name) => `runtime/${name}`,
);

const rules: Readonly<Record<string, Rule>> = {
  crds: { values: [] },
  'runtime/base': { values: [] },
  'runtime/event': { values: ['runtime/base'], types: ['crds'] },
  'runtime/time': { values: ['runtime/base', 'runtime/event'], types: ['runtime/transforms'] },
  'runtime/state': { values: ['runtime/base', 'runtime/event', 'runtime/time'], types: ['runtime/transforms'] },
  'runtime/expression': { values: ['runtime/base'], types: ['crds'] },
  'runtime/transforms': {
    values: ['runtime/base', 'runtime/event', 'runtime/time', 'runtime/state', 'runtime/expression', 'runtime/telemetry'],
    types: ['crds', 'runtime/plan', 'runtime/job'],
  },
  'runtime/job': { values: ['crds', 'runtime/base', 'runtime/expression'], types: ['runtime/transforms'] },
  'runtime/plan': {
    values: ['crds', 'runtime/base', 'runtime/expression', 'runtime/job'],
    types: ['runtime/connectors', 'runtime/transforms'],
  },
  'runtime/journal': { values: ['runtime/base', 'runtime/event'], types: ['runtime/connectors', 'runtime/plan'] },
  'runtime/telemetry': {
    values: ['runtime/base', 'runtime/event', 'runtime/time', 'runtime/plan'],
    types: ['runtime/worker', 'runtime/journal'],
  },
  'runtime/task': {
    values: [
      'runtime/base',
      'runtime/event',
      'runtime/time',
      'runtime/state',
      'runtime/transforms',
      'runtime/journal',
      'runtime/plan',
      'runtime/telemetry',
    ],
    types: ['runtime/connectors'],
  },
  'runtime/connectors': {
    values: ['runtime/base', 'runtime/event', 'runtime/transforms', 'runtime/plan', 'runtime/adapters'],
    types: ['crds', 'runtime/journal'],
  },
  'runtime/worker': {
    values: ['runtime/base', 'runtime/event', 'runtime/state', 'runtime/task', 'runtime/journal', 'runtime/plan', 'runtime/telemetry'],
    types: ['runtime/connectors', 'runtime/transforms'],
  },
  'runtime/adapters': {
    values: ['runtime/base', 'runtime/event', 'runtime/job', 'runtime/plan', 'runtime/telemetry'],
    types: ['crds', 'runtime/journal', 'runtime/worker'],
  },
  'runtime/testing': { values: ['crds', 'runtime'] },
  'runtime/client': { values: ['crds', 'runtime'] },
  'runtime/pod': { values: ['crds', 'runtime'] },
  runtime: { values: ['crds', 'runtime'] },
  'operator/resources': { values: [], types: ['crds'] },
  'operator/autoscaler': { values: ['crds', 'runtime/base'], types: ['runtime/worker'] },
  'operator/lifecycle': {
    values: ['crds', 'runtime/base', 'runtime/plan', 'operator/resources'],
    types: ['runtime/worker', 'runtime/telemetry', 'operator/kube', 'operator/autoscaler'],
  },
  'operator/reconcile': {
    values: [
      'crds',
      'runtime/base',
      'runtime/job',
      'runtime/plan',
      'operator/autoscaler',
      'operator/lifecycle',
      'operator/resources',
      'operator/kube',
    ],
    types: ['runtime/worker', 'runtime/telemetry'],
  },
  'operator/kube': { values: ['runtime/base'] },
  'operator/nats': {
    values: ['crds', 'runtime', 'operator/lifecycle'],
    types: ['operator/reconcile', 'operator/kube', 'operator/autoscaler'],
  },
  'operator/console': {
    values: ['crds', 'runtime', 'console', 'operator/kube', 'operator/nats', 'operator/reconcile'],
    types: ['operator'],
  },
  'operator/http': { values: [], types: ['runtime/telemetry'] },
  'operator/helm-test': { values: ['operator/kube', 'runtime/base', 'runtime/adapters'], types: ['crds'] },
  operator: { values: ['crds', 'runtime', 'operator', 'console'] },
  images: { values: ['cli', 'console'] },
  cli: { values: ['crds', 'runtime', 'package.json', 'operator/kube', 'console'] },
  console: { values: ['crds', 'runtime'] },
  examples: { values: ['runtime'] },
};

/** Packages that have rooms of their own; all others may be used anywhere outside of tests' own ones. */
const packageRooms: Readonly<Record<string, readonly string[]>> = {
  '@opentelemetry': ['runtime/adapters/otel'],
  '@nats-io': ['runtime/adapters/nats', 'runtime/connectors', 'operator/nats', 'cli'],
  '@kubernetes/client-node': ['operator/kube'],
  esbuild: ['images', 'cli/deploy', 'console'],
  react: ['console/page'],
  'react-dom': ['console/page'],
  '@xyflow/react': ['console/page'],
  '@dagrejs/dagre': ['console/page'],
  uplot: ['console/page'],
  xstate: ['runtime/transforms/actor'],
  '@marcbachmann/cel-js': ['runtime/expression'],
  yaml: ['crds', 'runtime/job', 'cli', 'operator/console'],
  zod: ['crds', 'runtime/job'],
  msgpackr: ['runtime/journal', 'runtime/state'],
  commander: ['cli'],
  vitest: ['vitest.config.ts'],
  'fast-check': [],
  millrace: ['examples'],
};
/** Types of these packages that other rooms may name: what a user hands to the builder. */
const packageTypeRooms: Readonly<Record<string, readonly string[]>> = {
  xstate: ['runtime/job'],
  '@nats-io': ['runtime/connectors', 'runtime/client', 'runtime/pod', 'cli'],
};

/** Files beside the code that only tests use: drawn time, samples, contracts. */
export function isTestSupport(path: string): boolean {
  return /-(drawing|sample|harness|contract)\.ts$/.test(path);
}

/** What is wrong with the imports of a file, one sentence each. Tests may import anything. */
export function importProblems(file: SourceFile): readonly string[] {
  if (isTest(file.path) || isTestSupport(file.path)) return [];
  return file.imports.flatMap((one) => {
    const problem = one.isOurs ? ourProblem(file.path, one) : moduleProblem(file.path, one);
    return problem === null ? [] : [`${file.path}: ${problem}`];
  });
}

/** The room of a file: `runtime/plan`, `operator/kube`; `runtime` for files directly there; the first folder elsewhere. */
export function roomOf(path: string): string {
  const parts = path.split('/');
  if ((parts[0] === 'runtime' || parts[0] === 'operator') && parts.length > 2) return `${parts[0]}/${parts[1]}`;
  return parts[0] ?? '';
}

function ourProblem(path: string, { target, isTypeOnly }: Import): string | null {
  if (isTest(target) || isTestSupport(target)) return `imports ${target}, which only tests may`;
  const [room, other] = [roomOf(path), roomOf(target)];
  if (room === other) return null;
  const rule = rules[room];
  if (rule === undefined) return `lies in ${room}, a room without a rule (test/tidy/import-rules.ts)`;
  if (isWithin(other, rule.values)) return null;
  if (isWithin(other, rule.types ?? []))
    return isTypeOnly ? null : `imports ${target}; ${room} may import types only from there (\`import type\`)`;
  return `imports ${target}; ${room} may import ${rule.values.join(', ') || 'nothing of ours'}`;
}

function moduleProblem(path: string, { target, isTypeOnly }: Import): string | null {
  if (target.startsWith('node:')) {
    if (!pureRooms.includes(roomOf(path)) || pureModules.includes(target)) return null;
    return `imports ${target}; this room is pure`;
  }
  const scope = ['@nats-io', '@opentelemetry'].find((one) => target.startsWith(`${one}/`));
  const name =
    scope !== undefined
      ? scope
      : target
          .split('/')
          .slice(0, target.startsWith('@') ? 2 : 1)
          .join('/');
  const rooms = [...(packageRooms[name] ?? []), ...(isTypeOnly ? (packageTypeRooms[name] ?? []) : [])];
  if (packageRooms[name] === undefined) return `imports ${name}, a package without a room (test/tidy/import-rules.ts)`;
  return isWithin(path, rooms) ? null : `imports ${name}, which belongs to ${rooms.join(', ') || 'tests'}`;
}

function isWithin(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

/** The first cycle among files that run each other's code when they are loaded, or null. */
export function firstCycle(files: readonly SourceFile[]): readonly string[] | null {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const visit = (path: string, above: readonly string[]): readonly string[] | null => {
    if (above.includes(path)) return [...above.slice(above.indexOf(path)), path];
    if (done.has(path)) return null;
    for (const one of byPath.get(path)?.imports ?? []) {
      if (!one.isOurs || one.isTypeOnly || one.isLazy) continue;
      const cycle = visit(one.target, [...above, path]);
      if (cycle !== null) return cycle;
    }
    done.add(path);
    return null;
  };
  for (const file of files) {
    const cycle = visit(file.path, []);
    if (cycle !== null) return cycle;
  }
  return null;
}
