// Before letters are put in again or dropped: how many, to where, and what cannot be; then what became of it.
//
//   DD1. What is done is what was shown: letters that came after the dry run are left alone (`through`).

import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { Decided, DecideRequest, JobRef } from '../api.ts';
import { jobPath, postJson } from './connection.ts';
import { useFocusBack } from './focus.ts';
import { inert } from '../../runtime/base/inert.ts';
import { count } from './format.ts';

export type Asked = Pick<DecideRequest, 'what' | 'which'> & { /** As a person names it. */ readonly about: string };
type Props = {
  readonly job: JobRef;
  readonly asked: Asked;
  /** Lines that say what was done; null: nothing was. */ readonly onClose: (lines: readonly string[] | null) => void;
};

export function DecisionDialog({ job, asked, onClose }: Props): ReactNode {
  useFocusBack();
  const dialog = useRef<HTMLDialogElement>(null);
  const [dry, setDry] = useState<Decided | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const { what, which } = asked;
  const send = (dryRun: boolean, through: number | null): Promise<Decided> =>
    postJson<Decided>(`${jobPath(job)}/dead-letters`, { what, which, reason, dryRun, through } satisfies DecideRequest);
  useEffect(() => {
    dialog.current?.showModal();
    send(true, null).then(setDry, (error: unknown) => setProblem(textOf(error)));
  }, []);
  const decide = async (): Promise<void> => {
    setIsBusy(true);
    try {
      onClose(decidedLines(what, await send(false, dry?.through ?? null)));
    } catch (error) {
      setProblem(`${textOf(error)} Some may have been decided about: what was is not done twice.`);
      setIsBusy(false);
    }
  };
  const isReady = dry !== null && dry.count > 0 && !isBusy && (what === 'redrive' || reason.trim() !== '');
  return (
    <dialog
      ref={dialog}
      className="decision"
      aria-labelledby="decision"
      onClose={() => onClose(null)}
      onCancel={(event) => isBusy && event.preventDefault()}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) void decide();
        }}
      >
        <h2 id="decision">{titleOf(what, dry)}</h2>
        <p className="quiet">{inert(asked.about)}</p>
        {dry === null && problem === null && <p>Counting …</p>}
        {dry !== null && what === 'redrive' && <Targets dry={dry} />}
        {dry !== null && what === 'drop' && dry.count > 0 && (
          <label>
            Why, for who looks later
            <input value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
          </label>
        )}
        {problem !== null && (
          <p className="note bad" role="alert">
            {inert(problem)}
          </p>
        )}
        <p className="deciding">
          <button type="submit" className="main" disabled={!isReady}>
            {isBusy ? 'At it …' : what === 'redrive' ? `Put ${count(dry?.count ?? 0)} in again` : `Drop ${count(dry?.count ?? 0)}`}
          </button>
          <button type="button" disabled={isBusy} onClick={() => onClose(null)}>
            Cancel
          </button>
        </p>
      </form>
    </dialog>
  );
}

function Targets({ dry }: { readonly dry: Decided }): ReactNode {
  return (
    <>
      {dry.count > 0 && <p>Each goes back to what refused it, once, with its event time:</p>}
      <ul className="plain targets">
        {dry.tasks.map(({ task, count: times }) => (
          <li key={task}>
            <b>{count(times)}</b> to {inert(task)}
          </li>
        ))}
      </ul>
      {refusedLines(dry).map((line) => (
        <p key={line}>{inert(line)}</p>
      ))}
      {dry.isMore && <p>These are the oldest; ask again for those that are left.</p>}
    </>
  );
}

function titleOf(what: Asked['what'], dry: Decided | null): string {
  const verb = what === 'redrive' ? 'Put' : 'Drop';
  const end = what === 'redrive' ? ' in again?' : '?';
  if (dry === null) return `${verb} dead letters${end}`;
  if (dry.count === 0) return what === 'redrive' ? 'None can be put in again' : 'None is open';
  return `${verb} ${lettersText(dry.count)}${end}`;
}

function decidedLines(what: Asked['what'], { count: done, taken, before, refused, tasks: _tasks, isMore }: Decided): readonly string[] {
  const waiting = done - taken;
  return [
    what === 'drop'
      ? `${lettersText(done)} ${done === 1 ? 'is' : 'are'} marked as done; nothing was deleted.`
      : `${lettersText(done)} ${done === 1 ? 'was' : 'were'} put in again, ${count(taken)} of them ${taken === 1 ? 'is' : 'are'} taken in.`,
    ...(what === 'redrive' && waiting > 0
      ? [`${count(waiting)} wait until the job takes them in: does it run, and is it not paused?`]
      : []),
    ...(before > 0 ? [`${lettersText(before)} had been decided by somebody else, and stay as they are.`] : []),
    ...refusedLines({ refused }),
    ...(isMore ? ['There are more: ask again for those that are left.'] : []),
  ];
}

function refusedLines({ refused }: Pick<Decided, 'refused'>): readonly string[] {
  return refused.map(
    ({ count: times, example, reason }) => `${lettersText(times)} cannot be put in again (such as ${example}): ${reason}.`,
  );
}

function lettersText(times: number): string {
  return `${count(times)} dead ${times === 1 ? 'letter' : 'letters'}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
