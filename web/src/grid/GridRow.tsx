// One task over all runs of the grid.
import { Link } from 'react-router';
import type { DagRun } from '../api/types';
import { links } from '../app/links';
import { elapsed, formatDuration } from '../format/duration';
import type { TaskSummary } from '../graph/summary';
import { stateLabel } from '../state/states';

interface Props {
  taskId: string;
  index: number;
  top: number;
  runs: readonly DagRun[];
  /** Parallel to `runs`; absent while they load. */
  states: readonly (ReadonlyMap<string, TaskSummary> | undefined)[];
  runId: string | undefined;
}

function describe(taskId: string, run: DagRun, { state, shown }: TaskSummary): string {
  const parts = [taskId, stateLabel(state), `run ${run.dag_run_id}`];
  const seconds = shown.end_date ? elapsed(shown.start_date, shown.end_date, 0) : null;
  if (seconds !== null) parts.push(formatDuration(seconds));
  if (shown.waiting_for) parts.push(shown.waiting_for.text);
  return parts.join(', ');
}

export function GridRow({ taskId, index, top, runs, states, runId }: Props) {
  return (
    <div role="row" aria-rowindex={index + 2} className="grid-view__row" style={{ transform: `translateY(${top}px)` }}>
      <span role="rowheader" className="grid-view__name" title={taskId}>
        {taskId}
      </span>
      {runs.map((run, column) => {
        const summary = states[column]?.get(taskId);
        const label = summary && describe(taskId, run, summary);
        return (
          <span
            role="cell"
            key={run.dag_run_id}
            className={`grid-view__cell ${run.dag_run_id === runId ? 'grid-view__cell--current' : ''}`}
          >
            {summary && (
              <Link
                className="grid-view__square"
                data-state={summary.state}
                to={links.task(run.dag_id, run.dag_run_id, taskId, summary.shown.map_index, 'grid')}
                aria-label={label}
                title={label}
              >
                {summary.copies > 1 ? summary.copies : ''}
              </Link>
            )}
          </span>
        );
      })}
    </div>
  );
}
