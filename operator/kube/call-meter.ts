// How often and how long the API server is called, by verb and resource.

import type { KubeResult } from './kube-result.ts';

export type CallVerb = 'get' | 'list' | 'watch' | 'create' | 'apply' | 'replace' | 'patch' | 'delete' | 'raw';

export type Call = {
  readonly verb: CallVerb;
  /** `streamjobs/status`; the path for `raw`. */
  readonly resource: string;
  readonly outcome: KubeResult<unknown>['kind'];
  readonly durationMs: number;
};

export class CallMeter {
  readonly #counts = new Map<string, number>();
  readonly #onCall: ((call: Call) => void) | undefined;

  constructor(onCall: ((call: Call) => void) | undefined) {
    this.#onCall = onCall;
  }

  /** Runs a call and counts how it ended. */
  async measure<R extends KubeResult<unknown>>(verb: CallVerb, resource: string, call: () => Promise<R>): Promise<R> {
    const startMs = performance.now();
    const result = await call();
    this.count({ verb, resource, outcome: result.kind, durationMs: performance.now() - startMs });
    return result;
  }

  count(call: Call): void {
    const name = `${call.verb} ${call.resource}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    this.#onCall?.(call);
  }

  counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}
