// `npm run sim -- --seed N [--seeds COUNT] [--of faults | revisions | pools | savepoints | redrives | standbys | bootstrap | sides | clocks |
// windows | feedback | standbys-revisions | standbys-savepoints | NAME of other-jobs.ts] [--standbys]`: simulated runs from that seed on, told
// as they happen; 1 when one is wrong. With --standbys another worker follows each partition of a job of other-jobs.ts.
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { OTHER_JOBS } from './other-jobs.ts';
import { simulatePools } from './pools.ts';
import { simulateRedrives } from './redrives.ts';
import { simulateRevisions } from './revisions.ts';
import { simulateSavepoint } from './savepoints.ts';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    of: { type: 'string', default: 'faults' },
    standbys: { type: 'boolean', default: false },
  },
});
const simulations = {
  'standbys-revisions': (seed: number) => simulateRevisions(seed, { faults: true, standbys: true }),
  'standbys-savepoints': (seed: number) => simulateSavepoint(seed, { kills: true, standbyReplicas: 1 }),
  revisions: (seed: number) => simulateRevisions(seed, { faults: true }),
  pools: (seed: number) => simulatePools(seed, { faults: true }),
  savepoints: (seed: number) => simulateSavepoint(seed, { kills: true }),
  redrives: (seed: number) => simulateRedrives(seed),
};
const first = Number(values.seed);
const isAlone = values.seeds === '1';

for (let seed = first; seed < first + Number(values.seeds); seed++) {
  if (!['faults', 'standbys'].includes(values.of) && !(values.of in OTHER_JOBS)) {
    const { problems, story } = await simulations[values.of as keyof typeof simulations](seed);
    if (isAlone || problems.length > 0) for (const line of story) console.log(line);
    for (const problem of problems) console.log(`PROBLEM ${problem}`);
    console.log(`seed ${seed}: ${problems.length === 0 ? 'right' : 'WRONG'}`);
    if (problems.length > 0) process.exitCode = 1;
    continue;
  }
  const { found, expected, problems, counts, story } = await simulate(seed, {
    standbyReplicas: values.of === 'standbys' || values.standbys ? 1 : 0,
    ...(values.of in OTHER_JOBS ? { job: OTHER_JOBS[values.of as keyof typeof OTHER_JOBS] } : {}),
  });
  const isRight = problems.length === 0 && isDeepStrictEqual(found, expected);
  if (isAlone || !isRight) for (const line of story) console.log(line);
  for (const problem of problems) console.log(`PROBLEM ${problem}`);
  for (const name of ['windows', 'counts', 'totals', 'rated'] as const) tellDifference(name, found[name], expected[name]);
  console.log(`seed ${seed}: ${isRight ? 'right' : 'WRONG'} ${JSON.stringify(counts)}`);
  if (!isRight) process.exitCode = 1;
}

function tellDifference(name: string, found: readonly string[], expected: readonly string[]): void {
  const [known, wanted] = [new Set(found), new Set(expected)];
  for (const line of expected) if (!known.has(line)) console.log(`${name} lacks ${line}`);
  for (const line of found) if (!wanted.has(line)) console.log(`${name} has too much ${line}`);
  if (found.length !== known.size) console.log(`${name} has ${found.length - known.size} lines twice`);
}
