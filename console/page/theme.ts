// Dark or light: as the system says, until somebody chooses. The style knows `data-theme` only.

import { useCallback, useEffect, useState } from 'react';

export type Theme = 'system' | 'light' | 'dark';
const THEME = 'millrace-theme';
const NEXT: Readonly<Record<Theme, Theme>> = { system: 'dark', dark: 'light', light: 'system' };
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

export function useTheme(): readonly [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(kept);
  useEffect(() => {
    localStorage.setItem(THEME, theme);
    const follow = (): void => show(theme);
    follow();
    systemIsDark.addEventListener('change', follow);
    return () => systemIsDark.removeEventListener('change', follow);
  }, [theme]);
  return [theme, useCallback(() => setTheme((before) => NEXT[before]), [])];
}

/** Before anything is drawn. */
export function showKeptTheme(): void {
  show(kept());
}

function kept(): Theme {
  const theme = localStorage.getItem(THEME);
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

function show(theme: Theme): void {
  const isDark = theme === 'dark' || (theme === 'system' && systemIsDark.matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
}
