// Addresses inside the page, made in one place.

export type DagView = 'grid' | 'graph' | 'runs' | 'tasks' | 'code' | 'details';
export type RunView = 'graph' | 'grid' | 'tasks' | 'details';

const dag = (dagId: string, view?: DagView) => `/dags/${encodeURIComponent(dagId)}${view === undefined ? '' : `/${view}`}`;

const run = (dagId: string, runId: string, view?: RunView) =>
  `${dag(dagId)}/runs/${encodeURIComponent(runId)}${view === undefined ? '' : `/${view}`}`;

/** A task instance is shown beside a view of its run. */
const task = (dagId: string, runId: string, taskId: string, mapIndex: number, view?: RunView) =>
  `${run(dagId, runId, view)}?${new URLSearchParams({ task: taskId, ...(mapIndex >= 0 && { map: String(mapIndex) }) }).toString()}`;

export const links = { dag, run, task };
