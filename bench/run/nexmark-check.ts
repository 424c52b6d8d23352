// Results of a Nexmark query against those of its slow model, as multisets. A result that differs in the order of its fields only
// is the same.

import { MODELS } from '../nexmark/models/models.ts';
import type { QueryName } from '../nexmark/models/models.ts';
import type { Model, NexmarkLine } from '../nexmark/models/model.ts';
import { settled } from '../nexmark/models/settle.ts';
import { Tally } from './tally.ts';

export class NexmarkCheck {
  readonly query: QueryName;
  readonly #expected = new Tally();
  #model: Model | null;

  constructor(query: QueryName) {
    this.query = query;
    this.#model = MODELS[query]((result) => this.#expected.add(canonical(result)));
  }

  event(event: NexmarkLine): void {
    this.#model?.event(event);
  }

  /** All events were told: computes what must come, and lets the events go. */
  seal(): void {
    this.#model?.end();
    this.#model = null;
  }

  /** Takes the results of one run, in any order. */
  begin(): { result(line: string): void; problem(): string | null; readonly results: number } {
    const [expected, found] = [this.#expected, new Tally()];
    const counted = settled(this.query, (result) => found.add(canonical(result)));
    let results = 0;
    return {
      result: (line) => {
        results++;
        counted.add(JSON.parse(line) as object);
      },
      problem: () => {
        counted.end();
        if (found.count !== expected.count) return `${expected.count} results expected, ${found.count} found`;
        return found.equals(expected) ? null : `as many results as expected, ${found.count}, but not the same`;
      },
      get results() {
        return results;
      },
    };
  }
}

/** JSON with the fields of every object in order. */
export function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`).join(',')}}`;
}
