// Everything the API says of a run.
import type { DagRun } from '../../api/types';
import { Json } from '../../components/Json';
import { Time } from '../../components/Time';

export function RunDetails({ run }: { run: DagRun }) {
  return (
    <dl className="sheet">
      <dt>Run id</dt>
      <dd className="mono">{run.dag_run_id}</dd>
      <dt>Type</dt>
      <dd>{run.run_type}</dd>
      <dt>Triggered by</dt>
      <dd>{[run.triggered_by, run.triggering_user_name].filter(Boolean).join(', ') || '–'}</dd>
      <dt>Logical date</dt>
      <dd>
        <Time iso={run.logical_date} />
      </dd>
      <dt>Data interval</dt>
      <dd>
        <Time iso={run.data_interval_start} /> – <Time iso={run.data_interval_end} />
      </dd>
      <dt>Run after</dt>
      <dd>
        <Time iso={run.run_after} />
      </dd>
      <dt>Queued at</dt>
      <dd>
        <Time iso={run.queued_at} />
      </dd>
      <dt>Start</dt>
      <dd>
        <Time iso={run.start_date} />
      </dd>
      <dt>End</dt>
      <dd>
        <Time iso={run.end_date} />
      </dd>
      <dt>DAG version</dt>
      <dd>{run.dag_versions.map((version) => `v${version.version_number}`).join(', ') || '–'}</dd>
      <dt>Note</dt>
      <dd>{run.note ?? '–'}</dd>
      <dt>Configuration</dt>
      <dd>
        <Json value={run.conf ?? {}} />
      </dd>
    </dl>
  );
}
