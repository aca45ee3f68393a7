// What a DAG is, at a glance, and what can be done with it.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { setPaused } from '../../api/dags';
import { keys } from '../../api/keys';
import type { DagDetails } from '../../api/types';
import { useForbidden } from '../../app/useMe';
import { Breadcrumbs } from '../../components/Breadcrumbs';
import { Button } from '../../components/Button';
import { Switch } from '../../components/Switch';
import { RelativeTime } from '../../components/Time';
import { useToast } from '../../components/Toasts';
import { TriggerDialog } from '../../trigger/TriggerDialog';
import './DagPage.css';

export function DagHeader({ dag }: { dag: DagDetails }) {
  const [triggering, setTriggering] = useState(false);
  const client = useQueryClient();
  const toast = useToast();
  const forbidden = useForbidden();
  const pause = useMutation({
    mutationFn: (isPaused: boolean) => setPaused(dag.dag_id, isPaused),
    onSuccess: () => Promise.all([keys.dagLists, keys.dag(dag.dag_id)].map((queryKey) => client.invalidateQueries({ queryKey }))),
    onError: toast.error,
  });
  const isPaused = pause.isPending ? pause.variables : dag.is_paused;
  return (
    <>
      <Breadcrumbs crumbs={[{ label: 'Dags', to: '/dags' }, { label: dag.dag_id }]} />
      <div className="page__title">
        <Switch
          label={`${isPaused ? 'Unpause' : 'Pause'} ${dag.dag_id}`}
          on={!isPaused}
          forbidden={forbidden}
          onChange={(on) => pause.mutate(!on)}
        />
        <h1>{dag.dag_display_name}</h1>
        {isPaused && <span className="dag__paused">paused: nothing starts</span>}
        {dag.is_stale && <span className="dag__paused">its file is gone</span>}
        <div className="page__actions">
          <Button icon="play" kind="primary" forbidden={forbidden} onClick={() => setTriggering(true)}>
            Trigger
          </Button>
        </div>
      </div>
      <dl className="facts">
        {dag.description && (
          <div>
            <dt className="visually-hidden">Description</dt>
            <dd>{dag.description}</dd>
          </div>
        )}
        <div>
          <dt>Schedule</dt>
          <dd title={dag.timetable_description ?? undefined}>{dag.timetable_summary ? <code>{dag.timetable_summary}</code> : 'none'}</dd>
        </div>
        <div>
          <dt>Next run</dt>
          <dd>{dag.next_dagrun_run_after && !isPaused ? <RelativeTime iso={dag.next_dagrun_run_after} /> : '–'}</dd>
        </div>
        <div>
          <dt>Owner</dt>
          <dd>{dag.owners.join(', ') || '–'}</dd>
        </div>
        <div>
          <dt>Version</dt>
          <dd>{dag.latest_dag_version ? `v${dag.latest_dag_version.version_number}` : '–'}</dd>
        </div>
      </dl>
      {triggering && <TriggerDialog dagId={dag.dag_id} onClose={() => setTriggering(false)} />}
    </>
  );
}
