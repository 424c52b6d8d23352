// `matches` and `extract`, in time linear in the text: all possible positions in the pattern are followed at once (Thompson 1968), so no
// text and no pattern can make a worker hang.
//
//   R1. One character costs at most INSTRUCTIONS_MAX steps; a match at most STEPS_MAX, then it is an error.
//   R3. `extract` gives what a search that backtracks would give: the match that begins first, of those the one that its choices and
//       repeats prefer (Pike's way: what is followed is kept in the order of preference, each with the places of its groups).
//   R2. Search, not full match: anchors are the author's, as in CEL.

import { assert } from '../base/assert.ts';
import { ExpressionError } from './expression-error.ts';
import { type Assertion, isWordCharacter, parseRegex, RegexSyntaxError, type RegexTree } from './regex-parser.ts';

const INSTRUCTIONS_MAX = 5_000;
const STEPS_MAX = 50_000_000;
const PATTERN_CHARACTERS_MAX = 1_000;
/** Places of all groups are copied whenever one is noted. */
const GROUPS_MAX = 32;

type Instruction =
  | { readonly op: 'character'; readonly accepts: (codePoint: number) => boolean }
  /** Goes on at both places. */
  | { readonly op: 'split'; one: number; other: number; readonly lazy?: boolean }
  /** The place here is that of a group's begin (even slots) or end. */
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'assert'; readonly what: Assertion }
  | { readonly op: 'match' };

export type LinearRegex = { readonly test: (text: string) => boolean };
export type LinearExtract = {
  readonly groups: number;
  /** Texts of the whole match (0) and of the groups, null for those that took no part; null when nothing matches. */
  readonly find: (text: string) => readonly (string | null)[] | null;
};
type Broken = { readonly kind: 'broken'; readonly message: string };

/** Compiles a pattern, or says what is wrong with it. */
export function compileRegex(pattern: string): { readonly kind: 'compiled'; readonly regex: LinearRegex } | Broken {
  const program = compile(pattern, (parsed, into) => emit(parsed.tree, into));
  return 'kind' in program ? program : { kind: 'compiled', regex: { test: (text) => new Search(program.instructions, text).run() } };
}

/** The same, keeping what its groups hold. */
export function compileExtract(pattern: string): { readonly kind: 'compiled'; readonly extract: LinearExtract } | Broken {
  const program = compile(pattern, ({ tree, groups }, into) => {
    if (groups > GROUPS_MAX) throw new RegexSyntaxError(`it has ${groups} groups, at most ${GROUPS_MAX} are allowed`);
    emit({ kind: 'group', of: tree, index: 0 }, into, 'with groups');
  });
  if ('kind' in program) return program;
  const { instructions, groups } = program;
  return { kind: 'compiled', extract: { groups, find: (text) => textsOf(new GroupSearch(instructions, text).run(), text, groups) } };
}

function textsOf(saves: Saves | null, text: string, groups: number): (string | null)[] | null {
  if (saves === null) return null;
  return Array.from({ length: groups + 1 }, (_, group) => {
    const [from, to] = [saves[2 * group], saves[2 * group + 1]];
    return from === undefined || to === undefined ? null : text.slice(from, to);
  });
}

type Parsed = ReturnType<typeof parseRegex>;
type Program = { readonly instructions: readonly Instruction[]; readonly groups: number };

function compile(pattern: string, emitAll: (parsed: Parsed, program: Instruction[]) => void): Program | Broken {
  if (pattern.length > PATTERN_CHARACTERS_MAX) return { kind: 'broken', message: `it has more than ${PATTERN_CHARACTERS_MAX} characters` };
  try {
    const instructions: Instruction[] = [];
    const parsed = parseRegex(pattern);
    emitAll(parsed, instructions);
    instructions.push({ op: 'match' });
    return { instructions, groups: parsed.groups };
  } catch (error) {
    if (error instanceof RegexSyntaxError) return { kind: 'broken', message: error.message };
    throw error;
  }
}

type Keeping = 'with groups' | 'without';

function emit(tree: RegexTree, program: Instruction[], keeping: Keeping = 'without'): void {
  if (program.length > INSTRUCTIONS_MAX) throw new RegexSyntaxError('it is too large (repeats multiply)');
  switch (tree.kind) {
    case 'empty':
      return;
    case 'character':
      program.push({ op: 'character', accepts: tree.accepts });
      return;
    case 'assert':
      program.push({ op: 'assert', what: tree.what });
      return;
    case 'sequence':
      for (const part of tree.parts) emit(part, program, keeping);
      return;
    case 'choice':
      emitChoice(tree.parts, program, keeping);
      return;
    case 'repeat':
      emitRepeat(tree, program, keeping);
      return;
    case 'group':
      if (keeping === 'with groups') program.push({ op: 'save', slot: 2 * tree.index });
      emit(tree.of, program, keeping);
      if (keeping === 'with groups') program.push({ op: 'save', slot: 2 * tree.index + 1 });
      return;
  }
}

function emitChoice(parts: readonly RegexTree[], program: Instruction[], keeping: Keeping): void {
  const ends: { op: 'jump'; to: number }[] = [];
  for (const [i, part] of parts.entries()) {
    const isLast = i === parts.length - 1;
    const split = { op: 'split' as const, one: program.length + 1, other: 0 };
    if (!isLast) program.push(split);
    emit(part, program, keeping);
    if (isLast) continue;
    const jump = { op: 'jump' as const, to: 0 };
    program.push(jump);
    ends.push(jump);
    split.other = program.length;
  }
  for (const jump of ends) jump.to = program.length;
}

type Repeat = Extract<RegexTree, { kind: 'repeat' }>;

function emitRepeat({ of, min, max, lazy }: Repeat, program: Instruction[], keeping: Keeping): void {
  for (let i = 0; i < min; i++) {
    const before = program.length;
    emit(of, program, keeping);
    if (program.length === before) break; // repeats of nothing are nothing, however many
  }
  if (max === Infinity) {
    const start = program.length;
    const split = { op: 'split' as const, one: start + 1, other: 0, lazy };
    program.push(split);
    emit(of, program, keeping);
    program.push({ op: 'jump', to: start });
    split.other = program.length;
    return;
  }
  const splits: { other: number }[] = [];
  for (let i = min; i < max; i++) {
    const split = { op: 'split' as const, one: program.length + 1, other: 0, lazy };
    program.push(split);
    splits.push(split);
    emit(of, program, keeping);
  }
  for (const split of splits) split.other = program.length;
}

/** One match: the set of instructions that wait for the next character. */
class Search {
  readonly #program: readonly Instruction[];
  readonly #text: string;
  /** Position (plus one) at which an instruction was last reached: each is followed once a position. */
  readonly #seen: Int32Array;
  #waiting: number[] = [];
  #isFound = false;
  #stepsLeft = STEPS_MAX;

  constructor(program: readonly Instruction[], text: string) {
    this.#program = program;
    this.#text = text;
    this.#seen = new Int32Array(program.length);
  }

  run(): boolean {
    const first = this.#program[0] as Instruction;
    const onlyAtStart = first.op === 'assert' && first.what === 'textStart';
    let before: number | undefined;
    for (let at = 0; ;) {
      const here = this.#text.codePointAt(at);
      if (at === 0 || !onlyAtStart) this.#follow(0, at, before, here);
      if (this.#isFound) return true;
      if (here === undefined || (onlyAtStart && this.#waiting.length === 0)) return false;
      const current = this.#waiting;
      this.#waiting = [];
      const next = at + (here > 0xffff ? 2 : 1);
      const after = this.#text.codePointAt(next);
      for (const index of current) {
        const instruction = this.#program[index] as Extract<Instruction, { op: 'character' }>;
        if (instruction.accepts(here)) this.#follow(index + 1, next, here, after);
      }
      this.#spend(current.length + 1);
      before = here;
      at = next;
    }
  }

  /** Everything that can be reached from `start` at position `at` without reading a character. */
  #follow(start: number, at: number, before: number | undefined, here: number | undefined): void {
    const stack = [start];
    for (let index = stack.pop(); index !== undefined && !this.#isFound; index = stack.pop()) {
      if (this.#seen[index] === at + 1) continue;
      this.#seen[index] = at + 1;
      this.#spend(1);
      const instruction = this.#program[index] as Instruction;
      switch (instruction.op) {
        case 'character':
          this.#waiting.push(index);
          break;
        case 'split':
          stack.push(instruction.other, instruction.one);
          break;
        case 'jump':
          stack.push(instruction.to);
          break;
        case 'assert':
          if (holds(instruction.what, before, here)) stack.push(index + 1);
          break;
        case 'match':
          this.#isFound = true;
          break;
        case 'save':
          assert(false, 'a search without groups notes no places');
      }
    }
  }

  #spend(steps: number): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) refuseText('matches', this.#text);
  }
}

function refuseText(name: 'matches' | 'extract', text: string): never {
  throw new ExpressionError(`${name}(): a text of ${text.length} characters is too long for this pattern`);
}

/** Places in the text by slot; absent: not reached. Never changed. */
type Saves = readonly (number | undefined)[];
type Thread = { readonly index: number; readonly saves: Saves };

/** One match with its groups: the instructions that wait, the preferred ones first (R3). */
class GroupSearch {
  readonly #program: readonly Instruction[];
  readonly #text: string;
  readonly #seen: Int32Array;
  #stepsLeft = STEPS_MAX;

  constructor(program: readonly Instruction[], text: string) {
    this.#program = program;
    this.#text = text;
    this.#seen = new Int32Array(program.length);
  }

  run(): Saves | null {
    let found: Saves | null = null;
    let current: Thread[] = [];
    let before: number | undefined;
    for (let at = 0; ;) {
      const here = this.#text.codePointAt(at);
      if (found === null) this.#follow(current, { index: 0, saves: [] }, at, before, here); // begins last, so it is preferred least
      const next = at + (here !== undefined && here > 0xffff ? 2 : 1);
      const after = this.#text.codePointAt(next);
      const waiting: Thread[] = [];
      for (const { index, saves } of current) {
        const instruction = this.#program[index] as Instruction;
        if (instruction.op === 'match') {
          found = saves;
          break; // what is preferred less does not count any more
        }
        const accepts = here !== undefined && instruction.op === 'character' && instruction.accepts(here);
        if (accepts) this.#follow(waiting, { index: index + 1, saves }, next, here, after);
      }
      this.#spend(current.length + 1);
      if (here === undefined || (found !== null && waiting.length === 0)) return found;
      [current, before, at] = [waiting, here, next];
    }
  }

  /** Adds to `into` whatever waits for a character, or matches, and can be reached from `start` without reading one. */
  #follow(into: Thread[], start: Thread, at: number, before: number | undefined, here: number | undefined): void {
    const stack = [start];
    for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
      const { index, saves } = thread;
      if (this.#seen[index] === at + 1) continue;
      this.#seen[index] = at + 1;
      this.#spend(1);
      const instruction = this.#program[index] as Instruction;
      switch (instruction.op) {
        case 'character':
        case 'match':
          into.push(thread);
          break;
        case 'split': {
          const [one, other] = [
            { index: instruction.one, saves },
            { index: instruction.other, saves },
          ];
          if (instruction.lazy === true) stack.push(one, other);
          else stack.push(other, one);
          break;
        }
        case 'jump':
          stack.push({ index: instruction.to, saves });
          break;
        case 'assert':
          if (holds(instruction.what, before, here)) stack.push({ index: index + 1, saves });
          break;
        case 'save': {
          const noted = saves.slice();
          noted[instruction.slot] = at;
          this.#spend(noted.length);
          stack.push({ index: index + 1, saves: noted });
        }
      }
    }
  }

  #spend(steps: number): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) refuseText('extract', this.#text);
  }
}

function holds(what: Assertion, before: number | undefined, here: number | undefined): boolean {
  switch (what) {
    case 'textStart':
      return before === undefined;
    case 'textEnd':
      return here === undefined;
    case 'lineStart':
      return before === undefined || before === 10;
    case 'lineEnd':
      return here === undefined || here === 10;
    case 'wordBorder':
      return isWord(before) !== isWord(here);
    case 'noWordBorder':
      return isWord(before) === isWord(here);
  }
}

function isWord(point: number | undefined): boolean {
  return point !== undefined && isWordCharacter(point);
}
