// Dead letters by their cause. What they hold came from outside: it is shown as text, whatever it says.

import { type ReactNode, useState } from 'react';
import { type Declared, type DeadLetterGroup, LOCAL_NAMESPACE } from '../api.ts';
import { isDeadLetters } from './answer-check.ts';
import { jobPath, usePolled } from './connection.ts';
import { type Asked, DecisionDialog } from './decision-dialog.tsx';
import { dlqCommand } from './dlq-command.ts';
import { inert } from '../../runtime/base/inert.ts';
import { count, time } from './format.ts';
import { Empty } from './machines-view.tsx';
import { TraceLink } from './trace-link.tsx';
import type { ViewProps } from './views.ts';

const AGAIN_MS = 2_000;

export function DeadLettersView({ declared }: ViewProps): ReactNode {
  const { value, problem } = usePolled(`${jobPath(declared.ref)}/dead-letters`, isDeadLetters, AGAIN_MS);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [done, setDone] = useState<readonly string[]>([]);
  if (value === null) return <Empty text={problem ?? 'Reading dead letters …'} />;
  const { total, open, groups, note, readOnly } = value;
  return (
    <section aria-label="Dead letters">
      <div className="bar">
        <h2>Dead letters</h2>
        <p className="quiet" hidden={total === 0}>
          <b data-figure="total">{count(total)}</b> in {count(groups.length)} {groups.length === 1 ? 'cause' : 'causes'}
          {open < total && (
            <>
              , <b data-figure="open">{count(open)}</b> open
            </>
          )}
        </p>
      </div>
      {problem !== null && <p className="note bad">{inert(problem)}</p>}
      {note !== null && <p className="note">{note}</p>}
      <div role="status">
        {done.length > 0 && (
          <div className="note done" data-figure="decided">
            {done.map((line) => (
              <p key={line}>{inert(line)}</p>
            ))}
            <button type="button" className="link" onClick={() => setDone([])}>
              Close
            </button>
          </div>
        )}
      </div>
      {total > 0 && readOnly !== null && <p className="note quiet-note">Here you may only look. {inert(readOnly)}.</p>}
      {total === 0 && <Empty text="None: every event could be processed." />}
      {groups.map((group, place) => (
        <Cause key={group.id} group={group} declared={declared} readOnly={readOnly} isOpen={place === 0} onAsk={setAsked} />
      ))}
      {asked !== null && (
        <DecisionDialog
          job={declared.ref}
          asked={asked}
          onClose={(lines) => {
            setAsked(null);
            if (lines !== null) setDone(lines);
          }}
        />
      )}
    </section>
  );
}

type CauseProps = {
  readonly group: DeadLetterGroup;
  readonly declared: Declared;
  readonly readOnly: string | null;
  readonly isOpen: boolean;
  readonly onAsk: (asked: Asked) => void;
};

function Cause({ group, declared, readOnly, isOpen, onAsk }: CauseProps): ReactNode {
  const { id, code, at, message, lastMs, samples, open } = group;
  return (
    <details className="card cause" open={isOpen} data-cause={id}>
      <summary>
        <b className="times" data-figure="count">
          {count(group.count)}
        </b>
        <span className="code">{inert(code)}</span> <span className="quiet">at {inert(at)}</span>
        <span className="message">{inert(message.startsWith(`${code} `) ? message.slice(code.length + 1) : message)}</span>
        <span className="quiet moment">{stateText(group)}</span>
        {lastMs !== null && <span className="quiet moment">last {time(lastMs)}</span>}
      </summary>
      {open > 0 && readOnly === null && (
        <Deciding of={null} all={open} onAsk={(what) => onAsk({ what, which: { cause: id }, about: `${code} at ${at}` })} />
      )}
      {open > 0 && readOnly !== null && declared.ref.namespace !== LOCAL_NAMESPACE && (
        <pre tabIndex={0}>{dlqCommand('redrive', declared.ref, { cause: id })}</pre>
      )}
      <ul className="plain samples">
        {samples.map(({ id: letter, state, place: where, key, issues, event, traceId }, at_) => (
          <li key={letter ?? at_}>
            <p className="of-letter">
              {letter !== null && <b data-letter={letter}>{letter}</b>}
              {state !== 'open' && <span className="pill good">{STATES[state]}</span>}
              {where !== null && <span className="quiet">{inert(where)}</span>}
              {key !== null && <span className="quiet">key {inert(key)}</span>}
              <TraceLink declared={declared} traceId={traceId} />
            </p>
            {issues.map((issue, i) => (
              <p key={i}>{inert(issue)}</p>
            ))}
            <pre tabIndex={0}>{inert(event)}</pre>
            {letter !== null && state === 'open' && readOnly === null && (
              <Deciding of={letter} all={1} onAsk={(what) => onAsk({ what, which: { id: letter }, about: `letter ${letter}` })} />
            )}
          </li>
        ))}
      </ul>
      {group.count > samples.length && (
        <p className="quiet">
          The newest {samples.length} of {count(group.count)}.
        </p>
      )}
    </details>
  );
}

const STATES = { redriven: 'put in again', dropped: 'dropped' } as const;

function stateText({ open, count: all, redriven, dropped }: DeadLetterGroup): string {
  if (open === all) return '';
  const parts = [
    [open, 'open'],
    [redriven, STATES.redriven],
    [dropped, STATES.dropped],
  ] as const;
  return parts.flatMap(([times, name]) => (times > 0 ? [`${count(times)} ${name}`] : [])).join(', ');
}

type DecidingProps = { readonly of: string | null; readonly all: number; readonly onAsk: (what: Asked['what']) => void };

/** `of`: one letter; null: all that are open of a cause. */
function Deciding({ of, all, onAsk }: DecidingProps): ReactNode {
  const [put, drop] = of === null && all > 1 ? [`Put all ${count(all)} in again`, `Drop all ${count(all)}`] : ['Put in again', 'Drop'];
  const label = (text: string): string | undefined => (of === null ? undefined : `${text}: letter ${of}`);
  return (
    <p className="deciding">
      <button type="button" onClick={() => onAsk('redrive')} aria-label={label(put)}>
        {put}
      </button>
      <button type="button" onClick={() => onAsk('drop')} aria-label={label(drop)}>
        {drop}
      </button>
    </p>
  );
}
