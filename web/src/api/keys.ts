// The keys of cached answers. The feed finds by them what a change makes stale, so they go from the
// general to the particular and are made here only.
import type { RunRef, TaskRef } from './types';

export const keys = {
  dagLists: ['dags'] as const,
  dagList: (filter: unknown) => ['dags', filter] as const,
  dag: (dagId: string) => ['dag', dagId] as const,
  dagDetails: (dagId: string) => ['dag', dagId, 'details'] as const,
  dagTasks: (dagId: string) => ['dag', dagId, 'tasks'] as const,
  dagSource: (dagId: string) => ['dag', dagId, 'source'] as const,
  dagVersions: (dagId: string) => ['dag', dagId, 'versions'] as const,
  /** What is shown of DAGs that are in view together: the second part says which. */
  inView: ['inView'] as const,
  dagStats: (dagIds: readonly string[]) => ['inView', dagIds, 'stats'] as const,
  recentRunsOf: (dagIds: readonly string[]) => ['inView', dagIds, 'runs'] as const,
  runsOf: (dagId: string) => ['runs', dagId] as const,
  recentRuns: (dagId: string, limit: number) => ['runs', dagId, 'recent', limit] as const,
  runList: (dagId: string, filter: unknown) => ['runs', dagId, 'list', filter] as const,
  run: ({ dagId, runId }: RunRef) => ['run', dagId, runId] as const,
  taskInstances: ({ dagId, runId }: RunRef) => ['taskInstances', dagId, runId] as const,
  task: ({ dagId, runId, taskId, mapIndex }: TaskRef) => ['task', dagId, runId, taskId, mapIndex] as const,
  tries: (ref: TaskRef) => [...keys.task(ref), 'tries'] as const,
  xcoms: (ref: TaskRef) => [...keys.task(ref), 'xcoms'] as const,
  log: (ref: TaskRef, tryNumber: number) => ['log', ref.dagId, ref.runId, ref.taskId, ref.mapIndex, tryNumber] as const,
  me: ['me'] as const,
  pools: ['pools'] as const,
  importErrors: ['importErrors'] as const,
};
