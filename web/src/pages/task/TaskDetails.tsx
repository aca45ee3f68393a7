// Everything the API says of a task instance; of an earlier try, what was kept of it.
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { keys } from '../../api/keys';
import { taskTries } from '../../api/taskInstances';
import type { TaskInstance, TaskRef, TaskTry } from '../../api/types';
import { Duration } from '../../components/Duration';
import { ErrorNotice, Loading } from '../../components/Notice';
import { Reason } from '../../components/Reason';
import { StateBadge } from '../../components/StateBadge';
import { Time } from '../../components/Time';
import { isRunning, stateName } from '../../state/states';

interface Props {
  taskRef: TaskRef;
  instance: TaskInstance;
  tryNumber: number;
}

export function TaskDetails({ taskRef, instance, tryNumber }: Props) {
  const earlier = tryNumber !== instance.try_number;
  const tries = useQuery({ queryKey: keys.tries(taskRef), queryFn: ({ signal }) => taskTries(taskRef, signal), enabled: earlier });
  if (!earlier) return <Sheet shown={instance} waiting={<Reason waitingFor={instance.waiting_for} />} note={instance.note} />;
  if (tries.isError) return <ErrorNotice error={tries.error} retry={() => void tries.refetch()} />;
  const shown = tries.data?.find((one) => one.try_number === tryNumber);
  return shown ? <Sheet shown={shown} /> : <Loading what="try" />;
}

function Sheet({ shown, waiting, note }: { shown: TaskInstance | TaskTry; waiting?: ReactNode; note?: string | null }) {
  return (
    <dl className="sheet">
      <dt>State</dt>
      <dd>
        <StateBadge state={stateName(shown.state)} /> {waiting}
      </dd>
      {shown.reason && (
        <>
          <dt>Reason</dt>
          <dd>{shown.reason}</dd>
        </>
      )}
      <dt>Try</dt>
      <dd>
        {shown.try_number} of {Math.max(shown.max_tries + 1, shown.try_number)}
      </dd>
      <dt>Exit code</dt>
      <dd>{shown.exit_code ?? '–'}</dd>
      <dt>Operator</dt>
      <dd>{shown.operator_name ?? shown.operator ?? '–'}</dd>
      <dt>Scheduled</dt>
      <dd>
        <Time iso={shown.scheduled_when} />
      </dd>
      <dt>Queued</dt>
      <dd>
        <Time iso={shown.queued_when} />
      </dd>
      <dt>Start</dt>
      <dd>
        <Time iso={shown.start_date} />
      </dd>
      <dt>End</dt>
      <dd>
        <Time iso={shown.end_date} />
      </dd>
      <dt>Duration</dt>
      <dd>
        <Duration start={shown.start_date} end={shown.end_date} live={isRunning(shown.state)} />
      </dd>
      <dt>Executor</dt>
      <dd>{shown.executor ?? '–'}</dd>
      <dt>Node</dt>
      <dd>{shown.hostname ?? '–'}</dd>
      <dt>Process id</dt>
      <dd>{shown.pid ?? '–'}</dd>
      <dt>Pool</dt>
      <dd>
        {shown.pool} ({shown.pool_slots === 1 ? '1 slot' : `${shown.pool_slots} slots`})
      </dd>
      <dt>Priority weight</dt>
      <dd>{shown.priority_weight ?? '–'}</dd>
      <dt>DAG version</dt>
      <dd>{shown.dag_version ? `v${shown.dag_version.version_number}` : '–'}</dd>
      {note && (
        <>
          <dt>Note</dt>
          <dd>{note}</dd>
        </>
      )}
    </dl>
  );
}
