// The way to a trace, where one is known and somebody said where traces are looked at.

import type { ReactNode } from 'react';
import type { Declared } from '../api.ts';

export function TraceLink({ declared, traceId }: { readonly declared: Declared; readonly traceId: string | null }): ReactNode {
  if (traceId === null) return null;
  if (declared.jaegerUrl === null) return <span className="quiet">trace {traceId} </span>;
  return (
    <a href={`${declared.jaegerUrl}/trace/${traceId}`} target="_blank" rel="noreferrer">
      trace {traceId.slice(0, 8)}…
    </a>
  );
}
