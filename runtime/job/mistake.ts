// What a user may not write, said where they write it: a parameter of type Mistake<'…'> accepts nothing, so the
// compiler's message carries the sentence. test/compile holds one fixture for each.

declare const sentence: unique symbol;

/** Accepts no value: it only carries a sentence into a compiler message, and what is allowed instead. */
export interface Mistake<Sentence extends string, Allowed = never> {
  readonly [sentence]: readonly [Sentence, Allowed];
}
