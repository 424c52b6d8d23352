/** The mark of an event, with as many evaluations as the cube of `side`: about a millisecond of a processor for 22. */
export function heavyExpression(side: number): string {
  const numbers = `[${Array.from({ length: side }, (_, i) => i).join(',')}]`;
  return `${numbers}.all(x, ${numbers}.all(y, ${numbers}.all(z, x + y + z + event.n >= 0))) ? 'a' : 'b'`;
}
