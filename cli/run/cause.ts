// What a worker died of, in one line, out of what Node prints or tells.

const ERROR_LINE = /^\[?[A-Z][\w [\]]*: ./;
const STACK_LINE = /^\s+at /;
const CHARACTERS_MAX = 300;

/** The last error that `lines` tell, without its stack; '' when they tell none. */
export function causeIn(lines: readonly string[]): string {
  const from = lines.findLastIndex((line) => ERROR_LINE.test(line));
  if (from < 0) return '';
  const stack = lines.findIndex((line, index) => index > from && (STACK_LINE.test(line) || line === ''));
  const text = lines
    .slice(from, stack < 0 ? undefined : stack)
    .map((line) => line.trim())
    .join(' ');
  return text.length <= CHARACTERS_MAX ? text : `${text.slice(0, CHARACTERS_MAX)}…`;
}
