// Quantiles of many numbers, about: a t-digest that is merged from time to time.
// Algorithm: Dunning, Ertl: Computing extremely accurate quantiles using t-digests, 2019 (merging digest, scale function k1).
//
//   D1. Up to EXACT_MAX numbers are kept as they are, and their quantiles are exact: between the two nearest, linearly.
//   D2. Beyond, neighbours are drawn together into centroids so that one in the middle holds at most π / COMPRESSION of all
//       numbers, and one at an end very few: a quantile's rank is off by 0.4 % in the middle and less towards the ends.
//   D3. Plain data: a list of numbers that wait, and means with weights in ascending order. What the result is depends, within
//       D2, on the order in which numbers came.

export type TDigest = {
  /** Not drawn together yet; any order. */
  waiting: number[];
  means: number[];
  weights: number[];
  least: number;
  most: number;
};

const EXACT_MAX = 512;
const COMPRESSION = 400;

export function emptyDigest(): TDigest {
  return { waiting: [], means: [], weights: [], least: Infinity, most: -Infinity };
}

export function addToDigest(digest: TDigest, value: number): void {
  digest.waiting.push(value);
  digest.least = Math.min(digest.least, value);
  digest.most = Math.max(digest.most, value);
  if (digest.waiting.length > EXACT_MAX) compress(digest, [], []);
}

/** `from` stays as it is. */
export function mergeDigests(into: TDigest, from: TDigest): void {
  into.least = Math.min(into.least, from.least);
  into.most = Math.max(into.most, from.most);
  into.waiting = into.waiting.concat(from.waiting);
  if (from.means.length > 0 || into.waiting.length > EXACT_MAX) compress(into, from.means, from.weights);
}

/** The value at share `q` (0 … 1) of the numbers in order; null when there are none. */
export function quantileOf(digest: TDigest, q: number): number | null {
  const { waiting, means, least, most } = digest;
  if (means.length === 0) return exactOf(waiting, q);
  const whole = { ...digest };
  if (waiting.length > 0) compress(whole, [], []);
  const total = whole.weights.reduce((sum, weight) => sum + weight, 0);
  const rank = q * total;
  // Each centroid stands at the middle of its weight; before the first and behind the last come the extremes.
  let [rankBefore, valueBefore, seen] = [0, least, 0];
  for (let i = 0; i < whole.means.length; i++) {
    const at = seen + whole.weights[i]! / 2;
    if (rank < at) return between(valueBefore, whole.means[i]!, (rank - rankBefore) / (at - rankBefore));
    [rankBefore, valueBefore] = [at, whole.means[i]!];
    seen += whole.weights[i]!;
  }
  return between(valueBefore, most, total === rankBefore ? 1 : (rank - rankBefore) / (total - rankBefore));
}

function exactOf(values: readonly number[], q: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const low = Math.floor(place);
  return between(sorted[low]!, sorted[Math.min(low + 1, sorted.length - 1)]!, place - low);
}

function between(low: number, high: number, share: number): number {
  return low === high ? low : low * (1 - share) + high * share;
}

/** D2, of all that the digest has and of other centroids. */
function compress(digest: TDigest, means: readonly number[], weights: readonly number[]): void {
  const all = [
    ...digest.means.map((mean, i) => [mean, digest.weights[i]!] as const),
    ...means.map((mean, i) => [mean, weights[i]!] as const),
    ...digest.waiting.map((value) => [value, 1] as const),
  ].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const total = all.reduce((sum, [, weight]) => sum + weight, 0);
  const into = { means: [] as number[], weights: [] as number[] };
  let [before, limit] = [0, shareBehind(0)];
  for (const [mean, weight] of all) {
    const last = into.means.length - 1;
    const drawn = (into.weights[last] ?? 0) + weight;
    if (last >= 0 && before + drawn <= limit * total) {
      into.means[last]! += ((mean - into.means[last]!) * weight) / drawn;
      into.weights[last] = drawn;
      continue;
    }
    before += into.weights[last] ?? 0;
    limit = shareBehind(before / total);
    into.means.push(mean);
    into.weights.push(weight);
  }
  digest.waiting = [];
  digest.means = into.means;
  digest.weights = into.weights;
}

/** How far a centroid that begins at share `q` may reach: one step of k1(q) = COMPRESSION / 2π · asin(2q - 1). */
function shareBehind(q: number): number {
  const angle = Math.asin(2 * q - 1) + (2 * Math.PI) / COMPRESSION;
  return angle >= Math.PI / 2 ? 1 : (Math.sin(angle) + 1) / 2;
}
