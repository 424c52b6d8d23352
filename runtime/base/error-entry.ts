// The form of one catalogued failure.

/** What the file that handles an error does about it. */
export type Reaction =
  | 'retry' // wait with back-off, then the same again; back-pressure, never a dead letter
  | 'resolve' // read the fence, then decide (an unanswered commit)
  | 'stop-task' // this task ends; another owner goes on
  | 'stop-partition' // this partition stands still, having stored nothing of it; the others go on
  | 'stop-job' // loud: going on would lose or double something
  | 'dead-letter' // this event goes to the dead letters with its cause; others go on
  | 'exit'; // the command ends with a message for the person who ran it

export type CatalogueEntry<D> = {
  readonly name: string;
  readonly reaction: Reaction;
  /** What happened, to what, with the values seen, and what was not done. */
  readonly message: (data: D) => string;
  /** What the person can do about it. */
  readonly fix: string;
};

/** Keeps an entry's data type: `MR1001: entry<{ path: string }>({ … })`. */
export function entry<D>(value: CatalogueEntry<D>): CatalogueEntry<D> {
  return value;
}
