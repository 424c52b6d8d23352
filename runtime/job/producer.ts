// What a stream reads while the graph is being declared: producers, whose names are found at the end, and their outputs.

import type { z } from 'zod';
import type { stageSchema } from '../../crds/stream-job/spec.ts';

export type StageInput = z.input<typeof stageSchema>;
export type StageFields = Omit<StageInput, 'name' | 'from' | 'join' | 'bootstrap' | 'feedback'> & {
  readonly join?: Omit<NonNullable<StageInput['join']>, 'with'>;
};

export type StageDraft = {
  readonly kind: 'stage';
  /** Given by .as(); null: derived at build (names.ts). */
  explicitName: string | null;
  /** Given by .onError(). */
  onError?: StageFields['onError'];
  readonly from: readonly Output[];
  /** The verb that a derived name carries: `flights-map`. */
  readonly verb: string;
  readonly fields: StageFields;
  /** Given by .bootstrap(). */
  readonly bootstrap?: readonly Output[] | undefined;
  /** Given by .feedback(): what comes back to it. */
  feedback?: { readonly from: Output; readonly maxRounds?: number };
  /** The other side of a join. */
  readonly other: Output | null;
};
export type Producer = { readonly kind: 'source'; readonly name: string } | StageDraft;

/** An output of a producer: the main one (null), or a named one. */
export type Output = { readonly producer: Producer; readonly output: string | null };
