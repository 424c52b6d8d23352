// The port between the console's server and whoever runs jobs: a local run, or the operator.

import type { Fresh } from './key-story.ts';
import type { DeadLetters, Decided, DecideRequest, Declared, JobRef, Live, Story } from './api.ts';

/** One job as it can be looked at. Nothing of it changes anything but `decide`. */
export interface JobSource {
  declared(): Promise<Declared>;
  /** null: nothing is known yet. */
  live(): Live | null;
  /** `fresh`: no answer that is older than that message of its source. */
  story(node: string, key: string, fresh?: Fresh | null): Promise<Story>;
  deadLetters(): Promise<DeadLetters>;
  /** What a person decided about dead letters. `problem`: why nothing was done. */
  decide(request: DecideRequest): Promise<Decided | { readonly problem: string }>;
}

/** Whoever asks: what their request carries. */
export type Asker = { readonly authorization: string | null };
/** 401: nobody knows who asks; 403: it is known, and they may not; 503: nobody can tell now. The message is for them. */
export type Entry =
  | { readonly kind: 'allowed'; /** As whom they are known; null: it does not matter. */ readonly who: string | null }
  | { readonly kind: 'refused'; readonly status: 401 | 403 | 503; readonly message: string };

export interface ConsoleSource {
  /** May they see jobs of this namespace? null: may they be here at all? */
  entry(asker: Asker, namespace: string | null): Promise<Entry>;
  /** May they decide about dead letters of this namespace? */
  deciding(asker: Asker, namespace: string): Promise<Entry>;
  /** Jobs that there are; of them the asker is shown those that they may see. */
  jobs(): readonly JobRef[];
  job(ref: JobRef): JobSource | null;
}
