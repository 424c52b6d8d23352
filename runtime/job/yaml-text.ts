// A declaration's text (YAML 1.2 with anchors and merge keys, or JSON) as a value, with the place of everything in it.
//
//   T1. Bounded in memory and time whatever the text: size, values after expansion, depth.
//   T2. A text with mistakes in its syntax gives issues and no value; duplicate keys give issues and a value.

import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLError,
} from 'yaml';
import type { Issue } from '../base/issues.ts';
import { JOB_DEPTH_MAX, JOB_TEXT_BYTES_MAX, JOB_VALUES_MAX, SYNTAX_ISSUES_MAX } from '../base/limits.ts';
import { suggest } from '../base/nearest.ts';
import { formatPath, type PathPart } from '../base/path.ts';

/** How V8 says that the parser, which recurses, met a text of thousands of brackets. */
const STACK = 'call stack';
const TOO_DEEP = `is nested deeper than ${JOB_DEPTH_MAX} levels`;

export type Place = { readonly line: number; readonly column: number };

/** A text that could be read. */
export class YamlText {
  readonly document: Document.Parsed;
  readonly #lines: LineCounter;

  constructor(document: Document.Parsed, lines: LineCounter) {
    this.document = document;
    this.#lines = lines;
  }

  get root(): Node | null {
    return this.document.contents;
  }

  /** The value as plain data. Aliases share their value: it must not be changed. */
  value(): unknown {
    return this.document.toJS({ maxAliasCount: -1 });
  }

  /** Place of the value at `path`; of the nearest thing around it when it is not there. `key`: of the field's name. */
  place(path: readonly PathPart[], part: 'key' | 'value' = 'value'): Place | null {
    const { node, pair, whole } = this.#find(path);
    const shown = part === 'key' && whole && pair !== null ? (pair.key as Node) : node;
    return shown?.range ? this.placeAt(shown.range[0]) : null;
  }

  /** The node at `path`, aliases followed; null when it is not there. */
  nodeAt(path: readonly PathPart[]): Node | null {
    const { node, whole } = this.#find(path);
    return whole ? this.#follow(node) : null;
  }

  placeAt(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }

  #find(path: readonly PathPart[]): { node: Node | null; pair: Pair | null; whole: boolean } {
    let node: Node | null = this.root;
    let pair: Pair | null = null;
    for (const part of path) {
      const inside = this.#follow(node);
      const next: Node | Pair | null = isMap(inside)
        ? this.#pairOf(inside, String(part))
        : isSeq(inside)
          ? ((inside.items[Number(part)] ?? null) as Node | null)
          : null;
      if (next === null) return { node, pair, whole: false };
      pair = isPair(next) ? next : null;
      node = isPair(next) ? ((next.value ?? next.key) as Node | null) : next;
    }
    return { node, pair, whole: true };
  }

  /** The pair of `key`: the mapping's own, else one that was merged into it. */
  #pairOf(map: unknown, key: string): Pair | null {
    const inside = this.#follow(map as Node | null);
    if (isSeq(inside)) return inside.items.map((item) => this.#pairOf(item, key)).find((pair) => pair !== null) ?? null;
    if (!isMap(inside)) return null;
    const own = inside.items.find((pair) => keyText(pair) === key && !isMerge(pair));
    if (own !== undefined) return own;
    return (
      inside.items
        .filter(isMerge)
        .map((pair) => this.#pairOf(pair.value, key))
        .find((pair) => pair !== null) ?? null
    );
  }

  #follow(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.document) ?? null) : node;
  }
}

/** Reads `text`. `yaml` is null when the syntax is broken or the text is too large; then there are issues. */
export function readYaml(text: string): { readonly yaml: YamlText | null; readonly issues: readonly Issue[] } {
  const bytes = Buffer.byteLength(text);
  if (bytes > JOB_TEXT_BYTES_MAX)
    return refuse(
      `has ${bytes} bytes, a job file has at most ${JOB_TEXT_BYTES_MAX}`,
      'is this a data file? a job file declares sources, it does not hold events',
    );
  const lines = new LineCounter();
  try {
    const documents = parseAllDocuments(text, { version: '1.2', merge: true, lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
    return checkDocuments(documents as Document.Parsed[], lines);
  } catch (error) {
    if (error instanceof RangeError && error.message.includes(STACK)) return refuse(TOO_DEEP);
    throw error;
  }
}

function checkDocuments(documents: readonly Document.Parsed[], lines: LineCounter): ReturnType<typeof readYaml> {
  const [document, second] = documents;
  if (document === undefined || document.contents === null)
    return refuse('the file is empty', 'a job begins with apiVersion: millrace.dev/v1alpha1 and kind: StreamJob');
  const yaml = new YamlText(document, lines);
  const errors = [...document.errors, ...document.warnings];
  const broken = errors.filter((error) => error.code !== 'DUPLICATE_KEY');
  if (broken.some((error) => error.message.includes(STACK))) return refuse(TOO_DEEP);
  if (broken.length > 0)
    return {
      yaml: null,
      issues: withoutEchoes(broken)
        .map((error) => syntaxIssue(error, yaml))
        .slice(0, SYNTAX_ISSUES_MAX),
    };
  const duplicates = errors.map((error) => syntaxIssue(error, yaml));
  const aliases = unknownAliases(document, yaml);
  if (aliases.length > 0) return { yaml: null, issues: [...duplicates, ...aliases] };
  const unbounded = checkBounds(yaml.value());
  if (unbounded !== null) return refuse(unbounded);
  const issues = [...duplicates];
  if (second !== undefined) {
    issues.push({
      path: formatPath([]),
      message: `the file has ${documents.length} YAML documents`,
      fix: 'one job a file',
      ...yaml.placeAt(second.range[0]),
    });
  }
  return { yaml, issues };
}

function refuse(message: string, fix?: string): ReturnType<typeof readYaml> {
  return { yaml: null, issues: [{ path: formatPath([]), message, ...(fix === undefined ? {} : { fix }), line: 1, column: 1 }] };
}

function syntaxIssue(error: YAMLError, yaml: YamlText): Issue {
  const place = yaml.placeAt(error.pos[0]);
  const { path, key } = whereIs(yaml.root, error.pos[0]);
  if (error.code === 'DUPLICATE_KEY')
    return {
      path: formatPath(key === null ? path : [...path, key]),
      message: 'is declared twice; the second one is here',
      fix: 'keep one of them',
      ...place,
    };
  return {
    path: formatPath(path),
    message: `not valid YAML: ${error.message.replace(/\s+/g, ' ')}`,
    fix: SYNTAX_FIXES[error.code] ?? SYNTAX_FIX,
    ...place,
  };
}

const SYNTAX_FIX = 'texts with { } [ ] : # or ${…} inside need quotes';
const SYNTAX_FIXES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  TAG_RESOLVE_FAILED: 'leave the tag away',
  BAD_INDENT: 'check the indentation, and that every [ and { is closed',
};

/** After a first mistake the parser is lost for a while: what it did not expect there says nothing new. */
function withoutEchoes(errors: readonly YAMLError[]): readonly YAMLError[] {
  return errors.filter((error, i) => i === 0 || (error.code !== 'UNEXPECTED_TOKEN' && error.pos[0] !== errors[i - 1]?.pos[0]));
}

/** Path of the innermost mapping or list that holds `offset`, and the key that begins there. */
function whereIs(root: Node | null, offset: number): { readonly path: PathPart[]; readonly key: string | null } {
  const path: PathPart[] = [];
  let node: Node | null = root;
  for (;;) {
    const holds = (child: unknown): boolean => isNode(child) && child.range[0] <= offset && offset < child.range[1];
    if (isMap(node)) {
      const key: Pair | undefined = node.items.find((pair) => holds(pair.key));
      if (key !== undefined) return { path, key: keyText(key) };
      const inside: Pair | undefined = node.items.find((pair) => holds(pair.value));
      if (inside === undefined) return { path, key: null };
      path.push(keyText(inside));
      node = inside.value as Node;
    } else if (isSeq(node)) {
      const index: number = node.items.findIndex(holds);
      if (index < 0) return { path, key: null };
      path.push(index);
      node = node.items[index] as Node;
    } else return { path, key: null };
  }
}

function unknownAliases(document: Document.Parsed, yaml: YamlText): readonly Issue[] {
  const anchors: string[] = [];
  const issues: Issue[] = [];
  visit(document, {
    Node: (_key, node) => {
      if (!isAlias(node) && node.anchor !== undefined) anchors.push(node.anchor);
      if (!isAlias(node) || anchors.includes(node.source)) return;
      const offset = node.range?.[0] ?? 0;
      issues.push({
        path: formatPath(whereIs(document.contents, offset).path),
        message: `unknown anchor *${node.source}`,
        fix: suggest(node.source, anchors),
        ...yaml.placeAt(offset),
      });
    },
  });
  return issues;
}

/** What is wrong with the size of a value whose parts may be shared many times, or even hold themselves. */
function checkBounds(root: unknown): string | null {
  let count = 0;
  const tooDeep = (value: unknown, depth: number): boolean => {
    if (depth > JOB_DEPTH_MAX) return true;
    count++;
    if (typeof value !== 'object' || value === null) return false;
    for (const child of Object.values(value)) {
      if (count > JOB_VALUES_MAX || tooDeep(child, depth + 1)) return count <= JOB_VALUES_MAX;
    }
    return false;
  };
  if (tooDeep(root, 0)) return `${TOO_DEEP} (does an anchor hold an alias of itself?)`;
  return count > JOB_VALUES_MAX ? `expands to more than ${JOB_VALUES_MAX} values (aliases of aliases multiply)` : null;
}

/** A key as the field name that it becomes. */
export function keyText(pair: Pair): string {
  if (!isScalar(pair.key)) return String(pair.key);
  if (typeof pair.key.value === 'symbol') return '<<'; // a merge
  return pair.key.value === null ? '' : String(pair.key.value as string | number | boolean);
}

function isMerge(pair: Pair): boolean {
  return isScalar(pair.key) && pair.key.type === 'PLAIN' && (pair.key.value === '<<' || typeof pair.key.value === 'symbol');
}

function isNode(node: unknown): node is Node & { range: readonly [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}
