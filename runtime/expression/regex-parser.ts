// Regular expressions as CEL has them (RE2's syntax): text → tree. No back-references, no look-around: what would need
// backtracking is refused.
//
// Source of the syntax: https://github.com/google/re2/wiki/Syntax

export type RegexTree =
  | { readonly kind: 'empty' }
  | { readonly kind: 'character'; readonly accepts: (codePoint: number) => boolean }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'sequence'; readonly parts: readonly RegexTree[] }
  | { readonly kind: 'choice'; readonly parts: readonly RegexTree[] }
  /** Groups are numbered by their opening brackets, from 1. */
  | { readonly kind: 'group'; readonly of: RegexTree; readonly index: number }
  /** `lazy`: as few as will do, else as many as can be. It matters to what a group holds, not to whether a text matches. */
  | { readonly kind: 'repeat'; readonly of: RegexTree; readonly min: number; readonly max: number; readonly lazy: boolean };

export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | 'wordBorder' | 'noWordBorder';

export class RegexSyntaxError extends Error {}

type Flags = { readonly ignoreCase: boolean; readonly multiLine: boolean; readonly dotAll: boolean; readonly lazy: boolean };
type Accepts = (codePoint: number) => boolean;

/** Repeats in RE2 stop here too. */
const REPEAT_MAX = 1000;
const DEPTH_MAX = 100;
const EMPTY: RegexTree = { kind: 'empty' };
const NO_FLAGS: Flags = { ignoreCase: false, multiLine: false, dotAll: false, lazy: false };

const isDigit: Accepts = (c) => c >= 48 && c <= 57;
export const isWordCharacter: Accepts = (c) => isDigit(c) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95;
const isSpace: Accepts = (c) => c === 32 || (c >= 9 && c <= 13 && c !== 11);
const classes: Readonly<Record<string, Accepts>> = { d: isDigit, w: isWordCharacter, s: isSpace };
const controls: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, v: 11, a: 7 };
const posix: Readonly<Record<string, Accepts>> = {
  alnum: (c) => isWordCharacter(c) && c !== 95,
  alpha: (c) => isWordCharacter(c) && c !== 95 && !isDigit(c),
  ascii: (c) => c < 128,
  blank: (c) => c === 32 || c === 9,
  cntrl: (c) => c < 32 || c === 127,
  digit: isDigit,
  graph: (c) => c > 32 && c < 127,
  lower: (c) => c >= 97 && c <= 122,
  print: (c) => c >= 32 && c < 127,
  punct: (c) => c > 32 && c < 127 && !(isWordCharacter(c) && c !== 95),
  space: (c) => isSpace(c) || c === 11,
  upper: (c) => c >= 65 && c <= 90,
  word: isWordCharacter,
  xdigit: (c) => isDigit(c) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102),
};

/** Throws RegexSyntaxError. */
export function parseRegex(pattern: string): { readonly tree: RegexTree; readonly groups: number } {
  const parser = new Parser([...pattern]);
  const tree = parser.choice(NO_FLAGS, 0);
  if (!parser.done()) throw new RegexSyntaxError('there is a ) without its (');
  return { tree, groups: parser.groups };
}

class Parser {
  readonly #text: readonly string[];
  #at = 0;
  groups = 0;

  constructor(text: readonly string[]) {
    this.#text = text;
  }

  done(): boolean {
    return this.#at >= this.#text.length;
  }

  choice(flags: Flags, depth: number): RegexTree {
    if (depth > DEPTH_MAX) throw new RegexSyntaxError(`groups are nested more than ${DEPTH_MAX} deep`);
    const parts: RegexTree[] = [];
    let current = flags;
    for (;;) {
      const [part, after] = this.#sequence(current, depth);
      parts.push(part);
      current = after;
      if (!this.#take('|')) break;
    }
    return parts.length === 1 ? (parts[0] as RegexTree) : { kind: 'choice', parts };
  }

  /** Flags set by `(?i)` hold to the end of the group, so they are given back. */
  #sequence(flags: Flags, depth: number): readonly [RegexTree, Flags] {
    const parts: RegexTree[] = [];
    let current = flags;
    while (!this.done() && this.#peek() !== '|' && this.#peek() !== ')') {
      if (this.#take('(')) {
        const group = this.#group(current, depth);
        if ('flags' in group) current = group.flags;
        else parts.push(this.#repeated(group.tree, current));
      } else if (this.#peek() === '\\' && this.#text[this.#at + 1] === 'Q') parts.push(this.#quoted(current));
      else parts.push(this.#repeated(this.#atom(current), current));
    }
    return [parts.length === 0 ? EMPTY : parts.length === 1 ? (parts[0] as RegexTree) : { kind: 'sequence', parts }, current];
  }

  #group(flags: Flags, depth: number): { readonly tree: RegexTree } | { readonly flags: Flags } {
    let inside = flags;
    let index: number | null = null;
    if (!this.#take('?')) index = ++this.groups;
    else {
      if (this.#take('P') || this.#peek() === '<') {
        this.#groupName();
        index = ++this.groups;
      } else {
        inside = this.#flags(flags);
        if (this.#take(')')) return { flags: inside };
        this.#expect(':', 'a group that begins with (? must be (?:…), (?P<name>…) or flags such as (?i); there is no look-around');
      }
    }
    const tree = this.choice(inside, depth + 1);
    this.#expect(')', 'a ( without its )');
    return { tree: index === null ? tree : { kind: 'group', of: tree, index } };
  }

  #groupName(): void {
    this.#expect('<', 'a named group is written (?P<name>…)');
    if (this.#peek() === '=' || this.#peek() === '!') throw new RegexSyntaxError('there is no look-behind');
    let name = '';
    while (!this.done() && this.#peek() !== '>') name += this.#next();
    this.#expect('>', 'a group name without its >');
    if (!/^\w+$/.test(name)) throw new RegexSyntaxError(`bad group name ${JSON.stringify(name)}`);
  }

  #flags(flags: Flags): Flags {
    const next = { ...flags };
    let value = true;
    for (;;) {
      if (this.#take('i')) next.ignoreCase = value;
      else if (this.#take('m')) next.multiLine = value;
      else if (this.#take('s')) next.dotAll = value;
      else if (this.#take('U')) next.lazy = value;
      else if (this.#take('-')) value = false;
      else return next;
    }
  }

  #quoted(flags: Flags): RegexTree {
    this.#at += 2;
    const parts: RegexTree[] = [];
    while (!this.done() && !(this.#peek() === '\\' && this.#text[this.#at + 1] === 'E')) parts.push(literal(this.#next(), flags));
    if (!this.done()) this.#at += 2;
    return { kind: 'sequence', parts };
  }

  #repeated(of: RegexTree, flags: Flags): RegexTree {
    let tree = of;
    let count = 0;
    for (;;) {
      const bounds = this.#bounds();
      if (bounds === null) return tree;
      if (++count > 1) throw new RegexSyntaxError('two repeats in a row');
      const lazy = this.#take('?') !== flags.lazy;
      tree = { kind: 'repeat', of: tree, min: bounds[0], max: bounds[1], lazy };
    }
  }

  #bounds(): readonly [number, number] | null {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    if (this.#peek() !== '{') return null;
    const end = this.#text.indexOf('}', this.#at);
    const found = end === -1 ? null : /^(\d+)(,(\d*))?$/.exec(this.#text.slice(this.#at + 1, end).join(''));
    if (found === null) return null; // a { that is just a character
    this.#at = end + 1;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === '' ? Infinity : Number(found[3]);
    if (min > REPEAT_MAX || (max !== Infinity && max > REPEAT_MAX) || min > max)
      throw new RegexSyntaxError(`bad repeat ${found[0]} (at most ${REPEAT_MAX})`);
    return [min, max];
  }

  #atom(flags: Flags): RegexTree {
    const c = this.#next();
    switch (c) {
      case '.':
        return { kind: 'character', accepts: flags.dotAll ? () => true : (point) => point !== 10 };
      case '^':
        return { kind: 'assert', what: flags.multiLine ? 'lineStart' : 'textStart' };
      case '$':
        return { kind: 'assert', what: flags.multiLine ? 'lineEnd' : 'textEnd' };
      case '[':
        return character(this.#set(flags), flags);
      case '\\':
        return this.#escape(flags);
      case '*':
      case '+':
      case '?':
        throw new RegexSyntaxError(`nothing to repeat before ${c}`);
      default:
        return literal(c, flags);
    }
  }

  #escape(flags: Flags): RegexTree {
    const asserts: Readonly<Record<string, Assertion>> = { A: 'textStart', z: 'textEnd', b: 'wordBorder', B: 'noWordBorder' };
    const c = this.#peek();
    if (c !== undefined && Object.hasOwn(asserts, c)) {
      this.#at++;
      return { kind: 'assert', what: asserts[c] as Assertion };
    }
    const found = this.#escaped();
    return typeof found === 'number' ? literal(String.fromCodePoint(found), flags) : character(found, flags);
  }

  /** After a backslash: a class, or one code point. */
  #escaped(): Accepts | number {
    if (this.done()) throw new RegexSyntaxError('a backslash at the end');
    const c = this.#next();
    const lower = c.toLowerCase();
    if (Object.hasOwn(classes, lower)) return c === lower ? (classes[lower] as Accepts) : not(classes[lower] as Accepts);
    if (Object.hasOwn(controls, c)) return controls[c] as number;
    if (c === 'x') return this.#hex();
    if (lower === 'p') return this.#unicodeClass(c === 'P');
    if (/[1-9]/.test(c)) throw new RegexSyntaxError(`back-references such as \\${c} are not supported`);
    if (c === '0') return 0;
    if (/[A-Za-z]/.test(c)) throw new RegexSyntaxError(`unknown escape \\${c}`);
    return c.codePointAt(0) as number;
  }

  #hex(): number {
    const digits = this.#take('{') ? this.#upTo('}') : this.#next() + (this.done() ? '' : this.#next());
    if (!/^[0-9a-fA-F]{1,6}$/.test(digits) || Number.parseInt(digits, 16) > 0x10ffff) throw new RegexSyntaxError(`bad \\x${digits}`);
    return Number.parseInt(digits, 16);
  }

  #unicodeClass(negated: boolean): Accepts {
    const written = this.#take('{') ? this.#upTo('}') : this.#next();
    const inverse = written.startsWith('^');
    const name = inverse ? written.slice(1) : written;
    if (!/^\w{1,40}$/.test(name)) throw new RegexSyntaxError(`bad Unicode class \\p{${written}}`);
    const one = unicodeTester(name);
    return negated === inverse ? one : not(one);
  }

  #set(flags: Flags): Accepts {
    const negated = this.#take('^');
    const items: Accepts[] = [];
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      if (this.done()) throw new RegexSyntaxError('a [ without its ]');
      items.push(this.#setItem());
    }
    this.#at++;
    const any: Accepts = (point) => items.some((accepts) => accepts(point));
    const folded = flags.ignoreCase ? foldCase(any) : any;
    return negated ? not(folded) : folded;
  }

  #setItem(): Accepts {
    if (this.#peek() === '[' && this.#text[this.#at + 1] === ':') return this.#posixClass();
    const from = this.#take('\\') ? this.#escaped() : (this.#next().codePointAt(0) as number);
    if (typeof from !== 'number') return from;
    if (this.#peek() !== '-' || this.#text[this.#at + 1] === ']' || this.#text[this.#at + 1] === undefined)
      return (point) => point === from;
    this.#at++;
    const to = this.#take('\\') ? this.#escaped() : (this.#next().codePointAt(0) as number);
    if (typeof to !== 'number' || to < from) throw new RegexSyntaxError('bad range in [ ]');
    return (point) => point >= from && point <= to;
  }

  #posixClass(): Accepts {
    this.#at += 2;
    const negated = this.#take('^');
    const name = this.#upTo(':');
    this.#expect(']', 'a [: without its :]');
    if (!Object.hasOwn(posix, name)) throw new RegexSyntaxError(`unknown class [:${name}:]`);
    return negated ? not(posix[name] as Accepts) : (posix[name] as Accepts);
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #next(): string {
    const c = this.#text[this.#at++];
    if (c === undefined) throw new RegexSyntaxError('it ends too early');
    return c;
  }

  #take(c: string): boolean {
    if (this.#text[this.#at] !== c) return false;
    this.#at++;
    return true;
  }

  #expect(c: string, problem: string): void {
    if (!this.#take(c)) throw new RegexSyntaxError(problem);
  }

  #upTo(end: string): string {
    let text = '';
    while (this.#peek() !== end) text += this.#next();
    this.#at++;
    return text;
  }
}

function literal(c: string, flags: Flags): RegexTree {
  const wanted = c.codePointAt(0) as number;
  return character((point) => point === wanted, flags);
}

function character(accepts: Accepts, flags: Flags): RegexTree {
  return { kind: 'character', accepts: flags.ignoreCase ? foldCase(accepts) : accepts };
}

function not(accepts: Accepts): Accepts {
  return (point) => !accepts(point);
}

function foldCase(accepts: Accepts): Accepts {
  return (point) => {
    if (accepts(point)) return true;
    const c = String.fromCodePoint(point);
    return [c.toLowerCase(), c.toUpperCase()].some((other) => [...other].length === 1 && accepts(other.codePointAt(0) as number));
  };
}

/** One code point against one class: nothing to backtrack. */
function unicodeTester(name: string): Accepts {
  for (const form of [name, `Script=${name}`]) {
    try {
      const one = new RegExp(`^\\p{${form}}$`, 'u');
      return (point) => one.test(String.fromCodePoint(point));
    } catch {
      continue; // not a category: perhaps a script
    }
  }
  throw new RegexSyntaxError(`unknown Unicode class \\p{${name}}`);
}
