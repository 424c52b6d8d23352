// `npm run sim -- --seed N [--seeds COUNT] [--of KIND]`: simulated runs from that seed on, told as they happen; 1 when one is wrong.
//
// KIND: faults, standbys, revisions, pools, savepoints, redrives, standbys-revisions, standbys-savepoints; or the name of a job of
// other-jobs.ts, of which --standbys has another worker follow each partition, and --on revisions | savepoint has it declared anew while it
// works, or go on from a savepoint under another name.
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { simulateRevisionsOf, simulateSavepointOf } from './going-on.ts';
import { OTHER_JOBS } from './other-jobs.ts';
import { simulatePools } from './pools.ts';
import { simulateRedrives } from './redrives.ts';
import { simulateRevisions } from './revisions.ts';
import { simulateSavepoint } from './savepoints.ts';
import { RESULTS } from './sim-job.ts';
import { simulate } from './simulate.ts';

type Told = { readonly problems: readonly string[]; readonly story: readonly string[] };

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    of: { type: 'string', default: 'faults' },
    on: { type: 'string' },
    standbys: { type: 'boolean', default: false },
  },
});
const simulations: Readonly<Record<string, (seed: number) => Promise<Told>>> = {
  'standbys-revisions': (seed) => simulateRevisions(seed, { faults: true, standbys: true }),
  'standbys-savepoints': (seed) => simulateSavepoint(seed, { kills: true, standbyReplicas: 1 }),
  revisions: (seed) => simulateRevisions(seed, { faults: true }),
  pools: (seed) => simulatePools(seed, { faults: true }),
  savepoints: (seed) => simulateSavepoint(seed, { kills: true }),
  redrives: (seed) => simulateRedrives(seed),
};
const ways = { revisions: simulateRevisionsOf, savepoint: simulateSavepointOf };
const standbyReplicas = values.of === 'standbys' || values.standbys ? 1 : 0;
const job = values.of in OTHER_JOBS ? OTHER_JOBS[values.of as keyof typeof OTHER_JOBS] : null;
const first = Number(values.seed);
const isAlone = values.seeds === '1';

for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const told = await play(seed);
  if (isAlone || told.problems.length > 0) for (const line of told.story) console.log(line);
  for (const problem of told.problems) console.log(`PROBLEM ${problem}`);
  console.log(`seed ${seed}: ${told.problems.length === 0 ? 'right' : 'WRONG'} ${told.note}`);
  if (told.problems.length > 0) process.exitCode = 1;
}

async function play(seed: number): Promise<Told & { readonly note: string }> {
  if (job !== null && values.on !== undefined) {
    const going = await ways[values.on as keyof typeof ways](job, seed, { standbyReplicas });
    return { ...going, note: going.isAmidst ? 'amidst' : '' };
  }
  const known = simulations[values.of];
  if (known !== undefined) return { ...(await known(seed)), note: '' };
  const run = await simulate(seed, { standbyReplicas, ...(job === null ? {} : { job }) });
  const isRight = isDeepStrictEqual(run.found, run.expected);
  const wrong = isRight ? [] : RESULTS.flatMap((name) => differences(name, run.found[name], run.expected[name]));
  const problems = [...run.problems, ...wrong, ...(isRight || wrong.length > 0 ? [] : ['the results are others'])];
  return { problems, story: run.story, note: JSON.stringify(run.counts) };
}

function differences(name: string, found: readonly string[], expected: readonly string[]): readonly string[] {
  const [known, wanted] = [new Set(found), new Set(expected)];
  return [
    ...expected.filter((line) => !known.has(line)).map((line) => `${name} lacks ${line}`),
    ...found.filter((line) => !wanted.has(line)).map((line) => `${name} has too much ${line}`),
    ...(found.length === known.size ? [] : [`${name} has ${found.length - known.size} lines twice`]),
  ];
}
