// Taking objects of one shape apart into columns, and putting them together again.
//
// Both loops are compiled per list of field names, once it has proved frequent (`new Function`): reading and writing fields by constant
// names is several times faster than by variables. Names are data of users: they enter the code only as JSON
// string literals in computed brackets, so that no name is code and `__proto__` is a field like any other.
// Where code generation is forbidden (--disallow-code-generation-from-strings), plain loops do the same.

export type Shape = {
  readonly names: readonly string[];
  /** columns[field][i] = values[i][field]; false as soon as a value has other fields or another order. */
  split(values: readonly object[], columns: readonly unknown[][]): boolean;
  /** The reverse of split. */
  join(count: number, columns: readonly (readonly unknown[])[]): object[];
};

type Known = { shape: Shape; values: number; isSettled: boolean };

/** Most shapes remembered: jobs have a few dozen; a stream of ever new field names must not fill the memory. */
const SHAPES_MAX = 512;
/** Compiling takes as long as splitting about this many values by plain loops: rare shapes are not worth it. */
const COMPILE_AFTER_VALUES = 200;
const known = new Map<string, Known>();

/** The shape with these field names, for about to be `count` values. */
export function shapeOf(names: readonly string[], count: number): Shape {
  const text = JSON.stringify(names);
  let entry = known.get(text);
  if (entry === undefined) {
    entry = { shape: interpret(names), values: 0, isSettled: false };
    if (known.size >= SHAPES_MAX) known.clear();
    known.set(text, entry);
  }
  entry.values += count;
  if (!entry.isSettled && entry.values >= COMPILE_AFTER_VALUES) {
    entry.shape = compile(names) ?? entry.shape;
    entry.isSettled = true;
  }
  return entry.shape;
}

/** True when `value` has exactly these own fields, in this order. */
export function hasNames(value: object, names: readonly string[]): boolean {
  let i = 0;
  for (const name in value) if (name !== names[i++]) return false;
  return i === names.length;
}

/** A field that any name can have. Assigning to `__proto__` would set the prototype. */
export function setField(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') target[name] = value;
  else Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

/** More fields than this in one function cost more to compile than they save. */
const COMPILED_FIELDS_MAX = 200;

/** Null where there is no code generation, or too many fields. Exported for the test that holds both equal. */
export function compile(names: readonly string[]): Shape | null {
  if (names.length > COMPILED_FIELDS_MAX) return null;
  const literals = names.map((name) => JSON.stringify(name));
  const columns = names.map((_name, i) => `c${i} = columns[${i}]`);
  const declared = columns.length === 0 ? '' : `const ${columns.join(', ')};`;
  const checks = literals.map((literal, i) => `case ${i}: if (name !== ${literal}) return false; break;`);
  const reads = literals.map((literal, i) => `c${i}[i] = value[${literal}];`);
  const fields = literals.map((literal, i) => `[${literal}]: c${i}[i]`);
  const split = `${declared} for (let i = 0; i < values.length; i++) {
    const value = values[i];
    let n = 0;
    for (const name in value) switch (n++) { ${checks.join(' ')} default: return false; }
    if (n !== ${names.length}) return false;
    ${reads.join(' ')}
  } return true;`;
  const join = `${declared} const values = new Array(count);
    for (let i = 0; i < count; i++) values[i] = { ${fields.join(', ')} };
    return values;`;
  try {
    return {
      names,
      // oxlint-disable-next-line typescript/no-implied-eval -- see the head of this file
      split: new Function('values', 'columns', split) as Shape['split'],
      // oxlint-disable-next-line typescript/no-implied-eval -- see the head of this file
      join: new Function('count', 'columns', join) as Shape['join'],
    };
  } catch (error) {
    if (error instanceof EvalError) return null;
    throw error;
  }
}

/** The same without code generation. */
export function interpret(names: readonly string[]): Shape {
  return {
    names,
    split(values, columns) {
      for (let i = 0; i < values.length; i++) {
        const value = values[i] as Record<string, unknown>;
        if (!hasNames(value, names)) return false;
        for (let n = 0; n < names.length; n++) (columns[n] as unknown[])[i] = value[names[n] as string];
      }
      return true;
    },
    join(count, columns) {
      const values = new Array<object>(count);
      for (let i = 0; i < count; i++) {
        const value: Record<string, unknown> = {};
        for (let n = 0; n < names.length; n++) setField(value, names[n] as string, (columns[n] as unknown[])[i]);
        values[i] = value;
      }
      return values;
    },
  };
}
