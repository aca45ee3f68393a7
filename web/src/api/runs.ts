// DAG runs.
import { path, request } from './client';
import type { DagRun, RunRef, RunState, RunType, TriggerBody } from './types';

export interface RunPage {
  dag_runs: DagRun[];
  total_entries: number;
}

/** The newest runs of a DAG, newest first. */
export const recentRuns = (dagId: string, limit: number, signal: AbortSignal) =>
  request<RunPage>(path`/api/v2/dags/${dagId}/dagRuns`, { query: { limit, order_by: '-run_after' }, signal }).then((page) => page.dag_runs);

export interface RunFilter {
  states: RunState[];
  runTypes: RunType[];
}

/** A part of a DAG's runs, newest first; `~` is every DAG. */
export const listRuns = (dagId: string, filter: RunFilter, limit: number, offset: number, signal: AbortSignal) =>
  request<RunPage>(`/api/v2/dags/${dagId === '~' ? '~' : encodeURIComponent(dagId)}/dagRuns`, {
    query: { limit, offset, order_by: '-run_after', state: filter.states, run_type: filter.runTypes },
    signal,
  });

export const getRun = ({ dagId, runId }: RunRef, signal: AbortSignal) =>
  request<DagRun>(path`/api/v2/dags/${dagId}/dagRuns/${runId}`, { signal });

export const triggerRun = (dagId: string, body: TriggerBody) =>
  request<DagRun>(path`/api/v2/dags/${dagId}/dagRuns`, { method: 'POST', body });

export const setRunState = ({ dagId, runId }: RunRef, state: RunState) =>
  request<DagRun>(path`/api/v2/dags/${dagId}/dagRuns/${runId}`, { method: 'PATCH', body: { state } });

export const setRunNote = ({ dagId, runId }: RunRef, note: string) =>
  request<DagRun>(path`/api/v2/dags/${dagId}/dagRuns/${runId}`, { method: 'PATCH', body: { note } });

export const clearRun = ({ dagId, runId }: RunRef, onlyFailed: boolean) =>
  request<unknown>(path`/api/v2/dags/${dagId}/dagRuns/${runId}/clear`, {
    method: 'POST',
    body: { dry_run: false, only_failed: onlyFailed },
  });
