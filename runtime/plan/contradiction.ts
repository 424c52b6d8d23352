// Conditions that contradict themselves: `event.n > 5 && event.n < 3`.
//
//   CN1. Only what is certain: comparisons of one name with numbers, all of which must hold. What else must hold, makes it no truer; where
//        there is anything that may hold in the place of another (or brackets, texts, calls) nothing is said.

const UNSURE = /[|?"'()[\]{}]/;
const COMPARISON = /^([A-Za-z_][\w.]*)\s*(<=?|>=?|==)\s*(-?\d+(?:\.\d+)?)$/;

/** The range that a name may be in. */
type Range = { low: number; isLowOpen: boolean; high: number; isHighOpen: boolean };

/** `text` is CEL. True: it is never true, whatever its names are. */
export function isContradiction(text: string): boolean {
  if (UNSURE.test(text)) return false;
  const ranges = new Map<string, Range>();
  for (const part of text.split('&&')) {
    const [, name, operator = '', number = ''] = COMPARISON.exec(part.trim()) ?? [];
    if (name === undefined) continue;
    const range = ranges.get(name) ?? { low: -Infinity, isLowOpen: false, high: Infinity, isHighOpen: false };
    if (!operator.startsWith('<')) raise(range, Number(number), operator === '>');
    if (!operator.startsWith('>')) lower(range, Number(number), operator === '<');
    ranges.set(name, range);
  }
  return [...ranges.values()].some(({ low, isLowOpen, high, isHighOpen }) => low > high || (low === high && (isLowOpen || isHighOpen)));
}

function raise(range: Range, low: number, isOpen: boolean): void {
  if (low > range.low) [range.low, range.isLowOpen] = [low, isOpen];
  else if (low === range.low && isOpen) range.isLowOpen = true;
}

function lower(range: Range, high: number, isOpen: boolean): void {
  if (high < range.high) [range.high, range.isHighOpen] = [high, isOpen];
  else if (high === range.high && isOpen) range.isHighOpen = true;
}
