// NATS subjects and stream names, as far as a declaration can be held to them.

/** What is wrong with `subject`, or null. Wildcards (`*` for a token, `>` for all the rest) only where `wildcards`. */
export function subjectProblem(subject: string, { wildcards }: { readonly wildcards: boolean }): string | null {
  if (/\s|[\u0000-\u001f\u007f]/.test(subject)) return 'has a blank or control character';
  const tokens = subject.split('.');
  if (tokens.some((token) => token === '')) return 'has an empty token';
  if (!wildcards && tokens.some((token) => token === '*' || token === '>')) return 'has a wildcard, but results go to one subject';
  if (tokens.some((token) => token.length > 1 && /[*>]/.test(token))) return 'has a wildcard that is not a token by itself';
  if (tokens.slice(0, -1).includes('>')) return 'has > before its end';
  return null;
}

/** True when some subject matches both. */
export function subjectsOverlap(left: string, right: string): boolean {
  const a = left.split('.');
  const b = right.split('.');
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]];
    if (x === undefined || y === undefined) return false;
    if (x === '>' || y === '>') return true;
    if (x !== y && x !== '*' && y !== '*') return false;
  }
  return true;
}

/** True when all that matches `inner` matches `outer`. */
export function subjectContains(outer: string, inner: string): boolean {
  const [wide, narrow] = [outer.split('.'), inner.split('.')];
  for (let at = 0; at < wide.length; at++) {
    if (wide[at] === '>') return narrow.length > at;
    if (narrow[at] === undefined || narrow[at] === '>') return false;
    if (wide[at] !== '*' && wide[at] !== narrow[at]) return false;
  }
  return wide.length === narrow.length;
}

/** What is wrong with the name of a JetStream stream, or null. */
export function streamNameProblem(name: string): string | null {
  if (name === '') return 'is empty';
  return /[\s.*>/\\\u0000-\u001f\u007f]/.test(name) ? 'has one of . * > / \\ or a blank' : null;
}
