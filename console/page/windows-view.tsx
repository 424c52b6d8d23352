// Windows: what is open, and what was given out.

import type { ReactNode } from 'react';
import { count, rate, time } from './format.ts';
import { Empty } from './machines-view.tsx';
import { Pair } from './stage-panel.tsx';
import type { ViewProps } from './views.ts';

export function WindowsView({ live }: ViewProps): ReactNode {
  if (live.windows.length === 0) return <Empty text="This job has no windows, or no worker has told of them yet." />;
  return (
    <section aria-label="Windows">
      <div className="bar">
        <h2>Windows</h2>
        <p className="quiet">Results are counted since the partitions began on their workers.</p>
      </div>
      <div className="columns">
        {live.windows.map(({ node, kind, stage, open, results, resultsPerS, spans }) => (
          <article className="card" key={node} data-window={node}>
            <h3>
              {node} <span className="quiet">{kind}</span>
            </h3>
            <dl className="pairs">
              <Pair name="open" value={count(open)} />
              <Pair name="results" value={count(results)} />
              <Pair name="results a second" value={rate(resultsPerS)} />
              <Pair name="stage" value={stage} />
            </dl>
            {spans.length > 0 && <Spans spans={spans} isSliding={kind === 'sliding'} />}
            {kind === 'count' && <p className="quiet">Each key counts for itself: open are the keys.</p>}
            {kind === 'global' && <p className="quiet">One window for all time: open are its keys.</p>}
            {kind === 'session' && <p className="quiet">Each open session is of one key; look at a key to see its own.</p>}
          </article>
        ))}
      </div>
    </section>
  );
}

type SpansProps = { readonly spans: readonly { startMs: number; endMs: number; keys: number }[]; readonly isSliding: boolean };

function Spans({ spans, isSliding }: SpansProps): ReactNode {
  const most = Math.max(...spans.map(({ keys }) => keys));
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={isSliding ? 'Open slices' : 'Open windows'}>
      <table>
        <thead>
          <tr>
            <th scope="col">{isSliding ? 'Slice from' : 'From'}</th>
            <th scope="col">To</th>
            <th scope="col" className="number">
              Keys
            </th>
          </tr>
        </thead>
        <tbody>
          {spans.map(({ startMs, endMs, keys }) => (
            <tr key={startMs}>
              <td className="moment">{time(startMs).slice(0, 16)}</td>
              <td className="moment">{time(endMs).slice(time(startMs).slice(0, 10) === time(endMs).slice(0, 10) ? 11 : 0, 16)}</td>
              <td className="number">
                <span className="meter" style={{ width: `${Math.round((keys / most) * 60)}px` }} aria-hidden="true" /> {count(keys)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
