// The valid name that a mistyped one most likely meant.

/** Edit distance with transpositions (optimal string alignment), case ignored. */
export function editDistance(left: string, right: string): number {
  const a = left.toLowerCase();
  const b = right.toLowerCase();
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) cost = Math.min(cost, at(beforeLast, column - 2) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

/** The candidate nearest to `word`, when it is near enough to be what was meant; the first of equals. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const distanceMax = Math.max(1, Math.floor(word.length / 3));
  let best: string | null = null;
  let bestDistance = distanceMax + 1;
  for (const candidate of candidates) {
    // Lengths alone already differ by more: not worth the table (a candidate list may be long).
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

const LISTED_MAX = 12;

/** What to do about an unknown `word`: `did you mean "hourly"? allowed: a, b`. Empty candidates: `there are none`. */
export function suggest(word: string, candidates: readonly string[]): string {
  if (candidates.length === 0) return 'there are none';
  const near = nearest(word, candidates);
  if (near !== null) return `did you mean "${near}"?`;
  const listed = candidates.slice(0, LISTED_MAX).join(', ');
  const more = candidates.length > LISTED_MAX ? ` and ${candidates.length - LISTED_MAX} more` : '';
  return `allowed: ${listed}${more}`;
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
