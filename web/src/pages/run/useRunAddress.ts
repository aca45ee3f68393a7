// What the address of the run page says: the run, the view, and the task that is open beside it.
import { useCallback } from 'react';
import { useNavigate, useParams, useSearchParams } from 'react-router';
import type { RunRef, TaskRef } from '../../api/types';
import { links, type RunView } from '../../app/links';

export type TaskTab = 'log' | 'details' | 'xcom';

const VIEWS: readonly RunView[] = ['graph', 'grid', 'tasks', 'details'];
const TABS: readonly TaskTab[] = ['log', 'details', 'xcom'];

export function useRunAddress() {
  const { dagId = '', runId = '', view: viewParam } = useParams();
  const [search, setSearch] = useSearchParams();
  const navigate = useNavigate();
  const run: RunRef = { dagId, runId };
  const view = VIEWS.find((one) => one === viewParam) ?? 'graph';
  const taskId = search.get('task');
  const task: TaskRef | null = taskId === null ? null : { ...run, taskId, mapIndex: Number(search.get('map') ?? -1) };

  const openTask = useCallback(
    (id: string, mapIndex = -1) => void navigate(links.task(dagId, runId, id, mapIndex, view)),
    [navigate, dagId, runId, view],
  );
  const set = (name: string, value: string) =>
    setSearch(
      (old) => {
        const next = new URLSearchParams(old);
        next.set(name, value);
        return next;
      },
      { replace: true },
    );
  const tryParam = search.get('try');
  return {
    run,
    view,
    task,
    tab: TABS.find((one) => one === search.get('tab')) ?? 'log',
    /** The try that was chosen; `null` is the current one. */
    tryNumber: tryParam === null ? null : Number(tryParam),
    openTask,
    closeTask: () => void navigate(links.run(dagId, runId, view)),
    chooseTry: (tryNumber: number) => set('try', String(tryNumber)),
    /** The address of this page with another tab. */
    tabSearch: (tab: TaskTab) => {
      const next = new URLSearchParams(search);
      next.set('tab', tab);
      return `?${next.toString()}`;
    },
  };
}
