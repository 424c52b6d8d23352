// Is what is wanted there already? Only fields that we set are compared: the API server and others fill in the rest.
//
//   F1. A list is compared as a whole: an item more or less is a difference. Inside an item, again only what we set.
//   F2. Quantities count by value: the API server writes 1000m as 1.

import { quantityOf } from '../../runtime/base/quantity.ts';

export type Difference = { readonly path: string; readonly wanted: unknown; readonly found: unknown };

/** The first difference between `wanted` and what is `found`, or null. Pure. */
export function firstDifference(wanted: unknown, found: unknown, path = ''): Difference | null {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(found) || found.length !== wanted.length) return { path, wanted, found };
    return firstOf(wanted.map((item, place) => () => firstDifference(item, found[place], `${path}[${place}]`)));
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof found !== 'object' || found === null) {
      // The API server drops mappings without content.
      return Object.keys(wanted).length === 0 && found === undefined ? null : { path, wanted, found };
    }
    const there = found as Readonly<Record<string, unknown>>;
    return firstOf(
      Object.entries(wanted).map(
        ([name, value]) =>
          () =>
            firstDifference(value, there[name], path === '' ? name : `${path}.${name}`),
      ),
    );
  }
  if (wanted === found || wanted === undefined) return null;
  if (typeof wanted === 'string' && isQuantityPlace(path) && quantityOf(wanted) === quantityOf(found)) return null;
  return { path, wanted, found };
}

/** `spec.replicas was 3, is to be 2`. */
export function differenceText(kind: string, name: string, { path, wanted, found }: Difference): string {
  return `${kind} ${name}: ${path} was ${shown(found)}, is to be ${shown(wanted)}`;
}

function firstOf(compare: readonly (() => Difference | null)[]): Difference | null {
  for (const one of compare) {
    const difference = one();
    if (difference !== null) return difference;
  }
  return null;
}

function isQuantityPlace(path: string): boolean {
  return /\.(requests|limits)\.\w+$|sizeLimit$/.test(path);
}

const SHOWN_MAX = 60;

function shown(value: unknown): string {
  const text = value === undefined ? 'absent' : (JSON.stringify(value) ?? 'absent');
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 1)}…` : text;
}
