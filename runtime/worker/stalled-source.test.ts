import { expect, test } from 'vitest';
import { MillraceError } from '../base/errors.ts';
import { StalledSource } from './stalled-source.ts';

const MISSING = new MillraceError('MR2111', { stream: 'IN', consumer: 'MR_ns_job_x', problem: 'consumer not found (10014)' });

/** `-`: a second in which it is missing; `.`: in which it is there. What is said, by second, `!` while figures tell of it. */
function play(seconds: string): string {
  let nowMs = 0;
  const said: string[] = [];
  const source = new StalledSource({
    task: 'in/0',
    clock: { monotonicMs: () => nowMs },
    log: (line) => said.push(`${nowMs / 1_000} ${/^in\/0 (reads again, after \d+ s|reads nothing, for \d+ s now)/.exec(line)?.[1]}`),
  });
  for (const second of seconds) {
    source.look(second === '-' ? MISSING : null);
    expect(source.figures).toEqual(said.at(-1)?.includes('nothing') === true ? { stalled: MISSING.message } : {});
    nowMs += 1_000;
  }
  return said.join('; ');
}

test.each([
  { fact: 'what is over at once is not worth a word', seconds: '.-..-..', says: '' },
  {
    fact: 'what lasts is said once, and that it is over',
    seconds: '.------..',
    says: '3 reads nothing, for 2 s now; 7 reads again, after 6 s',
  },
  {
    fact: 'what goes on is said again each minute',
    seconds: `${'-'.repeat(130)}.`,
    says: '2 reads nothing, for 2 s now; 62 reads nothing, for 62 s now; 122 reads nothing, for 122 s now; 130 reads again, after 130 s',
  },
  {
    fact: 'what comes back is said again',
    seconds: '---.---.',
    says: '2 reads nothing, for 2 s now; 3 reads again, after 3 s; 6 reads nothing, for 2 s now; 7 reads again, after 3 s',
  },
])('$fact', ({ seconds, says }) => expect(play(seconds)).toBe(says));

test('a line says what happened, to what, the value seen, what is not lost, and what to do', () => {
  const lines: string[] = [];
  const source = new StalledSource({ task: 'in/0', clock: { monotonicMs: () => lines.length }, log: (line) => lines.push(line) });
  const late = new StalledSource({
    task: 'in/0',
    clock: {
      monotonicMs: (() =>
        (
          (at) => () =>
            (at += 5_000)
        )(0))(),
    },
    log: (line) => lines.push(line),
  });
  source.look(MISSING);
  for (let i = 0; i < 2; i++) late.look(MISSING);
  expect(lines).toEqual([
    'in/0 reads nothing, for 5 s now: MR2111 ConsumerMissing: consumer MR_ns_job_x of stream IN is not there: consumer not found (10014); ' +
      'nothing is lost, the messages stay in the stream (The operator makes it again within 10 s: see that it runs and reaches NATS. Removed ' +
      'again and again: see who removes consumers of that stream.)',
  ]);
});
