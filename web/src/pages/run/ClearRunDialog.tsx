// Runs the tasks of a run again.
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { clearRun } from '../../api/runs';
import type { DagRun } from '../../api/types';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { Segments } from '../../components/Segments';

const WHICH = [
  { value: false, label: 'All tasks' },
  { value: true, label: 'Only failed tasks' },
];

export function ClearRunDialog({ run, onClose }: { run: DagRun; onClose: () => void }) {
  const [onlyFailed, setOnlyFailed] = useState(run.state === 'failed');
  const clear = useMutation({
    mutationFn: () => clearRun({ dagId: run.dag_id, runId: run.dag_run_id }, onlyFailed),
    onSuccess: onClose,
  });
  return (
    <ConfirmDialog title="Clear this run" action="Clear" mutation={clear} onClose={onClose}>
      <p>The chosen tasks lose their state and run again, on the latest version of the DAG. Running ones are stopped first.</p>
      <Segments label="Which tasks" options={WHICH} value={onlyFailed} onChange={setOnlyFailed} />
    </ConfirmDialog>
  );
}
