// Paths into a declaration: `spec.stages[2].machine.on["a.b"]`, as text for people and as parts for programs.

export type PathPart = string | number;

const PLAIN = /^[A-Za-z_][\w-]*$/;
const PARTS = /\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g;

/** `['spec', 'stages', 2, 'a.b']` → `spec.stages[2]["a.b"]`; an empty path is the whole: `(root)`. */
export function formatPath(parts: readonly PathPart[]): string {
  if (parts.length === 0) return '(root)';
  return parts.map(formatPart).join('');
}

/** The parts of what `formatPath` wrote. */
export function parsePath(text: string): PathPart[] {
  if (text === '(root)') return [];
  return Array.from(text.matchAll(PARTS), ([, name, index, quoted]) => {
    if (name !== undefined) return name;
    return index === undefined ? (JSON.parse(quoted ?? '""') as string) : Number(index);
  });
}

/** True when `path` is `prefix` or lies below it. */
export function isWithin(path: readonly PathPart[], prefix: readonly PathPart[]): boolean {
  return prefix.length <= path.length && prefix.every((part, index) => String(part) === String(path[index]));
}

function formatPart(part: PathPart, index: number): string {
  if (typeof part === 'number') return `[${part}]`;
  if (!PLAIN.test(part)) return `[${JSON.stringify(part)}]`;
  return index === 0 ? part : `.${part}`;
}
