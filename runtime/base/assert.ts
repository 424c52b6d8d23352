// Asserts for bugs: a broken invariant of ours stops the process.
//
// Not for bad declarations (issues.ts) and not for the world (errors.ts).

export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed';
}

/** Throws AssertionFailed when `condition` is false. `message` says which invariant broke; a function is only called then. */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new AssertionFailed(typeof message === 'string' ? message : message());
}

/** For the branch that no value can reach: a new variant of the union does not compile here. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`unreachable: ${JSON.stringify(value)}`);
}
