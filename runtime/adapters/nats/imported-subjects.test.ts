import { expect, test } from 'vitest';
import { importsOf } from './imported-subjects.ts';

test.each([
  { fact: 'a subject', of: ['out.a'], local: ['mr.ns.out.a'] },
  { fact: 'each once, in order', of: ['out.b', 'out.a', 'out.b'], local: ['mr.ns.out.a', 'mr.ns.out.b'] },
  { fact: 'wildcards by their numbers', of: ['a.*.b.*.>'], local: ['mr.ns.a.$1.b.$2.>'] },
  { fact: 'none that lies in another', of: ['a.*', 'a.b', 'c.>', 'c.d.e', 'c.*.>'], local: ['mr.ns.a.$1', 'mr.ns.c.>'] },
  { fact: 'those that only meet', of: ['a.*', '*.b', 'a', 'a.b.c'], local: ['mr.ns.$1.b', 'mr.ns.a', 'mr.ns.a.$1', 'mr.ns.a.b.c'] },
])('imported is $fact', ({ of, local }) => {
  expect(
    importsOf(of)
      .map((one) => one.local)
      .sort(),
  ).toEqual(local);
});

test('only pulls are exported as they are: they alone are answered more than once', () => {
  expect(importsOf(['$JS.API.CONSUMER.MSG.NEXT.IN.*', '$JS.API.STREAM.INFO.IN'])).toEqual([
    { exported: '$JS.API.CONSUMER.MSG.NEXT.IN.*', local: 'mr.ns.$JS.API.CONSUMER.MSG.NEXT.IN.$1' },
    { exported: 'mr.ns.$JS.API.STREAM.INFO.IN', local: 'mr.ns.$JS.API.STREAM.INFO.IN' },
  ]);
});
