// Who owns which partition. Of many the first ROWS_MAX are drawn, until somebody asks for all or names what they look for.

import { memo, type ReactNode, useState } from 'react';
import type { LivePartition } from '../api.ts';
import { bytes, count, duration, time } from './format.ts';
import { stateText, type WaitFields } from './partition-state.ts';
import { PoolCards, poolsOf } from './pools.tsx';
import type { ViewProps } from './views.ts';

const ROWS_MAX = 250;

export function PartitionsView({ live }: ViewProps): ReactNode {
  const [wanted, setWanted] = useState('');
  const [showsAll, setShowsAll] = useState(false);
  const owners = live.workers.map(({ id }) => id);
  const hasPools = poolsOf(live).length > 1;
  const all = live.stages.flatMap((stage) => stage.partitions.map((one) => ({ ...one, task: `${stage.id}/${one.partition}` })));
  const found = wanted === '' ? all : all.filter(({ task, owner }) => task.includes(wanted) || owner?.includes(wanted) === true);
  const shown = showsAll ? found : found.slice(0, ROWS_MAX);
  return (
    <section aria-label="Partitions">
      <div className="bar">
        <h2>Partitions</h2>
        <p className="quiet">
          {count(all.length)} on {count(live.workers.length)} {live.workers.length === 1 ? 'worker' : 'workers'}
        </p>
        {all.length > ROWS_MAX && (
          <input
            type="search"
            aria-label="Only those of"
            placeholder="stage or worker"
            value={wanted}
            onChange={(event) => setWanted(event.target.value)}
          />
        )}
      </div>
      <PoolCards live={live} />
      <div className="columns workers">
        {live.workers.map(({ id, tasks, memoryBytes, cpuMs, pool }) => (
          <article className="card worker" key={id}>
            <h3>
              <span className={`swatch owner-${owners.indexOf(id) % 8}`} aria-hidden="true" /> {id}
              {hasPools && pool !== null && <span className="badge">{pool}</span>}
            </h3>
            <p className="quiet">
              {count(tasks)} running, {bytes(memoryBytes)}, {duration(cpuMs)} of CPU
            </p>
          </article>
        ))}
      </div>
      <div className="scroll" tabIndex={0} role="region" aria-label="Partitions and owners">
        <table>
          <thead>
            <tr>
              <th scope="col">Partition</th>
              <th scope="col">Owner</th>
              <th scope="col">State</th>
              <th scope="col" className="number">
                Epoch
              </th>
              <th scope="col" className="number">
                Events in
              </th>
              <th scope="col">Watermark</th>
              <th scope="col" className="number">
                Inbox
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ task, owner, epoch, eventsIn, watermarkMs, inboxBytes, ...state }) => (
              <Row
                key={task}
                color={owners.indexOf(owner ?? '')}
                {...{ task, owner, epoch, eventsIn, watermarkMs, inboxBytes }}
                state={stateText(state)}
              />
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < found.length && (
        <p className="more">
          <button type="button" onClick={() => setShowsAll(true)}>
            Show all {count(found.length)}
          </button>
        </p>
      )}
    </section>
  );
}

type RowProps = Omit<LivePartition, 'partition' | WaitFields> & {
  readonly task: string;
  readonly color: number;
};

/** Drawn anew only when a figure of its own changes. */
const Row = memo(function Row({ task, color, owner, state, epoch, eventsIn, watermarkMs, inboxBytes }: RowProps): ReactNode {
  return (
    <tr data-task={task}>
      <th scope="row">{task}</th>
      <td>
        {owner === null ? (
          <span className="quiet">nobody</span>
        ) : (
          <>
            <span className={`swatch owner-${Math.max(0, color) % 8}`} aria-hidden="true" /> {owner}
          </>
        )}
      </td>
      <td className="reason">{state}</td>
      <td className="number">{count(epoch)}</td>
      <td className="number">{count(eventsIn)}</td>
      <td className="moment">{time(watermarkMs)}</td>
      <td className="number">{bytes(inboxBytes)}</td>
    </tr>
  );
});
