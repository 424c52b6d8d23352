// What the results of a run come to, where one alone says nothing that can be foretold. Pure.

import type { QueryName } from './models.ts';

type Valued = { readonly value: Readonly<Record<string, number>> };
type Settling = { readonly key: string; settle(before: Valued | undefined, result: Valued): Valued };

/** How results with the same key become one; queries that are not here give each result once. */
const SETTLINGS: Partial<Record<QueryName, Settling>> = {
  /** A new mean whenever one more is sold: the last one of a seller counts. */
  q6: { key: 'seller', settle: (_before, result) => result },
  /** Windows of the wall clock: a bidder's counts add up. */
  q12: {
    key: 'personId',
    settle: (before, { value }) => ({
      value: { ...value, bidsPerSession: (before?.value['bidsPerSession'] ?? 0) + (value['bidsPerSession'] as number) },
    }),
  },
};

/** Takes results one by one, and hands on those that count: at once, or at the end. */
export function settled(query: QueryName, take: (result: object) => void): { add(result: object): void; end(): void } {
  const settling = SETTLINGS[query];
  if (settling === undefined) return { add: take, end: () => {} };
  const held = new Map<unknown, Valued>();
  return {
    add: (result) => {
      const key = (result as Valued).value[settling.key];
      held.set(key, settling.settle(held.get(key), result as Valued));
    },
    end: () => held.forEach(take),
  };
}
