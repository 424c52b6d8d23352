// The list of keyboard shortcuts.

import { type ReactNode, useEffect, useRef } from 'react';
import { useFocusBack } from './focus.ts';
import { views } from './views.ts';

export function Shortcuts({ onClose }: { readonly onClose: () => void }): ReactNode {
  useFocusBack();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="shortcuts">
      <h2 id="shortcuts">Keyboard</h2>
      <dl className="keys">
        {views.map(({ digit, title }) => (
          <div key={digit}>
            <dt>
              <kbd>{digit}</kbd>
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>t</kbd>
          </dt>
          <dd>colours: as the system, dark, light</dd>
        </div>
        <div>
          <dt>
            <kbd>Tab</kbd> <kbd>Enter</kbd>
          </dt>
          <dd>from stage to stage; what it does</dd>
        </div>
        <div>
          <dt>
            <kbd>?</kbd> <kbd>Esc</kbd>
          </dt>
          <dd>this list; away with it</dd>
        </div>
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
