// Who owns which partition.

import type { ReactNode } from 'react';
import { bytes, count, duration, time } from './format.ts';
import type { ViewProps } from './views.ts';

export function PartitionsView({ live }: ViewProps): ReactNode {
  const owners = live.workers.map(({ id }) => id);
  return (
    <section aria-label="Partitions">
      <div className="bar">
        <h2>Partitions</h2>
        <p className="quiet">
          {count(live.stages.reduce((sum, { partitions }) => sum + partitions.length, 0))} on {count(live.workers.length)}{' '}
          {live.workers.length === 1 ? 'worker' : 'workers'}
        </p>
      </div>
      <div className="columns workers">
        {live.workers.map(({ id, tasks, memoryBytes, cpuMs }) => (
          <article className="card worker" key={id}>
            <h3>
              <span className={`swatch owner-${owners.indexOf(id) % 8}`} aria-hidden="true" /> {id}
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
            {live.stages.flatMap((stage) =>
              stage.partitions.map(({ partition, owner, state, epoch, eventsIn, watermarkMs, inboxBytes }) => (
                <tr key={`${stage.id}/${partition}`} data-task={`${stage.id}/${partition}`}>
                  <th scope="row">
                    {stage.id}/{partition}
                  </th>
                  <td>
                    {owner === null ? (
                      <span className="quiet">nobody</span>
                    ) : (
                      <>
                        <span className={`swatch owner-${Math.max(0, owners.indexOf(owner)) % 8}`} aria-hidden="true" /> {owner}
                      </>
                    )}
                  </td>
                  <td>{state}</td>
                  <td className="number">{count(epoch)}</td>
                  <td className="number">{count(eventsIn)}</td>
                  <td className="moment">{time(watermarkMs)}</td>
                  <td className="number">{bytes(inboxBytes)}</td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
}
