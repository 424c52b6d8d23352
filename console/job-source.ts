// The port between the console's server and whoever runs jobs: a local run, or the operator.

import type { DeadLetters, Declared, JobRef, Live, Story } from './api.ts';

/** One job as it can be looked at. Nothing of it changes anything. */
export interface JobSource {
  declared(): Promise<Declared>;
  /** null: nothing is known yet. */
  live(): Live | null;
  story(node: string, key: string): Promise<Story>;
  deadLetters(): Promise<DeadLetters>;
}

/** Whoever asks: what their request carries. */
export type Asker = { readonly authorization: string | null };
export type Entry = 'allowed' | 'unknown' | 'forbidden' | 'unavailable';

export interface ConsoleSource {
  /** May they see jobs of this namespace? `unknown`: they did not say who they are, or nobody knows them. */
  entry(asker: Asker, namespace: string): Promise<Entry>;
  /** Jobs that there are; of them the asker is shown those that they may see. */
  jobs(): readonly JobRef[];
  job(ref: JobRef): JobSource | null;
}
