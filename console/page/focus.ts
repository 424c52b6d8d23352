// Who works with keys goes on where they were when what had opened is closed again.

import { useEffect } from 'react';

/** For the component that is there while something is open. */
export function useFocusBack(): void {
  useEffect(() => {
    const before = document.activeElement;
    return () => {
      if (before instanceof HTMLElement || before instanceof SVGElement) before.focus();
    };
  }, []);
}
