// Which shared libraries a program needs at its start. Pure.

/** Where each library lies that `ldd` lists, its own path first where it has links. Throws when one is missing on this machine. */
export function librariesIn(lddOutput: string): readonly string[] {
  const lines = lddOutput.split('\n').map((line) => line.trim());
  const missing = lines.filter((line) => line.endsWith('not found'));
  if (missing.length > 0) throw new Error(`this machine lacks libraries of the program: ${missing.join('; ')}; nothing was written`);
  const paths = lines.flatMap((line) => /(?:=> )?(\/\S+) \(0x[0-9a-f]+\)$/.exec(line)?.[1] ?? []);
  return [...new Set(paths)].toSorted();
}

/** Beside the C library: what it loads by itself to resolve names, where that is not part of it (before glibc 2.34). */
export function nameServiceLibraries(libraries: readonly string[]): readonly string[] {
  const libc = libraries.find((path) => path.endsWith('/libc.so.6'));
  if (libc === undefined) return [];
  return ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'].map((name) => libc.replace('libc.so.6', name));
}
