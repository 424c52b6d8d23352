// What this process uses, as workers report it.

export type Usage = { readonly memoryBytes: number; readonly cpuMs: number };

export function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { memoryBytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 };
}
