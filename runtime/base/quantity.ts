// Quantities: as Kubernetes has them (500m, 256Mi), and counts and bytes as people read them.

const UNITS: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** The number that it stands for; NaN when it is none. */
export function quantityOf(text: unknown): number {
  const [, digits, unit] = /^([\d.]+)(\w*)$/.exec(String(text)) ?? [];
  return digits === undefined ? NaN : Number(digits) * (UNITS[unit ?? ''] ?? NaN);
}

/** `20 KiB`, `531 MiB`, `1.2 GiB` */
export function readableBytes(bytes: number): string {
  const mebibytes = bytes / 1024 / 1024;
  if (bytes > 0 && mebibytes < 1) return `${Math.round(bytes / 1024)} KiB`;
  return mebibytes < 1000 ? `${Math.round(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}

/** `27,004` */
export function readableCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** `1 worker`, `27,004 workers` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${readableCount(count)} ${count === 1 ? one : many}`;
}
