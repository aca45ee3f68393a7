// Light or dark: the system's choice until a person makes one, which this browser then remembers.
import { useSyncExternalStore } from 'react';

export type Theme = 'light' | 'dark';

const STORED = 'updraft.theme';
const system = window.matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

function stored(): Theme | undefined {
  const value = localStorage.getItem(STORED);
  return value === 'light' || value === 'dark' ? value : undefined;
}

const current = (): Theme => stored() ?? (system.matches ? 'dark' : 'light');

/** Shows the remembered choice; called once, before anything is drawn. */
export function startTheme(): void {
  const choice = stored();
  if (choice !== undefined) document.documentElement.dataset['theme'] = choice;
}

function choose(theme: Theme): void {
  localStorage.setItem(STORED, theme);
  document.documentElement.dataset['theme'] = theme;
  listeners.forEach((tell) => tell());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  system.addEventListener('change', listener);
  return () => {
    listeners.delete(listener);
    system.removeEventListener('change', listener);
  };
}

/** The theme that is shown, and the way to the other one. */
export function useTheme(): { theme: Theme; toggle: () => void } {
  const theme = useSyncExternalStore(subscribe, current);
  return { theme, toggle: () => choose(theme === 'dark' ? 'light' : 'dark') };
}
