// What pairs of runs say together: by how much the one of a pair differs from the other, and how sure that is. Pure.
//
//   P1. Shares are put together as their logarithms: twice as much and half as much are nothing together.
//   P2. The estimate is the median of the means of any two pairs (Hodges and Lehmann): a run that was disturbed hardly moves it, and it needs a
//       third fewer pairs than the median of them. It takes for granted that disturbances meet both of a pair alike, so turns change.
//   P3. The interval is that of Wilcoxon's signed ranks, exact: with 95 % in the long run of benches what is true lies in it.

/** 1: no difference. `interval` null: of fewer than six pairs nothing can be said with 95 %. */
export type PairedShare = {
  readonly share: number;
  readonly interval: readonly [from: number, to: number] | null;
  readonly quartiles: readonly [lower: number, upper: number];
};

const OUTSIDE_EACH_SIDE = 0.025;

/** `shares`: of each pair, the one to the other. */
export function pairedShare(shares: readonly number[]): PairedShare {
  if (shares.length === 0) throw new Error('no pairs say nothing');
  const logs = shares.map((share) => Math.log(share));
  const means = logs.flatMap((one, i) => logs.slice(i).map((other) => (one + other) / 2)).toSorted((a, b) => a - b);
  const left = leftOut(shares.length);
  const at = (index: number): number => Math.exp(means[index]!);
  const sorted = shares.toSorted((a, b) => a - b);
  const quarter = Math.floor(sorted.length / 4);
  return {
    share: Math.exp(middleOf(means)),
    interval: left === null ? null : [at(left), at(means.length - 1 - left)],
    quartiles: [sorted[quarter]!, sorted[sorted.length - 1 - quarter]!],
  };
}

/** `−1.8 % (95 %: −3.1 … −0.4; quartiles −4.0, +0.2)` */
export function toldShare({ share, interval, quartiles }: PairedShare): string {
  const percent = (of: number): string => {
    const text = Math.abs((of - 1) * 100).toFixed(1);
    return text === '0.0' ? text : `${of < 1 ? '−' : '+'}${text}`;
  };
  const within = interval === null ? 'too few pairs for an interval' : `95 %: ${percent(interval[0])} … ${percent(interval[1])}`;
  return `${percent(share)} % (${within}; quartiles ${percent(quartiles[0])}, ${percent(quartiles[1])})`;
}

/** How many of the means lie outside on each side (P3). A rank sum of n pairs that differ by chance is the sum of any ranks: each set of them is
 *  as likely as any other. */
function leftOut(pairs: number): number | null {
  let likely = [1];
  for (let rank = 1; rank <= pairs; rank++)
    likely = Array.from({ length: likely.length + rank }, (_, sum) => ((likely[sum] ?? 0) + (likely[sum - rank] ?? 0)) / 2);
  let left = -1;
  for (let below = likely[0]!; below <= OUTSIDE_EACH_SIDE; below += likely[left + 1]!) left++;
  return left < 0 ? null : left;
}

function middleOf(sorted: readonly number[]): number {
  const half = sorted.length / 2;
  return (sorted[Math.floor(half - 0.5)]! + sorted[Math.floor(half)]!) / 2;
}
