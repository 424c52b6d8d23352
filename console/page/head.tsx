// The page's head: which job, how it is, its figures; and the note on a server that is away.

import { type ReactNode, useEffect, useState } from 'react';
import { type JobRef, type Live, LOCAL_NAMESPACE } from '../api.ts';
import type { Connection } from './connection.ts';
import { clock, count, duration, rate, short } from './format.ts';
import type { Theme } from './theme.ts';

export type HeadProps = {
  readonly refs: readonly JobRef[] | null;
  readonly chosen: JobRef | null;
  readonly onJob: (job: string) => void;
  readonly live: Live | null;
  readonly connection: Connection;
  readonly theme: Theme;
  readonly onTheme: () => void;
  readonly onHelp: () => void;
};

const THEMES: Readonly<Record<Theme, string>> = { system: '◐', dark: '●', light: '○' };

export function Head({ refs, chosen, onJob, live, connection, theme, onTheme, onHelp }: HeadProps): ReactNode {
  return (
    <header className="head">
      <span className="mark" aria-hidden="true">
        ≋
      </span>
      {refs !== null && refs.length > 1 && chosen !== null ? (
        <select aria-label="Job" value={nameOf(chosen)} onChange={(event) => onJob(event.target.value)}>
          {refs.map((ref) => (
            <option key={nameOf(ref)} value={nameOf(ref)}>
              {titleOf(ref)}
            </option>
          ))}
        </select>
      ) : (
        <h1>{chosen === null ? 'Millrace' : titleOf(chosen)}</h1>
      )}
      {live !== null && (
        <span className={`pill ${live.phase.tone}`} data-figure="phase">
          {live.phase.name}
        </span>
      )}
      {live !== null && connection.kind === 'lost' && (
        <span className="pill bad" data-figure="stale">
          as of {clock(connection.sinceMs)}
        </span>
      )}
      <span
        className={`dot ${connection.kind}`}
        role="status"
        aria-label={`connection: ${connection.kind}`}
        title={`connection: ${connection.kind}`}
      />
      {live !== null && <Figures live={live} />}
      <span className="tools">
        <button type="button" onClick={onTheme} aria-label={`Colours: ${theme}`} title={`Colours: ${theme} (t)`}>
          {THEMES[theme]}
        </button>
        <button type="button" onClick={onHelp} aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">
          ?
        </button>
      </span>
    </header>
  );
}

function Figures({ live }: { readonly live: Live }): ReactNode {
  const lag = live.stages.reduce((sum, { lagEvents }) => sum + (lagEvents ?? 0), 0);
  return (
    <dl className="figures">
      <Figure name="events" value={rate(live.eventsPerS)} />
      <Figure name="waiting" value={short(lag)} title={`${count(lag)} events`} />
      {live.progress !== null && <Figure name="read" value={`${Math.floor(live.progress * 100)} %`} />}
      <Figure name="commit p99" value={live.commitP99Ms === null ? '–' : duration(live.commitP99Ms)} />
      <Figure name="workers" value={count(live.workers.length)} />
    </dl>
  );
}

export function Figure({ name, value, title }: { readonly name: string; readonly value: string; readonly title?: string }): ReactNode {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd data-figure={name}>{value}</dd>
    </div>
  );
}

type NoteProps = { readonly connection: Connection; readonly hasShown: boolean; readonly problem: string | null };

export function ConnectionNote({ connection, hasShown, problem }: NoteProps): ReactNode {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  if (connection.kind !== 'lost')
    return problem === null ? null : (
      <p className="note bad" role="alert">
        {problem}
      </p>
    );
  return (
    <p className="note bad" role="alert">
      <b>{problem === null ? 'The server does not answer' : 'Nothing is told'}</b> since {clock(connection.sinceMs)} (
      {duration(Math.max(0, now - connection.sinceMs))}). {hasShown ? 'What you see is as it was then. ' : ''}
      {problem ?? 'It is tried again and again; nothing has to be done here.'}
    </p>
  );
}

function nameOf({ namespace, name }: JobRef): string {
  return `${namespace}/${name}`;
}

function titleOf({ namespace, name }: JobRef): string {
  return namespace === LOCAL_NAMESPACE ? name : `${namespace} / ${name}`;
}
