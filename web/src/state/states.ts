// The states, in Airflow's words and order. Their colours are in state.css, by the same names.
import type { RunState, TaskState } from '../api/types';

export type StateName = NonNullable<TaskState> | RunState | 'no_status';

export const RUN_STATES: readonly RunState[] = ['queued', 'running', 'success', 'failed'];

/** From what is going on to what is over: the order of counts and filters. */
export const TASK_STATES: readonly StateName[] = [
  'running',
  'queued',
  'scheduled',
  'up_for_retry',
  'up_for_reschedule',
  'deferred',
  'awaiting_input',
  'restarting',
  'failed',
  'upstream_failed',
  'success',
  'skipped',
  'removed',
  'no_status',
];

const FINISHED: ReadonlySet<string> = new Set(['success', 'failed', 'skipped', 'upstream_failed', 'removed']);

export const stateName = (state: TaskState | undefined): StateName => state ?? 'no_status';
export const stateLabel = (state: StateName): string => state.replaceAll('_', ' ');
export const isFinished = (state: TaskState): boolean => state !== null && FINISHED.has(state);
/** Whether its attempt runs now. */
export const isRunning = (state: TaskState): boolean => state === 'running' || state === 'restarting';

/** Whether more may be written to the log of its newest try (`is_try_over` in crates/server/src/shape/task_instance.rs, turned round). */
export const logGrows = (state: TaskState): boolean => state !== null && !isFinished(state) && state !== 'up_for_retry';

/** Counts by state, without zeros, in the order of `TASK_STATES`. */
export const sortCounts = (counts: Partial<Record<StateName, number>>): [StateName, number][] =>
  TASK_STATES.flatMap((state) => {
    const count = counts[state] ?? 0;
    return count === 0 ? [] : [[state, count] as [StateName, number]];
  });

/** How many are in which state. */
export function countStates(states: Iterable<TaskState>): [StateName, number][] {
  const counts: Partial<Record<StateName, number>> = {};
  for (const state of states) counts[stateName(state)] = (counts[stateName(state)] ?? 0) + 1;
  return sortCounts(counts);
}
