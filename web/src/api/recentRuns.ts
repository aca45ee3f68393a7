// What the list of DAGs shows of runs: the newest ones of many DAGs in one request (Updraft's own endpoint).
import { request } from './client';
import type { RecentRun } from './types';

/** The newest runs by DAG, newest first. */
export const recentRunsOf = (dagIds: readonly string[], limit: number, signal: AbortSignal) =>
  request<{ dags: Record<string, RecentRun[]> }>('/api/v2/recentRuns', { query: { dag_ids: dagIds, limit }, signal }).then(
    (answer) => answer.dags,
  );
