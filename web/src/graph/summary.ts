// What a node of a run's graph says: one task, or all copies of a mapped one. Pure.
import type { TaskInstance } from '../api/types';
import { stateName, TASK_STATES, type StateName } from '../state/states';

export interface TaskSummary {
  state: StateName;
  /** More than one for a mapped task. */
  copies: number;
  /** The copy that is shown and opened: the one that needs most attention. */
  shown: TaskInstance;
}

/** What matters first: broken, then busy, then waiting, then done. */
const ATTENTION: readonly StateName[] = ['failed', 'upstream_failed', ...TASK_STATES];

const rank = (instance: TaskInstance) => ATTENTION.indexOf(stateName(instance.state));

export function summarise(instances: readonly TaskInstance[]): Map<string, TaskSummary> {
  const byTask = new Map<string, TaskSummary>();
  for (const instance of instances) {
    const known = byTask.get(instance.task_id);
    const shown = known === undefined || rank(instance) < rank(known.shown) ? instance : known.shown;
    byTask.set(instance.task_id, { state: stateName(shown.state), copies: (known?.copies ?? 0) + 1, shown });
  }
  return byTask;
}
