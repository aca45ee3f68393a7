// Task instances: lists, tries, clearing, marking, XComs.
import { path, request, requestAll } from './client';
import type { ClearBody, RunRef, TaskInstance, TaskRef, TaskTry, XComEntry, XComValue } from './types';

const under = ({ dagId, runId }: RunRef) => path`/api/v2/dags/${dagId}/dagRuns/${runId}/taskInstances`;

/** The path of one task instance; mapped ones have their index at the end. */
const one = (ref: TaskRef, rest = '') => `${under(ref)}${path`/${ref.taskId}`}${ref.mapIndex >= 0 ? path`/${ref.mapIndex}` : ''}${rest}`;

/** All task instances of a run. */
export const taskInstances = (run: RunRef, signal: AbortSignal) =>
  requestAll(under(run), (page: { task_instances: TaskInstance[]; total_entries?: number | null }) => page.task_instances, { signal });

export const taskInstance = (ref: TaskRef, signal: AbortSignal) => request<TaskInstance>(one(ref), { signal });

/** Every try, oldest first, the current one last. */
export const taskTries = (ref: TaskRef, signal: AbortSignal) =>
  request<{ task_instances: TaskTry[] }>(one(ref, '/tries'), { signal }).then((answer) => answer.task_instances);

export const clearTaskInstances = (dagId: string, body: ClearBody) =>
  request<{ task_instances: TaskInstance[]; total_entries: number }>(path`/api/v2/dags/${dagId}/clearTaskInstances`, {
    method: 'POST',
    body,
  });

export const markTaskInstance = (ref: TaskRef, state: 'success' | 'failed' | 'skipped') =>
  request<unknown>(one(ref), { method: 'PATCH', body: { new_state: state } });

export const xcomEntries = (ref: TaskRef, signal: AbortSignal) =>
  requestAll(
    path`/api/v2/dags/${ref.dagId}/dagRuns/${ref.runId}/taskInstances/${ref.taskId}/xcomEntries`,
    (page: { xcom_entries: XComEntry[]; total_entries: number }) => page.xcom_entries,
    { query: { map_index: ref.mapIndex }, signal },
  );

export const xcomValue = (ref: TaskRef, key: string, signal: AbortSignal) =>
  request<XComValue>(path`/api/v2/dags/${ref.dagId}/dagRuns/${ref.runId}/taskInstances/${ref.taskId}/xcomEntries/${key}`, {
    query: { map_index: ref.mapIndex, deserialize: true },
    signal,
  });
