// Runs a task again, with what depends on it; says beforehand how many task instances that are.
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { clearTaskInstances } from '../../api/taskInstances';
import type { ClearBody, TaskRef } from '../../api/types';
import { Checks } from '../../components/Checks';
import { ConfirmDialog } from '../../components/ConfirmDialog';

const CHOICES = {
  include_downstream: 'Downstream tasks',
  include_upstream: 'Upstream tasks',
  include_past: 'The same task in earlier runs',
  include_future: 'The same task in later runs',
  only_failed: 'Only those that failed',
  run_on_latest_version: 'On the latest version of the DAG',
} as const;

export function ClearTaskDialog({ taskRef, onClose }: { taskRef: TaskRef; onClose: () => void }) {
  const [chosen, setChosen] = useState({
    include_downstream: true,
    include_upstream: false,
    include_past: false,
    include_future: false,
    only_failed: false,
    run_on_latest_version: true,
  });
  const body = (dryRun: boolean): ClearBody => ({
    ...chosen,
    dry_run: dryRun,
    dag_run_id: taskRef.runId,
    task_ids: [taskRef.mapIndex < 0 ? taskRef.taskId : [taskRef.taskId, taskRef.mapIndex]],
    reset_dag_runs: true,
    only_running: false,
    prevent_running_task: false,
  });
  const preview = useQuery({
    queryKey: ['clearPreview', taskRef, chosen],
    queryFn: () => clearTaskInstances(taskRef.dagId, body(true)),
    gcTime: 0,
  });
  const clear = useMutation({ mutationFn: () => clearTaskInstances(taskRef.dagId, body(false)), onSuccess: onClose });
  return (
    <ConfirmDialog title={`Clear ${taskRef.taskId}`} action="Clear" mutation={clear} onClose={onClose}>
      <p>The task loses its state and runs again. Include too:</p>
      <Checks choices={CHOICES} value={chosen} onChange={setChosen} />
      <p role="status" className="muted">
        {preview.isSuccess && (
          <Affected ids={preview.data.task_instances.map(({ task_id }) => task_id)} total={preview.data.total_entries} />
        )}
        {preview.isPending && 'Counting…'}
        {preview.isError && preview.error.message}
      </p>
    </ConfirmDialog>
  );
}

const NAMED = 6;

function Affected({ ids, total }: { ids: readonly string[]; total: number }) {
  const names = [...new Set(ids)];
  const some = names.slice(0, NAMED).join(', ');
  return (
    <>
      <strong>{total === 1 ? '1 task instance' : `${total} task instances`}</strong> will run again
      {some && `: ${some}${names.length > NAMED ? ' and more' : ''}`}
    </>
  );
}
