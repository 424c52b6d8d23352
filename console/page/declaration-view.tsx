// The job as it was written, and the plan that was made of it.

import { type ReactNode, useState } from 'react';
import { inert } from '../../runtime/base/inert.ts';
import type { ViewProps } from './views.ts';

export function DeclarationView({ declared }: ViewProps): ReactNode {
  const [part, setPart] = useState<'text' | 'plan'>('text');
  return (
    <section aria-label="Job" className="declaration">
      <div className="bar">
        <h2>{declared.ref.name}</h2>
        <span className="choice" role="group" aria-label="Part">
          <button type="button" aria-pressed={part === 'text'} onClick={() => setPart('text')}>
            {declared.language === 'yaml' ? 'YAML' : 'TypeScript'}
          </button>
          <button type="button" aria-pressed={part === 'plan'} onClick={() => setPart('plan')}>
            Plan
          </button>
        </span>
      </div>
      {declared.description !== null && <p>{inert(declared.description)}</p>}
      <Numbered text={inertLines(part === 'text' ? declared.text : declared.planText)} />
    </section>
  );
}

function Numbered({ text }: { readonly text: readonly string[] }): ReactNode {
  return (
    <div className="code-text" tabIndex={0} role="region" aria-label="Text">
      <pre aria-hidden="true" className="numbers">
        {text.map((_line, at) => at + 1).join('\n')}
      </pre>
      <pre data-figure="text">{text.join('\n')}</pre>
    </div>
  );
}

/** By line: a job may be long, a line is not. */
function inertLines(text: string): readonly string[] {
  return text.replaceAll('\r\n', '\n').trimEnd().split('\n').map(inert);
}
