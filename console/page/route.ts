// Which view is shown, as the address says: `#/key?node=aircraft&key=N14228`. The job stands in the tab's own store.

import { useCallback, useEffect, useState } from 'react';

export type Route = { readonly view: string; readonly query: string; readonly job: string };
const JOB = 'millrace-job';

export function useRoute(): readonly [Route, (route: Route) => void] {
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const onChange = (): void => setRoute(read());
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  const go = useCallback((next: Route) => {
    sessionStorage.setItem(JOB, next.job);
    location.hash = `/${next.view}${next.query === '' ? '' : `?${next.query}`}`;
    setRoute(next);
  }, []);
  return [route, go];
}

function read(): Route {
  const [view = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  return { view: view === '' ? 'topology' : view, query, job: sessionStorage.getItem(JOB) ?? '' };
}
