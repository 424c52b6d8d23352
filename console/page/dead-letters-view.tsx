// Dead letters by their cause. What they hold came from outside: it is shown as text, whatever it says.

import type { ReactNode } from 'react';
import type { DeadLetters } from '../api.ts';
import { jobPath, usePolled } from './connection.ts';
import { count, inert, time } from './format.ts';
import { Empty } from './machines-view.tsx';
import { TraceLink } from './trace-link.tsx';
import type { ViewProps } from './views.ts';

const AGAIN_MS = 2_000;

export function DeadLettersView({ declared }: ViewProps): ReactNode {
  const { value, problem } = usePolled<DeadLetters>(`${jobPath(declared.ref)}/dead-letters`, AGAIN_MS);
  if (value === null) return <Empty text={problem ?? 'Reading dead letters …'} />;
  return (
    <section aria-label="Dead letters">
      <div className="bar">
        <h2>Dead letters</h2>
        <p className="quiet">
          <b data-figure="total">{count(value.total)}</b> in {count(value.groups.length)} {value.groups.length === 1 ? 'cause' : 'causes'}
        </p>
      </div>
      {value.note !== null && <p className="note">{value.note}</p>}
      {value.total === 0 && <Empty text="None: every event could be processed." />}
      {value.groups.map(({ code, at, message, count: times, lastMs, samples }, place) => (
        <details className="card cause" key={`${code} ${at} ${place}`} open={place === 0}>
          <summary>
            <b className="times" data-figure="count">
              {count(times)}
            </b>
            <span className="code">{inert(code)}</span> <span className="quiet">at {inert(at)}</span>
            <span className="message">{inert(message)}</span>
            {lastMs !== null && <span className="quiet moment">last {time(lastMs)}</span>}
          </summary>
          <ul className="plain samples">
            {samples.map(({ place: where, key, issues, event, traceId }, at_) => (
              <li key={at_}>
                {where !== null && <span className="quiet">{inert(where)} </span>}
                {key !== null && <span className="quiet">key {inert(key)} </span>}
                <TraceLink declared={declared} traceId={traceId} />
                {issues.map((issue, i) => (
                  <p key={i}>{inert(issue)}</p>
                ))}
                <pre tabIndex={0}>{inert(event)}</pre>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </section>
  );
}
