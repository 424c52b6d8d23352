// ISO 8601 texts to ms since the epoch, without Date.parse: that one takes texts without an offset as local time,
// rolls 31 February over, and reads much that is no ISO 8601.
//
//   I1. A text without offset is UTC: the result never depends on the machine.
//   I2. A date or time that does not exist is refused, never moved to one that does.

const SHAPE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?)?$/;
const DAY_MS = 86_400_000;

/** `2013-01-01T10:00:00Z`, with fraction, offset, a blank for the T, or a date alone (midnight). null: no such time. */
export function parseIsoTime(text: string): number | null {
  const simple = parseCommonForm(text);
  if (simple !== null) return simple;
  const found = SHAPE.exec(text);
  if (found === null) return null;
  const day = dayMs(Number(found[1]), Number(found[2]), Number(found[3]));
  const time = timeOfDayMs(Number(found[4] ?? 0), Number(found[5] ?? 0), Number(found[6] ?? 0));
  const offset = offsetMs(found[8]);
  if (day === null || time === null || offset === null) return null;
  return day + time + Number((found[7] ?? '').padEnd(3, '0').slice(0, 3)) - offset;
}

// `YYYY-MM-DDTHH:MM:SSZ` is what nearly all files have: no regular expression, and the day is remembered.
let lastDayText = '';
let lastDayMs: number | null = null;

function parseCommonForm(text: string): number | null {
  if (text.length !== 20 || text.charCodeAt(19) !== 90 || text.charCodeAt(10) !== 84) return null;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return null;
  const time = timeOfDayMs(twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17));
  const dayText = text.slice(0, 10);
  if (dayText !== lastDayText) {
    const found = SHAPE.exec(dayText);
    lastDayText = dayText;
    lastDayMs = found === null ? null : dayMs(Number(found[1]), Number(found[2]), Number(found[3]));
  }
  return time === null || lastDayMs === null ? null : lastDayMs + time;
}

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? NaN : tens * 10 + ones;
}

function dayMs(year: number, month: number, day: number): number | null {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // Date.UTC would take the years 0 … 99 as 1900 … 1999
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.getTime() : null;
}

function timeOfDayMs(hour: number, minute: number, second: number): number | null {
  if (hour === 24 && minute === 0 && second === 0) return DAY_MS;
  // A leap second (:60) counts as the second after it, as POSIX clocks do.
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return null;
  return hour * 3_600_000 + minute * 60_000 + second * 1000;
}

function offsetMs(text: string | undefined): number | null {
  if (text === undefined || text === 'Z' || text === 'z') return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(3).replace(':', '') || 0);
  if (hours > 23 || minutes > 59) return null;
  return (text.startsWith('-') ? -1 : 1) * (hours * 3_600_000 + minutes * 60_000);
}
