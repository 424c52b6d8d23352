// Dark or light: as the system says, until somebody chooses.

import { useCallback, useEffect, useState } from 'react';

export type Theme = 'system' | 'light' | 'dark';
const THEME = 'millrace-theme';
const NEXT: Readonly<Record<Theme, Theme>> = { system: 'dark', dark: 'light', light: 'system' };

export function useTheme(): readonly [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(() => {
    const kept = localStorage.getItem(THEME);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  });
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
    localStorage.setItem(THEME, theme);
  }, [theme]);
  return [theme, useCallback(() => setTheme((before) => NEXT[before]), [])];
}
