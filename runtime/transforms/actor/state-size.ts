// The size of an actor's state against its limit: one key that grows without end must not take the partition with it.
//
//   SS1. About the bytes that the state takes where it is stored: texts by their characters, numbers as nine bytes, names once an object.
//   SS2. Small states cost a look at their fields. Of large ones only what is new is measured: what an event left as it was is known by
//        its identity, for state is never changed in place.
//   SS3. What would not come back from its bytes as it was is refused on the way (plain-state.ts).

import { MillraceError } from '../../base/errors.ts';
import { demandDepth, demandLeaf, demandPlainObject, isPlainObject } from './plain-state.ts';

/** Of one actor, when nothing is declared: a record holds some, and a delta rewrites the state whole with each step that changes it. */
export const STATE_BYTES_MAX = 262_144;

const NUMBER_BYTES = 9;
/** Fields and characters up to which a look is enough: all of them together are below any limit. */
const FEW_FIELDS = 32;
const SHORT_TEXT = 16;
/** Parts from this size on are remembered. */
const REMEMBERED_BYTES = 256;

/** An event that would make an actor's state larger than it may be. */
export class StateTooLarge extends Error {
  override readonly name = 'StateTooLarge';
  readonly bytes: number;
  readonly bytesMax: number;

  constructor(bytes: number, bytesMax: number) {
    super(`the state would have about ${bytes} bytes, more than ${bytesMax}`);
    [this.bytes, this.bytesMax] = [bytes, bytesMax];
  }
}

export class StateSize {
  readonly #bytesMax: number;
  readonly #known = new WeakMap<object, number>();

  constructor(bytesMax: number | undefined) {
    this.#bytesMax = bytesMax ?? STATE_BYTES_MAX;
  }

  /** Throws StateTooLarge for a state that is too large, and not smaller than the one before it; EventRefused for one that is no data. */
  check(state: unknown, before: unknown): void {
    if (isSmall(state)) return;
    const bytes = this.#measure(state, 0);
    if (bytes <= this.#bytesMax || bytes < this.#measure(before, 0)) return;
    throw new StateTooLarge(bytes, this.#bytesMax);
  }

  #measure(value: unknown, depth: number): number {
    if (typeof value === 'string') return value.length;
    if (typeof value === 'bigint') return String(value).length;
    if (typeof value !== 'object' || value === null) {
      demandLeaf(value); // SS3
      return NUMBER_BYTES;
    }
    if (ArrayBuffer.isView(value)) return value.byteLength;
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    demandDepth(depth);
    demandPlainObject(value);
    let bytes = NUMBER_BYTES;
    if (Array.isArray(value) || value instanceof Set) for (const part of value) bytes += this.#measure(part, depth + 1);
    else for (const [name, part] of Object.entries(value)) bytes += name.length + this.#measure(part, depth + 1);
    if (bytes >= REMEMBERED_BYTES) this.#known.set(value, bytes);
    return bytes;
  }
}

/** SS2. */
function isSmall(state: unknown): boolean {
  if (typeof state !== 'object' || state === null) return typeof state === 'string' ? state.length <= SHORT_TEXT : isDatum(state);
  if (Array.isArray(state)) return state.length === 0;
  if (!isPlainObject(state)) return false;
  let fields = 0;
  for (const name in state) {
    const value = (state as Readonly<Record<string, unknown>>)[name];
    if (++fields > FEW_FIELDS || name.length > SHORT_TEXT) return false;
    if (typeof value === 'string' ? value.length > SHORT_TEXT : !isDatum(value)) return false;
  }
  return true;
}

/** Neither an object nor code; of texts their length counts. */
function isDatum(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');
}

/** What the dead letter of an actor's event says: of a state that is too large by a code of its own, of all else that its code failed. */
export function actorCause(error: unknown, problem: string, transform: string): { readonly code: string; readonly message: string } {
  if (!(error instanceof StateTooLarge)) return { code: 'MR3002', message: new MillraceError('MR3002', { transform, problem }).message };
  const { bytes, bytesMax } = error;
  return { code: 'MR3008', message: new MillraceError('MR3008', { transform, bytes, bytesMax }).message };
}
