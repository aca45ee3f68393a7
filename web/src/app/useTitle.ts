// The name of a page in its tab, bookmark and history: what it is about comes first.
import { useEffect } from 'react';

/** From the particular to the general: `extract`, its run, its DAG. */
export function useTitle(...parts: readonly (string | undefined)[]): void {
  const title = [...parts.filter((part) => part !== undefined), 'Updraft'].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}
