import { expect, test } from 'vitest';
import { MillraceError } from '../runtime/base/errors.ts';
import { BadDeclaration } from '../runtime/base/issues.ts';
import { reportFailure } from './report-failure.ts';

const missing = new MillraceError('MR1001', { path: 'a.csv', problem: 'it is not there' }, new Error('ENOENT'));
const unreachable = new MillraceError('MR1003', { url: '', problem: '' });

test.each([
  {
    fact: 'a bad declaration shows every mistake and ends with 2',
    error: new BadDeclaration('job.yaml', [
      { path: 'spec.a', message: 'unknown', fix: 'did you mean "b"?', line: 3, column: 5 },
      { path: 'spec.c', message: 'missing' },
    ]),
    text: 'job.yaml: 2 mistakes\n  3:5 spec.a: unknown (did you mean "b"?)\n  spec.c: missing\n',
    code: 2,
  },
  {
    fact: 'a missing file shows what to do and its cause, and ends with 3',
    error: missing,
    text: `MR1001 FileUnreadable: cannot read a.csv: it is not there\n  ${missing.fix}\n  cause: ENOENT\n`,
    code: 3,
  },
  {
    fact: 'a cause that the message has said is not said again',
    error: new MillraceError(
      'MR1003',
      { url: 'nats://a:1', problem: 'refused' },
      new Error('refused', { cause: new Error('ECONNREFUSED') }),
    ),
    text: `MR1003 NatsUnreachable: cannot reach NATS at nats://a:1: refused\n  ${unreachable.fix}\n  cause: ECONNREFUSED\n`,
    code: 3,
  },
  {
    fact: 'a failure of a run ends with 1',
    error: new MillraceError('MR4002', { sink: 's', problem: 'p' }),
    text: 'MR4002 SinkConflict: sink s: p',
    code: 1,
  },
  {
    fact: 'what a message quotes makes no line of its own and steers no terminal',
    error: new MillraceError('MR4002', { sink: 's', problem: 'p\u001b[2J\r\nall is well' }),
    text: 'MR4002 SinkConflict: sink s: p\u241b[2J\u240d\n  all is well',
    code: 1,
  },
  {
    fact: 'anything else is a bug of ours, with its stack',
    error: new TypeError('x is not a function'),
    text: 'Millrace has a bug: TypeError: x is not a function\n      at ',
    code: 1,
  },
])('$fact', ({ error, text, code }) => {
  let written = '';
  expect(reportFailure(error, { write: (part) => (written += part) }, {})).toBe(code);
  expect(written.startsWith(text), written).toBe(true);
});

test.each([
  { fact: 'a terminal shows the first line red', isTTY: true, environment: {}, isRed: true },
  { fact: 'NO_COLOR is kept', isTTY: true, environment: { NO_COLOR: '1' }, isRed: false },
  { fact: 'what is no terminal gets no colour', isTTY: false, environment: {}, isRed: false },
])('$fact', ({ isTTY, environment, isRed }) => {
  let written = '';
  reportFailure(missing, { isTTY, write: (part) => (written += part) }, environment);
  expect(written.startsWith('\u001b[31mMR1001')).toBe(isRed);
});
