// Calendar parts of a time, in UTC or a named zone. The same on every machine: the machine's own zone is never asked.

import { ExpressionError } from './expression-error.ts';

const DAY_MS = 86_400_000;
const FORMATTERS_MAX = 64;

/** CEL's accessors: part of `ms` as a number. Months, days of month and days of year start at 0, `getDate` at 1, Sunday is 0. */
export const timeParts: Readonly<Record<string, (utc: Date) => number>> = {
  getFullYear: (utc) => utc.getUTCFullYear(),
  getMonth: (utc) => utc.getUTCMonth(),
  getDate: (utc) => utc.getUTCDate(),
  getDayOfMonth: (utc) => utc.getUTCDate() - 1,
  getDayOfWeek: (utc) => utc.getUTCDay(),
  getDayOfYear: (utc) => Math.floor((utc.getTime() - Date.UTC(utc.getUTCFullYear(), 0, 1)) / DAY_MS),
  getHours: (utc) => utc.getUTCHours(),
  getMinutes: (utc) => utc.getUTCMinutes(),
  getSeconds: (utc) => utc.getUTCSeconds(),
  getMilliseconds: (utc) => utc.getUTCMilliseconds(),
};

/** A Date whose UTC parts are the wall clock of `zone` (`America/New_York`, `+02:00`) at `ms`. */
export function wallClock(ms: number, zone: string): Date {
  const parts: Record<string, number> = {};
  for (const part of formatter(zone).formatToParts(ms)) parts[part.type] = Number(part.value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, ((ms % 1000) + 1000) % 1000);
  return date;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(zone: string): Intl.DateTimeFormat {
  let found = formatters.get(zone);
  if (found !== undefined) return found;
  try {
    const digits = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
    found = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', calendar: 'gregory', ...digits });
  } catch (cause) {
    throw new ExpressionError(`unknown time zone ${JSON.stringify(zone)}`, { cause });
  }
  if (formatters.size >= FORMATTERS_MAX) formatters.clear();
  formatters.set(zone, found);
  return found;
}
