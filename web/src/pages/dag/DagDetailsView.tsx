// Everything the API says of a DAG.
import type { DagDetails } from '../../api/types';
import { Json } from '../../components/Json';
import { Time } from '../../components/Time';
import { formatDuration, parseDuration } from '../../format/duration';

export function DagDetailsView({ dag }: { dag: DagDetails }) {
  const timeout = parseDuration(dag.dag_run_timeout);
  return (
    <dl className="sheet">
      <dt>DAG id</dt>
      <dd className="mono">{dag.dag_id}</dd>
      <dt>File</dt>
      <dd className="mono">{dag.relative_fileloc ?? dag.fileloc}</dd>
      <dt>Schedule</dt>
      <dd>{[dag.timetable_summary, dag.timetable_description].filter(Boolean).join(' – ') || 'none'}</dd>
      <dt>Time zone</dt>
      <dd>{dag.timezone ?? 'UTC'}</dd>
      <dt>Start date</dt>
      <dd>
        <Time iso={dag.start_date} />
      </dd>
      <dt>End date</dt>
      <dd>
        <Time iso={dag.end_date} />
      </dd>
      <dt>Catchup</dt>
      <dd>{dag.catchup ? 'yes' : 'no'}</dd>
      <dt>Max active runs</dt>
      <dd>{dag.max_active_runs ?? '–'}</dd>
      <dt>Max active tasks</dt>
      <dd>{dag.max_active_tasks} per run</dd>
      <dt>Run timeout</dt>
      <dd>{timeout === null ? 'none' : formatDuration(timeout)}</dd>
      <dt>Tags</dt>
      <dd>{dag.tags.map(({ name }) => name).join(', ') || '–'}</dd>
      <dt>Owners</dt>
      <dd>{dag.owners.join(', ') || '–'}</dd>
      <dt>Last parsed</dt>
      <dd>
        <Time iso={dag.last_parsed_time} />
      </dd>
      <dt>Params</dt>
      <dd>
        <Json value={dag.params ?? {}} />
      </dd>
      {dag.doc_md && (
        <>
          <dt>Documentation</dt>
          <dd style={{ whiteSpace: 'pre-wrap' }}>{dag.doc_md}</dd>
        </>
      )}
    </dl>
  );
}
