// What code of a user is given of its actor's state, so that what it changes in place counts only when it returns.
//
//   SG1. Code that was seen to change what it is given is given a copy: the cell is as it was until there is a next state.
//   SG2. Whether it does so is looked for with copies as well: in its first steps, in those after one that failed, and then after so many
//        steps that looking costs each of them about the same, however large the state is. Code that does not is given the state itself.
//   SG3. So what is not undone is one change in place: of code that made none in any step that was looked at, in a step that fails.

const FIRST_STEPS = 64;
/** Steps without a look, for each object and leaf that the look before went through. */
const STEPS_PER_PART = 64;

type Parts = { count: number };

export class StateGuard {
  #isCopying = false;
  /** Steps to look at in a row, then steps until the next look. */
  #looksLeft = FIRST_STEPS;
  #stepsLeft = 0;
  /** Of the step that is looked at. */
  #state: unknown = null;
  #copy: unknown = null;

  /** What the next step is given: `state`, or a copy of it. */
  give(state: unknown): unknown {
    if (typeof state !== 'object' || state === null) return state;
    if (this.#isCopying) return copyOf(state, { count: 0 });
    if (this.#stepsLeft > 0) {
      this.#stepsLeft--;
      return state;
    }
    return this.#look(state);
  }

  /** The step that was given the state has ended: by itself, or `isFailed`. */
  ended(isFailed: boolean): void {
    if (this.#state !== null) {
      this.#isCopying = !isSame(this.#state, this.#copy);
      this.#state = this.#copy = null;
    }
    if (isFailed) [this.#looksLeft, this.#stepsLeft] = [FIRST_STEPS, 0];
  }

  #look(state: object): unknown {
    const parts: Parts = { count: 0 };
    this.#state = state;
    this.#copy = copyOf(state, parts);
    if (this.#looksLeft > 0) this.#looksLeft--;
    else this.#stepsLeft = parts.count * STEPS_PER_PART;
    return this.#copy;
  }
}

/** Of plain data (plain-state.ts). */
function copyOf(value: unknown, parts: Parts): unknown {
  parts.count++;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((part) => copyOf(part, parts));
  if (value instanceof Set) return new Set([...value].map((part) => copyOf(part, parts)));
  if (value instanceof Date) return new Date(value);
  if (ArrayBuffer.isView(value)) return structuredClone(value); // slice of a Buffer is no copy
  const copy = { ...value } as Record<string, unknown>;
  for (const name in copy) {
    const part = copy[name];
    if (typeof part === 'object' && part !== null) copy[name] = copyOf(part, parts);
    else parts.count++;
  }
  return copy;
}

/** Whether `copy` is still as it was copied from `value`. */
function isSame(value: unknown, copy: unknown): boolean {
  if (typeof value !== 'object' || value === null || typeof copy !== 'object' || copy === null) return Object.is(value, copy);
  if (Array.isArray(value)) return Array.isArray(copy) && areSame(value, copy);
  if (value instanceof Set) return copy instanceof Set && areSame([...value], [...copy]);
  if (value instanceof Date) return copy instanceof Date && value.getTime() === copy.getTime();
  if (ArrayBuffer.isView(value)) return ArrayBuffer.isView(copy) && areSame(value as Uint8Array, copy as Uint8Array);
  const [names, of, as] = [Object.keys(value), value as Record<string, unknown>, copy as Record<string, unknown>];
  if (names.length !== Object.keys(copy).length) return false;
  return names.every((name) => Object.hasOwn(as, name) && isSame(of[name], as[name]));
}

function areSame(values: ArrayLike<unknown>, copies: ArrayLike<unknown>): boolean {
  if (values.length !== copies.length) return false;
  for (let i = 0; i < values.length; i++) if (!isSame(values[i], copies[i])) return false;
  return true;
}
