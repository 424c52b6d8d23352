// A reducer of a user who takes its context apart: the linter (typescript/unbound-method) has nothing to say of it.

import { job, nats } from '../../runtime/index.ts';

type Order = { readonly id: string; readonly n: number };

export const destructured = job('destructured', (j) => {
  j.source('orders', nats<Order>({ subjects: ['orders'] }))
    .keyBy('id')
    .reduce<number, { readonly sum: number }>({
      init: () => 0,
      step: (sum, { n }, { emit, setTimer, clearTimer, timers, table, timeMs }) => {
        if (timers().length === 0) setTimer('later', timeMs + 1_000, { id: '', n: 0 });
        else clearTimer('later');
        const rate = table<number>('rates').get('EUR') ?? 1;
        emit({ sum: sum + n * rate });
        return sum + n;
      },
      expire: (sum, { emit }) => emit({ sum }),
    })
    .toNats('sums');
});
