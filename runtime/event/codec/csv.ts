// Rows of CSV (RFC 4180) to events: the header names the fields, the schema says what the texts mean.
//
//   V1. A row has as many columns as the header; any other number is an issue, nothing is guessed.
//   V2. A text that the source declares to mean null is null in every column, named in the schema or not, in
//       quotes or not (many writers put everything in quotes).

import type { EventSchemaSpec } from '../../../crds/stream-job/events.ts';
import { coerceField, compileFields, issueOf, REFUSED, setOwn, type FieldCheck, type RawEvent } from '../schema.ts';

export type CsvRow =
  | { readonly value: RawEvent }
  | { readonly issues: readonly string[]; /** The row's texts by column, when it has the right number. */ readonly texts: RawEvent | null };

export type CsvDecoder = (text: string, quoted: boolean) => CsvRow;

/** Names of the columns. A column without a name is `column<N>`. */
export function readHeader(text: string, quoted: boolean): readonly string[] {
  return splitRow(text, quoted).map((name, index) => (name === '' ? `column${index + 1}` : name));
}

export function compileCsv(
  header: readonly string[],
  options: { readonly schema: EventSchemaSpec | undefined; readonly nulls: readonly string[] },
): CsvDecoder {
  const checks = new Map(compileFields(options.schema, 'text').map((field) => [field.name, field]));
  const columns = header.map((name) => checks.get(name) ?? null);
  const nulls = new Set(options.nulls);
  // All events of a file get one shape: a copy of this one, filled.
  const empty: RawEvent = {};
  for (const name of header) setOwn(empty, name, null);

  return (text, quoted) => {
    if (text.includes('\0')) return { issues: [`a NUL byte at character ${text.indexOf('\0')}`], texts: null };
    const texts = splitRow(text, quoted);
    if (texts.length !== header.length) return { issues: [`found ${texts.length} columns, expected ${header.length}`], texts: null };
    const value: RawEvent = { ...empty };
    let issues: string[] | null = null;
    for (let i = 0; i < texts.length; i++) {
      const seen = nulls.has(texts[i] as string) ? null : texts[i];
      const field = columns[i] as FieldCheck | null;
      const coerced = field === null ? seen : coerceField(field, seen);
      // `value` has every name of the header as its own, so this sets it even for `__proto__`.
      if (coerced === REFUSED) (issues ??= []).push(issueOf(field as FieldCheck, seen));
      else value[header[i] as string] = coerced;
    }
    return issues === null ? { value } : { issues, texts: textsOf(header, texts) };
  };
}

function textsOf(header: readonly string[], texts: readonly string[]): RawEvent {
  const result: RawEvent = {};
  header.forEach((name, index) => setOwn(result, name, texts[index]));
  return result;
}

const QUOTE = 34;

/** The texts of a row that the splitter found whole. */
function splitRow(text: string, quoted: boolean): readonly string[] {
  if (!quoted) return text.split(',');
  const texts: string[] = [];
  for (let at = 0; at <= text.length;) {
    if (text.charCodeAt(at) === QUOTE) {
      const end = closingQuote(text, at + 1);
      texts.push(text.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 2; // the quote and the comma, or the end
    } else {
      const comma = text.indexOf(',', at);
      const end = comma < 0 ? text.length : comma;
      texts.push(text.slice(at, end));
      at = end + 1;
    }
  }
  return texts;
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0 && text.charCodeAt(at + 1) === QUOTE) at = text.indexOf('"', at + 2);
  return at < 0 ? text.length : at;
}
