// One stage: its figures, its curve, and what runs in it.

import { type ReactNode, useEffect, useRef } from 'react';
import type { Declared, DeclaredStage, Live } from '../api.ts';
import { Curve } from './curve.tsx';
import { useFocusBack } from './focus.ts';
import { count, loadText, rate, time } from './format.ts';
import type { History } from './history.ts';
import { poolsOf, sizeText } from './pools.tsx';

export type StagePanelProps = {
  readonly stage: DeclaredStage;
  readonly declared: Declared;
  readonly live: Live;
  readonly history: History;
  readonly onClose: () => void;
};

export function StagePanel({ stage, declared, live, history, onClose }: StagePanelProps): ReactNode {
  useFocusBack();
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) onClose();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  });
  useEffect(() => place.current?.focus(), [stage.id]);
  const now = live.stages.find(({ id }) => id === stage.id);
  const pool = poolsOf(live).find(({ name }) => name === stage.pool);
  const perS = new Map(live.edges.map(({ index, eventsPerS, events }) => [index, { eventsPerS, events }]));
  const ways = declared.edges.filter(({ from, to }) => from === stage.id || to === stage.id);
  return (
    <aside className="panel card" ref={place} tabIndex={-1} aria-label={`Stage ${stage.id}`} data-panel={stage.id}>
      <div className="bar">
        <h3>{stage.id}</h3>
        <button type="button" onClick={onClose} aria-label="Close">
          ×
        </button>
      </div>
      <p className="quiet">
        {stage.kind}
        {stage.about === null ? '' : `, ${stage.about}`}, {count(stage.partitionCount)}{' '}
        {stage.partitionCount === 1 ? 'partition' : 'partitions'}
        {typeof stage.pool === 'string' && `, pool ${stage.pool}`}
      </p>
      <Curve samples={history.get(stage.id) ?? []} name={`Events a second of ${stage.id}`} />
      {now !== undefined && (
        <dl className="pairs">
          <Pair name="rate" value={rate(now.eventsInPerS)} />
          <Pair name="events in" value={count(now.eventsIn)} />
          <Pair name="events out" value={count(now.eventsOut)} />
          <Pair name="waiting" value={now.lagEvents === null ? '–' : count(now.lagEvents)} />
          <Pair name="filtered" value={count(now.filtered)} />
          <Pair name="late" value={count(now.late)} />
          <Pair name="dead letters" value={count(now.deadLetters)} />
          {now.load !== null && <Pair name="time" value={loadText(now.load)} />}
          {pool !== undefined && <Pair name="pool" value={sizeText(pool)} />}
          <Pair name="watermark" value={now.isEnded ? 'ended' : time(now.watermarkMs)} />
        </dl>
      )}
      <h4>Runs</h4>
      <ul className="plain">
        {stage.nodes.map(({ id, kind }) => (
          <li key={id}>
            {id} <span className="quiet">{kind}</span>
          </li>
        ))}
      </ul>
      {ways.length > 0 && <h4>Ways</h4>}
      <ul className="plain">
        {ways.map(({ index, from, to, label, partitioning }) => (
          <li key={index}>
            {from === to ? '↻ to itself' : from === stage.id ? `→ ${to}` : `← ${from}`} <span className="quiet">{label}</span>{' '}
            <span className="quiet">{WAYS[partitioning]}</span> <b>{rate(perS.get(index)?.eventsPerS ?? 0)}</b>{' '}
            <span className="quiet">{count(perS.get(index)?.events ?? 0)}</span>
          </li>
        ))}
      </ul>
    </aside>
  );
}

const WAYS = { key: 'by key', single: 'to one', all: 'to all', forward: 'straight on' } as const;

export function Pair({ name, value }: { readonly name: string; readonly value: string }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-figure={name}>{value}</dd>
    </div>
  );
}
