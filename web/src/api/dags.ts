// DAGs: lists, details, graph, source, pausing.
import { path, request, requestAll } from './client';
import type { Dag, DagDetails, DagSource, DagStats, DagVersion, RunState, Task } from './types';

/** How many DAGs one page of the list holds. */
export const DAGS_PER_PAGE = 100;

export interface DagFilter {
  search: string;
  paused: boolean | null;
  lastRunState: RunState | null;
  tag: string | null;
}
export interface DagPage {
  dags: Dag[];
  total_entries: number;
}

export const listDags = (filter: DagFilter, offset: number, signal: AbortSignal) =>
  request<DagPage>('/api/v2/dags', {
    query: {
      limit: DAGS_PER_PAGE,
      offset,
      order_by: 'dag_id',
      dag_id_pattern: filter.search,
      paused: filter.paused,
      last_dag_run_state: filter.lastRunState,
      tags: filter.tag,
    },
    signal,
  });

export const dagDetails = (dagId: string, signal: AbortSignal) => request<DagDetails>(path`/api/v2/dags/${dagId}/details`, { signal });

export const dagTasks = (dagId: string, signal: AbortSignal) =>
  request<{ tasks: Task[] }>(path`/api/v2/dags/${dagId}/tasks`, { signal }).then((answer) => answer.tasks);

export const dagSource = (dagId: string, signal: AbortSignal) => request<DagSource>(path`/api/v2/dagSources/${dagId}`, { signal });

export const dagVersions = (dagId: string, signal: AbortSignal) =>
  requestAll(path`/api/v2/dags/${dagId}/dagVersions`, (page: { dag_versions: DagVersion[]; total_entries: number }) => page.dag_versions, {
    signal,
  });

/** How many runs of each of these DAGs are in which state. */
export const dagStats = (dagIds: readonly string[], signal: AbortSignal) =>
  request<{ dags: DagStats[] }>('/api/v2/dagStats', { query: { dag_ids: dagIds }, signal }).then((answer) => answer.dags);

export const setPaused = (dagId: string, isPaused: boolean) =>
  request<Dag>(path`/api/v2/dags/${dagId}`, { method: 'PATCH', body: { is_paused: isPaused } });
