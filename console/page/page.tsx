// The page as a whole: which job, which view, how it looks; the frame around all views.

import { type ReactNode, useCallback, useEffect, useState } from 'react';
import type { JobRef } from '../api.ts';
import { isRefs } from './answer-check.ts';
import { getJson, Refused, setToken, useJob } from './connection.ts';
import { DeadLettersView } from './dead-letters-view.tsx';
import { DeclarationView } from './declaration-view.tsx';
import { ConnectionNote, Head } from './head.tsx';
import { useHistory } from './history.ts';
import { KeyView } from './key-view.tsx';
import { MachinesView } from './machines-view.tsx';
import { PartitionsView } from './partitions-view.tsx';
import { Shortcuts } from './shortcuts.tsx';
import { useTheme } from './theme.ts';
import { TimelineView } from './timeline-view.tsx';
import { TokenForm } from './token-form.tsx';
import { TopologyView } from './topology-view.tsx';
import { ViewBoundary } from './view-boundary.tsx';
import { type ViewProps, views } from './views.ts';
import { WindowsView } from './windows-view.tsx';
import { useRoute } from './route.ts';

const JOBS_AGAIN_MS = 2_000;

export function Page(): ReactNode {
  const [route, go] = useRoute();
  const [theme, nextTheme] = useTheme();
  const [attempt, setAttempt] = useState(0);
  const [showsHelp, setShowsHelp] = useState(false);
  const jobs = useJobs(attempt);
  const ref = chosen(jobs.refs, route.job);
  const watched = useJob(ref, attempt);
  const history = useHistory(watched.live);
  const again = useCallback(() => setAttempt((before) => before + 1), []);
  useKeys({ go: (view) => go({ ...route, view }), nextTheme, help: () => setShowsHelp((before) => !before) });
  const refused = watched.refused ?? jobs.refused;
  const { declared, live } = watched;
  useEffect(() => {
    document.querySelector('.views [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [route.view]);
  useEffect(() => {
    document.title = ref === null ? 'Millrace' : `${ref.name} · Millrace`;
  }, [ref?.name]);
  return (
    <div className={watched.connection.kind === 'lost' && live !== null ? 'page stale' : 'page'}>
      <a className="skip" href="#view">
        To the view
      </a>
      <Head
        refs={jobs.refs}
        chosen={ref}
        onJob={(job) => go({ ...route, job })}
        live={live}
        connection={watched.connection}
        theme={theme}
        onTheme={nextTheme}
        onHelp={() => setShowsHelp(true)}
      />
      <nav className="views" aria-label="Views">
        {views.map(({ id, title, digit }) => (
          <a key={id} href={`#/${id}`} aria-current={route.view === id ? 'page' : undefined} title={`${title} (${digit})`}>
            {title}
            {id === 'dead-letters' && live !== null && live.deadLetters > 0 && (
              <b className="badge">{live.deadLetters > 999 ? '999+' : live.deadLetters}</b>
            )}
          </a>
        ))}
      </nav>
      <main id="view" tabIndex={-1} data-at={live?.atMs}>
        {refused === null || !refused.isOfPerson ? (
          <ConnectionNote connection={watched.connection} hasShown={live !== null} problem={refused?.message ?? null} />
        ) : (
          <TokenForm refused={refused} onToken={(token) => (setToken(token), again())} />
        )}
        {declared !== null && live !== null && live.declaredId === declared.id ? (
          <ViewBoundary key={`${declared.id} ${route.view}`}>
            <View
              view={route.view}
              declared={declared}
              live={live}
              history={history}
              query={route.query}
              go={(view, query) => go({ ...route, view, query })}
            />
          </ViewBoundary>
        ) : (
          refused === null && <p className="empty">{jobs.refs?.length === 0 ? 'There is no job yet.' : 'Looking for the job …'}</p>
        )}
      </main>
      {showsHelp && <Shortcuts onClose={() => setShowsHelp(false)} />}
    </div>
  );
}

function View({ view, ...props }: ViewProps & { readonly view: string }): ReactNode {
  switch (view) {
    case 'machines':
      return <MachinesView {...props} />;
    case 'key':
      return <KeyView {...props} />;
    case 'windows':
      return <WindowsView {...props} />;
    case 'dead-letters':
      return <DeadLettersView {...props} />;
    case 'partitions':
      return <PartitionsView {...props} />;
    case 'timeline':
      return <TimelineView {...props} />;
    case 'job':
      return <DeclarationView {...props} />;
    default:
      return <TopologyView {...props} />;
  }
}

type Jobs = { readonly refs: readonly JobRef[] | null; readonly refused: Refused | null };

function useJobs(attempt: number): Jobs {
  const [jobs, setJobs] = useState<Jobs>({ refs: null, refused: null });
  useEffect(() => {
    const stop = new AbortController();
    const look = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        try {
          const refs = await getJson('/api/jobs', isRefs, stop.signal);
          setJobs((before) =>
            JSON.stringify(before.refs) === JSON.stringify(refs) && before.refused === null ? before : { refs, refused: null },
          );
        } catch (error) {
          if (error instanceof Refused && !stop.signal.aborted) setJobs({ refs: null, refused: error });
          if (error instanceof Refused && error.isOfPerson) return;
        }
        await new Promise((resolve) => setTimeout(resolve, JOBS_AGAIN_MS));
      }
    };
    void look();
    return () => stop.abort();
  }, [attempt]);
  return jobs;
}

function chosen(refs: readonly JobRef[] | null, wanted: string): JobRef | null {
  return refs?.find(({ namespace, name }) => `${namespace}/${name}` === wanted) ?? refs?.[0] ?? null;
}

type Keys = { readonly go: (view: string) => void; readonly nextTheme: () => void; readonly help: () => void };

function useKeys({ go, nextTheme, help }: Keys): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { target } = event;
      const isWriting = target instanceof HTMLElement && ['INPUT', 'SELECT', 'TEXTAREA'].includes(target.tagName);
      if (isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
      const view = views.find(({ digit }) => digit === event.key);
      if (view !== undefined) go(view.id);
      else if (event.key === 't') nextTheme();
      else if (event.key === '?') help();
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  });
}
