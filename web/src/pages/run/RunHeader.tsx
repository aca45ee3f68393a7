// What a run is, at a glance: where it belongs, its state and why, its times, what can be done with it.
import { useMemo, useState } from 'react';
import type { DagRun, TaskInstance } from '../../api/types';
import { links } from '../../app/links';
import { useForbidden } from '../../app/useMe';
import { Breadcrumbs } from '../../components/Breadcrumbs';
import { Button } from '../../components/Button';
import { Duration } from '../../components/Duration';
import { Reason } from '../../components/Reason';
import { StateBadge } from '../../components/StateBadge';
import { StateCounts } from '../../components/StateCounts';
import { Time } from '../../components/Time';
import { countStates } from '../../state/states';
import { TriggerDialog } from '../../trigger/TriggerDialog';
import { ClearRunDialog } from './ClearRunDialog';
import { MarkRunDialog } from './MarkRunDialog';

export function RunHeader({ run, instances }: { run: DagRun; instances: readonly TaskInstance[] }) {
  const [dialog, setDialog] = useState<'clear' | 'mark' | 'trigger' | null>(null);
  const counts = useMemo(() => countStates(instances.map(({ state }) => state)), [instances]);
  const forbidden = useForbidden();
  const close = () => setDialog(null);
  return (
    <>
      <Breadcrumbs crumbs={[{ label: 'Dags', to: '/dags' }, { label: run.dag_id, to: links.dag(run.dag_id) }, { label: run.dag_run_id }]} />
      <div className="page__title">
        <h1>{run.dag_run_id}</h1>
        <span aria-label="State of the run" role="status">
          <StateBadge state={run.state} />
        </span>
        <Reason waitingFor={run.waiting_for} />
        {run.end_reason && <span className="muted">{run.end_reason}</span>}
        <div className="page__actions">
          <Button icon="clear" forbidden={forbidden} onClick={() => setDialog('clear')}>
            Clear…
          </Button>
          <Button icon="check" forbidden={forbidden} onClick={() => setDialog('mark')}>
            Mark as…
          </Button>
          <Button icon="play" kind="primary" forbidden={forbidden} onClick={() => setDialog('trigger')}>
            Trigger
          </Button>
        </div>
      </div>
      <dl className="facts">
        <div>
          <dt>Logical date</dt>
          <dd>
            <Time iso={run.logical_date} />
          </dd>
        </div>
        <div>
          <dt>Type</dt>
          <dd>{run.run_type}</dd>
        </div>
        <div>
          <dt>Start</dt>
          <dd>
            <Time iso={run.start_date} />
          </dd>
        </div>
        <div>
          <dt>Duration</dt>
          <dd>
            <Duration start={run.start_date} end={run.end_date} live={run.state === 'running'} />
          </dd>
        </div>
        <div>
          <dt>Tasks</dt>
          <dd>
            <StateCounts noun="tasks" counts={counts} />
          </dd>
        </div>
      </dl>
      {dialog === 'clear' && <ClearRunDialog run={run} onClose={close} />}
      {dialog === 'mark' && <MarkRunDialog run={run} onClose={close} />}
      {dialog === 'trigger' && <TriggerDialog dagId={run.dag_id} onClose={close} />}
    </>
  );
}
