// CEL expressions in a TypeScript job: the same texts as in YAML, kept apart from field names by their type.

declare const result: unique symbol;

/** A CEL expression. `T` is the type of its result as far as it is known; CEL itself checks it when the job is validated. */
export interface Cel<out T = unknown, Text extends string = string> {
  readonly kind: 'cel';
  readonly text: Text;
  readonly [result]?: T;
}

/**
 * A CEL expression in place of a function: `filter(cel('event.dep_delay > 15'))`. Over `event`, `key`, `timeMs`, `nowMs`
 * (tables: `row`; the select of a join: `left`, `right`). Unlike a function it is checked before the job runs and its
 * text is part of the job's fingerprint.
 */
export function cel<T = never, const Text extends string = string>(text: Text): Cel<T, Text> {
  return { kind: 'cel', text };
}

export function isCel(value: unknown): value is Cel {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'cel';
}
