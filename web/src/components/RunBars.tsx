// Runs as bars, oldest left, as high as they took long, in the colour of their state.
import { Link } from 'react-router';
import type { RecentRun } from '../api/types';
import { links } from '../app/links';
import { elapsed, formatDuration } from '../format/duration';
import { formatTime } from '../format/time';
import { useNow } from '../format/useNow';
import { stateLabel } from '../state/states';
import './RunBars.css';

interface Props {
  dagId: string;
  /** Newest first, as the API gives them. */
  runs: readonly RecentRun[];
  /** Room for so many bars; fewer runs stand at the right. */
  slots: number;
}

/** The highest bar is full; the lowest still shows its colour. */
const MIN_PERCENT = 22;

function describe(run: RecentRun, seconds: number | null): string {
  const parts = [run.dag_run_id, stateLabel(run.state), formatTime(run.start_date ?? run.run_after)];
  if (seconds !== null) parts.push(formatDuration(seconds));
  return parts.join(' · ');
}

export function RunBars({ dagId, runs, slots }: Props) {
  const now = useNow(runs.some(({ state }) => state === 'running'));
  const bars = runs.map((run) => ({ run, seconds: elapsed(run.start_date, run.end_date, now) })).reverse();
  const longest = Math.max(0.001, ...bars.map(({ seconds }) => seconds ?? 0));
  return (
    <ul className="run-bars" style={{ gridTemplateColumns: `repeat(${slots}, 1fr)` }}>
      {bars.map(({ run, seconds }, index) => {
        const label = describe(run, seconds);
        return (
          <li key={run.dag_run_id} style={index === 0 ? { gridColumnStart: Math.max(1, slots - bars.length + 1) } : undefined}>
            <Link to={links.run(dagId, run.dag_run_id)} aria-label={label} title={label} data-state={run.state}>
              <span style={{ height: `${Math.max(MIN_PERCENT, ((seconds ?? 0) / longest) * 100)}%` }} />
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
