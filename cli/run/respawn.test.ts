import { expect, test } from 'vitest';
import { Respawn } from './respawn.ts';

/** `d` place 0 dies, `D` place 1 dies, `x` place 0 dies while the server is away, `k` somebody kills it, `c` a worker commits, `.` a worker reports without having committed; each a second after the one before. */
test.each<{ fact: string; life: string; verdicts: (number | 'give-up')[] }>([
  { fact: 'the pause doubles, up to a limit', life: 'ddddddd', verdicts: [300, 600, 1200, 2400, 4800, 5000, 5000] },
  {
    fact: 'the eighth death in a row without a commit is the end',
    life: 'dddddddd',
    verdicts: [300, 600, 1200, 2400, 4800, 5000, 5000, 'give-up'],
  },
  {
    fact: 'however long a worker takes to start, within a minute',
    life: `d${'.'.repeat(50)}`.repeat(8),
    verdicts: [300, 600, 1200, 2400, 4800, 5000, 5000, 'give-up'],
  },
  { fact: 'a commit starts the counting over', life: 'dddcddd', verdicts: [300, 600, 1200, 300, 600, 1200] },
  { fact: 'a report of a worker that stored nothing since changes nothing', life: 'cd.d.d', verdicts: [300, 600, 1200] },
  { fact: 'each place has its own count', life: 'dddDdDD', verdicts: [300, 600, 1200, 300, 2400, 600, 1200] },
  {
    fact: 'deaths while the server is away never end a run',
    life: 'xxxxxxxxxd',
    verdicts: [300, 600, 1200, 2400, 4800, 5000, 5000, 5000, 5000, 5000],
  },
  {
    fact: 'a worker that somebody kills is replaced at once, however often',
    life: 'kkkkkkkkkkd',
    verdicts: new Array<number>(11).fill(300),
  },
  {
    fact: 'deaths that are a minute apart never end a run',
    life: `ddddddd${'.'.repeat(60)}d`,
    verdicts: [300, 600, 1200, 2400, 4800, 5000, 5000, 5000],
  },
])('$fact', ({ life, verdicts }) => {
  const respawn = new Respawn();
  let commits = 0;
  const found = [...life].flatMap((sign, second) => {
    if (sign === 'c' || sign === '.') respawn.heard('w0', (commits += sign === 'c' ? 1 : 0));
    if (sign === 'c' || sign === '.') return [];
    const verdict = respawn.died(sign === 'D' ? 1 : 0, { nowMs: second * 1000, isServerUp: sign !== 'x', isKilled: sign === 'k' });
    return [verdict.kind === 'replace' ? verdict.pauseMs : verdict.kind];
  });
  expect(found).toEqual(verdicts);
});
