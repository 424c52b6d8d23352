// a condition `when` of the window reads events of another type than those of the stream
import { flights, tumbling } from '../prelude.ts';
flights.keyBy('origin').window(tumbling('1h', { early: [{ when: (order: { amount: number }) => order.amount > 5 }] }));
