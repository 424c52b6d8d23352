// Waiting twice as long after each failure, up to a limit. Pure.

/** After failure number `failures` (from 1 on): `firstMs`, then twice as long each time, never above `maxMs`. */
export function doublingMs(failures: number, { firstMs, maxMs }: { readonly firstMs: number; readonly maxMs: number }): number {
  return Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1));
}
