// Figures and times as the page writes them. Pure.

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });

export function count(value: number): string {
  return whole.format(value);
}

/** 12,300 → `12.3K`; below a thousand as it is. */
export function short(value: number): string {
  return value < 1_000 ? whole.format(value) : compact.format(value);
}

export function rate(perS: number): string {
  if (perS === 0) return '0/s';
  return perS < 10 ? `${perS.toFixed(1)}/s` : `${short(perS)}/s`;
}

/** `2013-01-13 04:59:00`, in UTC. */
export function time(ms: number | null): string {
  if (ms === null) return '–';
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString().slice(0, 19).replace('T', ' ');
}

/** `04:59:12`, in the viewer's own time zone: when it was seen. */
export function clock(ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB');
}

/** The same with its day where that is another one than that of `nowMs`: `27 Nov 04:59:12`, and with its year where that is. */
export function moment(ms: number, nowMs: number): string {
  const [then, now] = [new Date(ms), new Date(nowMs)];
  if (then.toDateString() === now.toDateString()) return clock(ms);
  const year = then.getFullYear() === now.getFullYear() ? {} : ({ year: 'numeric' } as const);
  const day = then.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', ...year });
  return `${day.replaceAll(' ', '\u00a0')} ${clock(ms)}`;
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length, Math.floor(Math.log2(value) / 10));
  return `${(value / 1024 ** power).toFixed(power === 1 ? 0 : 1)} ${units[power - 1]}`;
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `12 % busy, 3 % blocked, 85 % idle`. */
export function loadText({ busy, blocked, idle }: { readonly busy: number; readonly blocked: number; readonly idle: number }): string {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  return `${percent(busy)} busy, ${percent(blocked)} blocked, ${percent(idle)} idle`;
}

/** JSON over several lines; what is none as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text) as unknown, null, 2);
  } catch {
    return text;
  }
}
