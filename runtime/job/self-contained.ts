// Whether the text of a function says all that it does: it names nothing but its own parameters and variables, and what the
// language itself has. A function that names anything else changes with what it names, though its text stays.
//
//   C1. In doubt: no. A wrong no restarts a stage that could have gone on; a wrong yes would leave old code running.

/** What the language has and nobody changes. Nothing that gives time, chance or the outside. */
const LANGUAGE = new Set(
  (
    'undefined NaN Infinity Math JSON Object Array String Number Boolean BigInt Map Set RegExp Error TypeError RangeError Symbol ' +
    'isNaN isFinite parseInt parseFloat encodeURIComponent decodeURIComponent'
  ).split(' '),
);
const WORDS = new Set(
  (
    'true false null return const let var if else for while do of in new typeof instanceof void delete switch case default break ' +
    'continue throw try catch finally function async'
  ).split(' '),
);
const DECLARES = new Set(['const', 'let', 'var']);

type Token = { readonly kind: 'name' | 'sign' | 'value'; readonly text: string };

/** Cut at words, strings (with the code inside templates), expressions, numbers, comments, and signs. */
const TOKEN =
  /(?<skip>\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<value>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\d[\w.]*)|(?<name>[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)|(?<sign>=>|\.\.\.|\?\.|[^\s])/uy;

/** True: equal texts do the same, wherever they stand. */
export function isSelfContained(text: string): boolean {
  const tokens = tokensOf(text);
  if (tokens === null) return false;
  const bound = boundNames(tokens);
  if (bound === null) return false;
  return tokens.every((token, at) => token.kind !== 'name' || isProperty(tokens, at) || isKnown(token.text, bound));
}

function isKnown(name: string, bound: ReadonlySet<string>): boolean {
  return WORDS.has(name) || LANGUAGE.has(name) || bound.has(name);
}

/** Null: something that is not understood here (templates with code, regular expressions, backslashes). */
function tokensOf(text: string): Token[] | null {
  const tokens: Token[] = [];
  const plain = text.replaceAll(/`(?:[^`\\$]|\\.)*`/g, '""'); // templates without code are texts
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < plain.length) {
    const groups = TOKEN.exec(plain)?.groups;
    if (groups === undefined) return null;
    if (groups['value'] !== undefined) tokens.push({ kind: 'value', text: '' });
    else if (groups['name'] !== undefined) tokens.push({ kind: 'name', text: groups['name'] });
    else if (groups['sign'] !== undefined) {
      const sign = groups['sign'];
      if ('`\\#@'.includes(sign) || (sign === '/' && !isOperand(tokens.at(-1)))) return null;
      tokens.push({ kind: 'sign', text: sign });
    }
  }
  return tokens;
}

/** A slash behind it divides. */
function isOperand(before: Token | undefined): boolean {
  if (before === undefined) return false;
  if (before.kind === 'sign') return before.text === ')' || before.text === ']';
  return before.kind === 'value' || !WORDS.has(before.text);
}

/** `.name`, and `name:` in an object. */
function isProperty(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]?.text ?? '';
  if (before === '.' || before === '?.') return true;
  return (before === '{' || before === ',') && tokens[at + 1]?.text === ':' && tokens[at + 1]?.kind === 'sign';
}

/** Names of parameters and variables; null where they are not plainly to be seen. */
function boundNames(tokens: readonly Token[]): ReadonlySet<string> | null {
  const bound = new Set<string>();
  for (let at = 0; at < tokens.length; at++) {
    const { kind, text } = tokens[at] as Token;
    let pattern: readonly number[] | null = [];
    if (kind === 'sign' && text === '=>') pattern = parametersBefore(tokens, at);
    else if (kind === 'name' && (text === 'function' || text === 'catch')) pattern = parametersBehind(tokens, at, bound);
    else if (kind === 'name' && DECLARES.has(text)) pattern = declared(tokens, at + 1);
    if (pattern === null || !bindAll(tokens, pattern, bound)) return null;
  }
  return bound;
}

function parametersBefore(tokens: readonly Token[], arrow: number): readonly number[] | null {
  const last = tokens[arrow - 1];
  if (last?.kind === 'name') return [arrow - 1];
  if (last?.text !== ')') return null;
  let depth = 0;
  for (let at = arrow - 1; at >= 0; at--) {
    if (isOpening(tokens[at])) depth--;
    else if (isClosing(tokens[at])) depth++;
    if (depth === 0) return range(at + 1, arrow - 1);
  }
  return null;
}

function parametersBehind(tokens: readonly Token[], at: number, bound: Set<string>): readonly number[] | null {
  let open = at + 1;
  if (tokens[open]?.text === '*') return null;
  if (tokens[open]?.kind === 'name') bound.add((tokens[open++] as Token).text);
  if (tokens[open]?.text === '{' && tokens[at]?.text === 'catch') return [];
  return tokens[open]?.text === '(' ? inside(tokens, open) : null;
}

function declared(tokens: readonly Token[], at: number): readonly number[] | null {
  if (tokens[at]?.kind === 'name') return [at];
  return isOpening(tokens[at]) ? inside(tokens, at) : null;
}

function inside(tokens: readonly Token[], open: number): readonly number[] | null {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    if (isOpening(tokens[at])) depth++;
    else if (isClosing(tokens[at])) depth--;
    if (depth === 0) return range(open + 1, at);
  }
  return null;
}

/** False: a default value, which is code of its own. */
function bindAll(tokens: readonly Token[], places: readonly number[], bound: Set<string>): boolean {
  for (const at of places) {
    const token = tokens[at] as Token;
    if (token.kind === 'sign' && !'{}[],:...'.includes(token.text)) return false;
    if (token.kind === 'name' && !isProperty(tokens, at)) bound.add(token.text);
  }
  return true;
}

function isOpening(token: Token | undefined): boolean {
  return token?.kind === 'sign' && '([{'.includes(token.text);
}

function isClosing(token: Token | undefined): boolean {
  return token?.kind === 'sign' && ')]}'.includes(token.text);
}

function range(from: number, until: number): readonly number[] {
  return Array.from({ length: until - from }, (_, i) => from + i);
}
