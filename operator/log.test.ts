import { expect, test } from 'vitest';
import { makeLog } from './log.ts';

const HOSTILE = '<b>\u001b[2J\r\n2026-01-01T00:00:00.000Z info leading\u009b1m\u202e';
const SHOWN = '<b>\u241b[2J\u240d\u240a2026-01-01T00:00:00.000Z info leading\u27e8U+009B\u27e91m\u27e8U+202E\u27e9';
const ESCAPED = '<b>\\u001b[2J\\r\\n2026-01-01T00:00:00.000Z info leading\\u009b1m\\u202e';

test.each([
  { fact: 'as text', form: 'text', line: ` warn ${SHOWN} job="${ESCAPED}"\n` },
  { fact: 'as JSON', form: 'json', line: `"level":"warn","msg":"${ESCAPED}","job":"${ESCAPED}"}\n` },
] as const)('text of others is one line that steers no terminal, $fact', ({ form, line }) => {
  const lines: string[] = [];
  makeLog(form, (written) => lines.push(written))('warn', HOSTILE, { job: HOSTILE });
  expect(lines).toEqual([expect.stringContaining(line)]);
  expect(lines[0]!.indexOf('\n')).toBe(lines[0]!.length - 1);
});
