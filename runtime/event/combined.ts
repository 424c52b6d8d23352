// What several events of one key and slice come to, on its way from where they were read to the window that they belong to.

/** Stands for `events` events; `cell` is what the aggregates of the window that reads it make of them. Only the engine makes these, and
 *  only such a window meets them: no value of a user's is one. */
export class Combined {
  events: number;
  readonly cell: unknown[];

  constructor(events: number, cell: unknown[]) {
    this.events = events;
    this.cell = cell;
  }
}
