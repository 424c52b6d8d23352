// Reads a flights file for the slow computation: bytes → rows. Plain and obvious; no code of the engine.
//
//   R1. Rows keep the file's order: `row` is a row's place in it, and decides between equal times.
//   R2. A row that does not parse, or lacks what every flight has, is refused with its line; the others stand.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export type FlightRow = {
  /** Place in the file, 0 for the first row after the header. */
  readonly row: number;
  readonly origin: string;
  readonly tailnum: string | null;
  /** Carrier and number, as `UA1545`. */
  readonly flight: string;
  readonly scheduledMs: number;
  /** True when the row has a `dep_time`. */
  readonly hasDeparted: boolean;
  readonly depDelayMin: number | null;
  readonly arrDelayMin: number | null;
  readonly airMin: number | null;
  readonly distance: number | null;
};

export type FlightFile = { readonly rows: readonly FlightRow[]; readonly refused: readonly string[] };

/** Reads a flights file, gzipped or not. */
export function readFlightFile(path: string): FlightFile {
  const bytes = readFileSync(path);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return readFlights((isGzip ? gunzipSync(bytes) : bytes).toString('utf8'));
}

/** Reads the text of a flights file. */
export function readFlights(text: string): FlightFile {
  const [header = [], ...records] = splitCsv(text);
  const rows: FlightRow[] = [];
  const refused: string[] = [];
  records.forEach((record, row) => {
    try {
      if (record.length !== header.length) throw new Error(`${record.length} fields, not ${header.length}`);
      rows.push(flightOf(new Map(header.map((name, i) => [name, record[i] ?? ''])), row));
    } catch (error) {
      refused.push(`row ${row}: ${(error as Error).message}`);
    }
  });
  return { rows, refused };
}

/** RFC 4180: fields in quotes may hold commas, line ends and doubled quotes. A last empty line is no record. */
export function splitCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quoted) {
      if (char !== '"') field += char;
      else if (text[i + 1] === '"') {
        field += '"';
        i++;
      } else quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === ',') {
      record.push(field);
      field = '';
    } else if (char === '\n') {
      record.push(field.endsWith('\r') ? field.slice(0, -1) : field);
      if (record.length > 1 || record[0] !== '') records.push(record);
      record = [];
      field = '';
    } else field += char;
  }
  if (field !== '' || record.length > 0) records.push([...record, field]);
  return records;
}

function flightOf(fields: ReadonlyMap<string, string>, row: number): FlightRow {
  const text = (name: string): string | null => {
    const value = fields.get(name);
    if (value === undefined) throw new Error(`no column ${name}`);
    return value === 'NA' || value === '' ? null : value;
  };
  const known = (name: string): string => {
    const value = text(name);
    if (value === null) throw new Error(`${name} is missing`);
    return value;
  };
  const number = (name: string): number | null => {
    const value = text(name);
    if (value === null) return null;
    if (!/^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) throw new Error(`${name} is no number: ${value}`);
    return Number(value);
  };
  const whole = (name: string): number | null => {
    const value = number(name);
    if (value !== null && !Number.isInteger(value)) throw new Error(`${name} is no whole number: ${value}`);
    return value;
  };
  const hourMs = Date.parse(known('time_hour'));
  const minute = whole('minute');
  const flight = whole('flight');
  if (Number.isNaN(hourMs)) throw new Error(`time_hour is no time: ${text('time_hour')}`);
  if (minute === null || flight === null) throw new Error('minute or flight is missing');
  known('dest');
  return {
    row,
    origin: known('origin'),
    tailnum: text('tailnum'),
    flight: known('carrier') + String(flight),
    scheduledMs: hourMs + minute * 60_000,
    hasDeparted: whole('dep_time') !== null,
    depDelayMin: number('dep_delay'),
    arrDelayMin: number('arr_delay'),
    airMin: number('air_time'),
    distance: number('distance'),
  };
}
