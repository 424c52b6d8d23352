import { expect, test } from 'vitest';
import { librariesIn, nameServiceLibraries } from './shared-libraries.ts';

const ldd = `
	linux-vdso.so.1 (0x00007ffc0b9f2000)
	libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f6d0a200000)
	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f6d09e00000)
	/lib64/ld-linux-x86-64.so.2 (0x00007f6d0a4f1000)
`;

test('libraries are those with a path, the loader too; what the kernel brings has none', () =>
  expect(librariesIn(ldd)).toEqual(['/lib/x86_64-linux-gnu/libc.so.6', '/lib/x86_64-linux-gnu/libm.so.6', '/lib64/ld-linux-x86-64.so.2']));

test('a library that the machine lacks is told by name', () =>
  expect(() => librariesIn('\tlibstdc++.so.6 => not found\n')).toThrow(
    'this machine lacks libraries of the program: libstdc++.so.6 => not found',
  ));

test('a static program needs none', () => expect(librariesIn('\tnot a dynamic executable\n')).toEqual([]));

test('libraries for names lie beside the C library', () => {
  expect(nameServiceLibraries(librariesIn(ldd))).toContain('/lib/x86_64-linux-gnu/libnss_dns.so.2');
  expect(nameServiceLibraries([])).toEqual([]);
});
