// What the results of a run come to, where one alone says nothing that can be foretold. Pure.

import type { QueryName } from './models.ts';

type Fields = Readonly<Record<string, number>>;
type Settling = { readonly key: readonly string[]; settle(before: Fields | undefined, value: Fields): Fields };

/** The last one counts: those before it depend on the order of events. */
const last = (_before: Fields | undefined, value: Fields): Fields => value;

/** How results with the same key become one; queries that are not here give each result once. */
const SETTLINGS: Partial<Record<QueryName, Settling>> = {
  q6: { key: ['seller'], settle: last },
  q18: { key: ['auction', 'bidder'], settle: last },
  q19: { key: ['auction'], settle: last },
  /** Windows of the wall clock: a bidder's counts add up. */
  q12: {
    key: ['personId'],
    settle: (before, value) => ({
      ...value,
      bidsPerSession: (before?.['bidsPerSession'] ?? 0) + (value['bidsPerSession'] as number),
    }),
  },
};

/** Takes results one by one, and hands on those that count: at once, or at the end. */
export function settled(query: QueryName, take: (result: object) => void): { add(result: object): void; end(): void } {
  const settling = SETTLINGS[query];
  if (settling === undefined) return { add: take, end: () => {} };
  const held = new Map<string, Fields>();
  return {
    add: (result) => {
      const { value } = result as { readonly value: Fields };
      const key = settling.key.map((name) => value[name]).join(' ');
      held.set(key, settling.settle(held.get(key), value));
    },
    end: () => held.forEach((value) => take({ value })),
  };
}
