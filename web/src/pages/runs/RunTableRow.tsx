// One run in a table.
import { Link } from 'react-router';
import type { DagRun } from '../../api/types';
import { links } from '../../app/links';
import { Duration } from '../../components/Duration';
import { Reason } from '../../components/Reason';
import { StateBadge } from '../../components/StateBadge';
import { Time } from '../../components/Time';

export function RunTableRow({ run, showDag }: { run: DagRun; showDag: boolean }) {
  return (
    <tr>
      {showDag && (
        <td>
          <Link to={links.dag(run.dag_id)}>{run.dag_id}</Link>
        </td>
      )}
      <td>
        <Link to={links.run(run.dag_id, run.dag_run_id)}>{run.dag_run_id}</Link>
        {run.note && <span className="muted"> – {run.note}</span>}
      </td>
      <td>
        <StateBadge state={run.state} /> <Reason waitingFor={run.waiting_for} />
      </td>
      <td>{run.run_type}</td>
      <td>
        <Time iso={run.logical_date} />
      </td>
      <td>
        <Time iso={run.start_date} />
      </td>
      <td className="number">
        <Duration start={run.start_date} end={run.end_date} live={run.state === 'running'} />
      </td>
    </tr>
  );
}
