// Machines: each statechart drawn, with how many actors are in each state, and what they do.

import type { ReactNode } from 'react';
import type { Chart } from '../api.ts';
import { count } from './format.ts';
import { StatechartDrawing } from './statechart-drawing.tsx';
import type { ViewProps } from './views.ts';

export function MachinesView({ declared, live, query, go }: ViewProps): ReactNode {
  const { charts } = declared;
  const chart = charts.find(({ node }) => node === query) ?? charts[0];
  if (chart === undefined) return <Empty text="This job has no machine and no pattern." />;
  const now = live.machines.find(({ node }) => node === chart.node) ?? null;
  return (
    <section aria-label="Machines" className="machines">
      <div className="bar">
        <h2>{chart.node}</h2>
        {charts.length > 1 && (
          <select aria-label="Machine" value={chart.node} onChange={(event) => go('machines', event.target.value)}>
            {charts.map(({ node }) => (
              <option key={node}>{node}</option>
            ))}
          </select>
        )}
        <p className="quiet">
          <b data-figure="actors">{now === null ? '–' : count(now.actorsTotal)}</b> {standing(chart, now?.actorsTotal)}, stage {chart.stage}
        </p>
      </div>
      <StatechartDrawing chart={chart} live={now} lit={null} />
      {now !== null && now.others.length > 0 && (
        <p className="quiet">
          Over several transitions at once:{' '}
          {now.others.map(({ from, event, to, count: times }) => `${from} — ${event} → ${to} (${count(times)})`).join('; ')}
        </p>
      )}
    </section>
  );
}

function standing({ of }: Chart, total: number | undefined): string {
  if (of === 'actors') return total === 1 ? 'actor' : 'actors';
  return total === 1 ? 'partial match' : 'partial matches';
}

export function Empty({ text }: { readonly text: string }): ReactNode {
  return <p className="empty">{text}</p>;
}
