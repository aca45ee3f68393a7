// Folds many changes into the few things that are different afterwards. Pure: knows no cache and no clock.
import type { RunRef, RunState, TaskState } from '../api/types';
import type { FeedChange } from './change';

export interface TaskNews {
  state: TaskState;
  tryNumber: number;
}
export interface RunNews extends RunRef {
  /** Absent if only its tasks changed. */
  state?: RunState;
  /** By `taskKey`. */
  tasks: Map<string, TaskNews>;
}
export interface Digest {
  dags: Set<string>;
  /** By `runKey`. */
  runs: Map<string, RunNews>;
  /** Some run is gone; the feed names it by a number that the API does not show. */
  runsDeleted: boolean;
  importErrors: boolean;
  pools: boolean;
}

// A space can be in neither a DAG id nor a task id (Airflow's key pattern).
export const runKey = (dagId: string, runId: string) => `${dagId} ${runId}`;
export const taskKey = (taskId: string, mapIndex: number) => `${taskId} ${mapIndex}`;

export const emptyDigest = (): Digest => ({ dags: new Set(), runs: new Map(), runsDeleted: false, importErrors: false, pools: false });

function newsOf(digest: Digest, dagId: string, runId: string): RunNews {
  const key = runKey(dagId, runId);
  const known = digest.runs.get(key);
  if (known !== undefined) return known;
  const news: RunNews = { dagId, runId, tasks: new Map() };
  digest.runs.set(key, news);
  return news;
}

/** Adds one change; of two about the same thing the later one counts. */
export function fold(digest: Digest, change: FeedChange): Digest {
  switch (change.what) {
    case 'dag':
      digest.dags.add(change.dag_id);
      break;
    case 'run':
      newsOf(digest, change.dag_id, change.run_id).state = change.state;
      break;
    case 'task_instance':
      newsOf(digest, change.dag_id, change.run_id).tasks.set(taskKey(change.task_id, change.map_index), {
        state: change.state === 'no_status' ? null : change.state,
        tryNumber: change.try_number,
      });
      break;
    case 'run_deleted':
      digest.runsDeleted = true;
      break;
    case 'import_errors':
      digest.importErrors = true;
      break;
    case 'pools':
      digest.pools = true;
      break;
  }
  return digest;
}
