// Our closures against the library's own evaluator: what it gives for an expression, ours gives too. (It fails more often: kinds
// that we let mix, such as lists of ints and of doubles. What must fail with us is in expression.test.ts.)
// Left out is what we mean to do otherwise: null and missing fields, division by zero, results out of range, `has`; and the
// literal `[]`, whose items the library takes for any type (it then compares a text with a number).

import { Environment } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BadDeclaration } from '../base/issues.ts';
import { compileCode } from './expression.ts';
import { toPlain } from './values.ts';

const library = new Environment({ homogeneousAggregateLiterals: false });
library.registerVariable('event', 'map');
/** A double beside an int: as ints where the double is whole and no double holds the int. */
const mixed: Readonly<Record<string, (a: number | bigint, b: number | bigint) => number | bigint>> = {
  '+': (a, b) => (isExact(a, b) ? BigInt(a) + BigInt(b) : Number(a) + Number(b)),
  '-': (a, b) => (isExact(a, b) ? BigInt(a) - BigInt(b) : Number(a) - Number(b)),
  '*': (a, b) => (isExact(a, b) ? BigInt(a) * BigInt(b) : Number(a) * Number(b)),
};
for (const [op, run] of Object.entries(mixed)) {
  library.registerOperator(`double ${op} int: dyn`, run);
  library.registerOperator(`int ${op} double: dyn`, run);
}

function isExact(a: number | bigint, b: number | bigint): boolean {
  const [int, double] = typeof a === 'bigint' ? [a, b] : [b, a];
  return Number.isSafeInteger(double) && !Number.isSafeInteger(Number(int));
}

const EVENT = {
  i: 3,
  j: -2,
  d: 2.5,
  s: 'abc',
  t: 'b',
  yes: true,
  no: false,
  l: [1, 2, 3],
  e: [] as number[],
  m: { a: 1, b: 'x' },
  big: 9_007_199_254_740_995n,
};

type Kinds = { number: string; text: string; truth: string; list: string; any: string };

/** Mostly well-typed: `any` puts a wrong kind in now and then, where both sides should fail alike. */
const { any: expression } = fc.letrec<Kinds>((tie) => {
  const number = fc.oneof({ weight: 9, arbitrary: tie('number') }, { weight: 1, arbitrary: tie('any') });
  const text = fc.oneof({ weight: 9, arbitrary: tie('text') }, { weight: 1, arbitrary: tie('any') });
  const truth = fc.oneof({ weight: 9, arbitrary: tie('truth') }, { weight: 1, arbitrary: tie('any') });
  const list = tie('list');
  const sizes = { depthSize: 'small', withCrossShrink: true } as const;
  const infix = (left: fc.Arbitrary<string>, ops: readonly string[], right = left): fc.Arbitrary<string> =>
    fc.tuple(left, fc.constantFrom(...ops), right).map(([a, op, b]) => `(${a} ${op} ${b})`);
  return {
    number: fc.oneof(
      sizes,
      fc.constantFrom('event.i', 'event.j', 'event.d', 'event.m.a', 'event.big', '1', '2', '7', '0.5', 'event.l[1]'),
      infix(number, ['+', '-', '*']),
      number.map((a) => `(-${a})`),
      fc.tuple(truth, number, number).map(([a, b, c]) => `(${a} ? dyn(${b}) : dyn(${c}))`),
      fc.oneof(text, list).map((a) => `size(dyn(${a}))`),
      number.map((a) => `int(dyn(${a}))`),
      number.map((a) => `double(dyn(${a}))`),
      fc.tuple(number, number).map(([a, b]) => `cel.bind(w, ${a}, ${b.replaceAll('event.d', 'w')})`),
    ),
    text: fc.oneof(
      sizes,
      fc.constantFrom('event.s', 'event.t', 'event.m["b"]', '"b"', '"abc"'),
      infix(text, ['+']),
      number.map((a) => `string(dyn(${a}))`),
      text.map((a) => `dyn(${a}).upperAscii()`),
    ),
    truth: fc.oneof(
      sizes,
      fc.constantFrom('event.yes', 'event.no', 'true', 'false'),
      infix(number, ['<', '<=', '>', '>=', '==', '!=']),
      infix(text, ['<', '>=', '==', '!=']),
      infix(truth, ['&&', '||', '==']),
      infix(number, ['in'], list),
      infix(list, ['==', '!=']),
      truth.map((a) => `!${a}`),
      fc.tuple(text, fc.constantFrom('startsWith', 'endsWith', 'contains'), text).map(([a, name, b]) => `dyn(${a}).${name}(dyn(${b}))`),
      fc
        .tuple(list, fc.constantFrom('all', 'exists', 'exists_one'), truth)
        .map(([a, macro, b]) => `${a}.${macro}(v, dyn(${b.replaceAll('event.i', 'v')}))`),
    ),
    list: fc.oneof(
      sizes,
      fc.constantFrom('event.l', 'event.e', '[1, 2]'),
      fc.tuple(number, number).map(([a, b]) => `[${a}, ${b}]`),
      infix(list, ['+']),
      fc.tuple(list, number).map(([a, b]) => `${a}.map(v, ${b.replaceAll('event.i', 'v')})`),
      fc.tuple(list, truth).map(([a, b]) => `${a}.filter(v, dyn(${b.replaceAll('event.i', 'v')}))`),
    ),
    any: fc.oneof(
      sizes,
      tie('number'),
      tie('text'),
      tie('truth'),
      tie('list'),
      fc.tuple(number, text).map(([a, b]) => `{"x": ${a}, "y": ${b}}`),
    ),
  };
});

test('an expression gives what the library gives', () => {
  let compared = 0;
  fc.assert(
    fc.property(expression, (text) => {
      const theirs = attempt(() => byLibrary(text));
      if (theirs.kind !== 'value') return;
      const ours = attempt(() => compileCode(text, ['event'])(EVENT));
      if (ours.kind === 'refused') return; // calls of constants that always fail are refused at once
      // CEL's int has 64 bits: we say so where the library, through dyn, goes on with a number that no int can be.
      if (ours.kind === 'failed' && /(does not fit|is too large for) a 64-bit int/.test(ours.message)) return;
      compared++;
      expect({ text, ...ours }).toEqual({ text, ...theirs });
    }),
    { numRuns: 5_000 },
  );
  expect(compared).toBeGreaterThan(1_000);
});

type Attempt =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'refused' };

function byLibrary(text: string): unknown {
  return toPlain(library.parse(text)({ event: EVENT }));
}

function attempt(run: () => unknown): Attempt {
  try {
    return { kind: 'value', value: run() };
  } catch (error) {
    return error instanceof BadDeclaration ? { kind: 'refused' } : { kind: 'failed', message: String(error) };
  }
}
