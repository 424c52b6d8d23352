// `matches`, in time linear in the text: all possible positions in the pattern are followed at once (Thompson 1968), so no
// text and no pattern can make a worker hang.
//
//   R1. One character costs at most INSTRUCTIONS_MAX steps; a match at most STEPS_MAX, then it is an error.
//   R2. Search, not full match: anchors are the author's, as in CEL.

import { ExpressionError } from './expression-error.ts';
import { type Assertion, isWordCharacter, parseRegex, RegexSyntaxError, type RegexTree } from './regex-parser.ts';

const INSTRUCTIONS_MAX = 5_000;
const STEPS_MAX = 50_000_000;
const PATTERN_CHARACTERS_MAX = 1_000;

type Instruction =
  | { readonly op: 'character'; readonly accepts: (codePoint: number) => boolean }
  /** Goes on at both places. */
  | { readonly op: 'split'; one: number; other: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'assert'; readonly what: Assertion }
  | { readonly op: 'match' };

export type LinearRegex = { readonly test: (text: string) => boolean };

/** Compiles a pattern, or says what is wrong with it. */
export function compileRegex(
  pattern: string,
): { readonly kind: 'compiled'; readonly regex: LinearRegex } | { readonly kind: 'broken'; readonly message: string } {
  if (pattern.length > PATTERN_CHARACTERS_MAX) return { kind: 'broken', message: `it has more than ${PATTERN_CHARACTERS_MAX} characters` };
  try {
    const program: Instruction[] = [];
    emit(parseRegex(pattern), program);
    program.push({ op: 'match' });
    return { kind: 'compiled', regex: { test: (text) => new Search(program, text).run() } };
  } catch (error) {
    if (error instanceof RegexSyntaxError) return { kind: 'broken', message: error.message };
    throw error;
  }
}

function emit(tree: RegexTree, program: Instruction[]): void {
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
      for (const part of tree.parts) emit(part, program);
      return;
    case 'choice':
      emitChoice(tree.parts, program);
      return;
    case 'repeat':
      emitRepeat(tree.of, tree.min, tree.max, program);
      return;
  }
}

function emitChoice(parts: readonly RegexTree[], program: Instruction[]): void {
  const ends: { op: 'jump'; to: number }[] = [];
  for (const [i, part] of parts.entries()) {
    const isLast = i === parts.length - 1;
    const split = { op: 'split' as const, one: program.length + 1, other: 0 };
    if (!isLast) program.push(split);
    emit(part, program);
    if (isLast) continue;
    const jump = { op: 'jump' as const, to: 0 };
    program.push(jump);
    ends.push(jump);
    split.other = program.length;
  }
  for (const jump of ends) jump.to = program.length;
}

function emitRepeat(of: RegexTree, min: number, max: number, program: Instruction[]): void {
  for (let i = 0; i < min; i++) {
    const before = program.length;
    emit(of, program);
    if (program.length === before) break; // repeats of nothing are nothing, however many
  }
  if (max === Infinity) {
    const start = program.length;
    const split = { op: 'split' as const, one: start + 1, other: 0 };
    program.push(split);
    emit(of, program);
    program.push({ op: 'jump', to: start });
    split.other = program.length;
    return;
  }
  const splits: { op: 'split'; one: number; other: number }[] = [];
  for (let i = min; i < max; i++) {
    const split = { op: 'split' as const, one: program.length + 1, other: 0 };
    program.push(split);
    splits.push(split);
    emit(of, program);
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
      }
    }
  }

  #spend(steps: number): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) throw new ExpressionError(`matches(): a text of ${this.#text.length} characters is too long for this pattern`);
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
