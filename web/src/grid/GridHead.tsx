// The runs above the grid, as bars.
import { Link } from 'react-router';
import type { DagRun } from '../api/types';
import { links } from '../app/links';
import { elapsed, formatDuration } from '../format/duration';
import { formatTime } from '../format/time';
import { useNow } from '../format/useNow';
import { stateLabel } from '../state/states';

const MIN_PERCENT = 10;

export function GridHead({ runs, runId }: { runs: readonly DagRun[]; runId: string | undefined }) {
  const now = useNow(runs.some(({ state }) => state === 'running'));
  const seconds = runs.map((run) => elapsed(run.start_date, run.end_date, now) ?? 0);
  const longest = Math.max(0.001, ...seconds);
  return (
    <div role="row" className="grid-view__head">
      <span role="columnheader" className="grid-view__name grid-view__scale">
        <span>{formatDuration(longest)}</span>
        <span>{formatDuration(longest / 2)}</span>
        <span>0 s</span>
      </span>
      {runs.map((run, index) => {
        const label = `Run ${run.dag_run_id}, ${stateLabel(run.state)}, ${formatTime(run.run_after)}, ${formatDuration(seconds[index] ?? 0)}`;
        return (
          <span
            role="columnheader"
            key={run.dag_run_id}
            className={`grid-view__cell ${run.dag_run_id === runId ? 'grid-view__cell--current' : ''}`}
          >
            <Link
              className="grid-view__bar"
              to={links.run(run.dag_id, run.dag_run_id)}
              aria-label={label}
              title={label}
              data-state={run.state}
            >
              <span style={{ height: `${Math.max(MIN_PERCENT, ((seconds[index] ?? 0) / longest) * 100)}%` }} />
            </Link>
          </span>
        );
      })}
    </div>
  );
}
