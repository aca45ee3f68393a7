// Gives a run a state by hand.
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { setRunState } from '../../api/runs';
import type { DagRun, RunState } from '../../api/types';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { Segments } from '../../components/Segments';

const STATES: { value: RunState; label: string; state: string }[] = [
  { value: 'success', label: 'Success', state: 'success' },
  { value: 'failed', label: 'Failed', state: 'failed' },
];

export function MarkRunDialog({ run, onClose }: { run: DagRun; onClose: () => void }) {
  const [state, setState] = useState<RunState>(run.state === 'success' ? 'failed' : 'success');
  const mark = useMutation({
    mutationFn: () => setRunState({ dagId: run.dag_id, runId: run.dag_run_id }, state),
    onSuccess: onClose,
  });
  return (
    <ConfirmDialog title="Mark this run" action={`Mark ${state}`} mutation={mark} onClose={onClose}>
      <p>Tasks that are not finished end with the run; running ones are stopped.</p>
      <Segments label="State" options={STATES} value={state} onChange={setState} />
    </ConfirmDialog>
  );
}
