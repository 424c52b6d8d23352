// The views that there are, and what each of them is given.

import type { Declared, Live } from '../api.ts';
import type { History } from './history.ts';

export const views = [
  { id: 'topology', title: 'Topology', digit: '1' },
  { id: 'machines', title: 'Machines', digit: '2' },
  { id: 'key', title: 'One key', digit: '3' },
  { id: 'windows', title: 'Windows', digit: '4' },
  { id: 'dead-letters', title: 'Dead letters', digit: '5' },
  { id: 'partitions', title: 'Partitions', digit: '6' },
  { id: 'timeline', title: 'Timeline', digit: '7' },
  { id: 'job', title: 'Job', digit: '8' },
] as const;

export type ViewProps = {
  readonly declared: Declared;
  readonly live: Live;
  readonly history: History;
  /** What the address says behind the view's name. */
  readonly query: string;
  readonly go: (view: string, query: string) => void;
};
