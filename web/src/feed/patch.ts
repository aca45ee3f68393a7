// Writes what the feed says into answers that are cached, so that a state is on the screen before its
// row is read again. Pure; an answer without a change stays the same object, so nothing is drawn anew.
import type { DagRun, TaskInstance } from '../api/types';
import { runKey, taskKey, type RunNews, type TaskNews } from './digest';

const sameItems = <T>(a: readonly T[], b: readonly T[]) => a.every((item, index) => item === b[index]);

export function patchTaskInstances(list: TaskInstance[], news: ReadonlyMap<string, TaskNews>): TaskInstance[] {
  const next = list.map((instance) => {
    const told = news.get(taskKey(instance.task_id, instance.map_index));
    if (told === undefined || (told.state === instance.state && told.tryNumber === instance.try_number)) return instance;
    // The reason belonged to the old state; the new one comes with the row.
    return { ...instance, state: told.state, try_number: told.tryNumber, waiting_for: null };
  });
  return sameItems(list, next) ? list : next;
}

export function patchRun(run: DagRun, news: RunNews): DagRun {
  if (news.state === undefined || news.state === run.state) return run;
  return { ...run, state: news.state, waiting_for: null };
}

export function patchRuns(list: DagRun[], news: ReadonlyMap<string, RunNews>): DagRun[] {
  const next = list.map((run) => {
    const told = news.get(runKey(run.dag_id, run.dag_run_id));
    return told === undefined ? run : patchRun(run, told);
  });
  return sameItems(list, next) ? list : next;
}
