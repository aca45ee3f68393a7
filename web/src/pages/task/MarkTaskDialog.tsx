// Gives a task instance a state by hand.
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { markTaskInstance } from '../../api/taskInstances';
import type { TaskRef } from '../../api/types';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { Segments } from '../../components/Segments';

type Mark = 'success' | 'failed' | 'skipped';
const STATES: { value: Mark; label: string; state: string }[] = [
  { value: 'success', label: 'Success', state: 'success' },
  { value: 'failed', label: 'Failed', state: 'failed' },
  { value: 'skipped', label: 'Skipped', state: 'skipped' },
];

export function MarkTaskDialog({ taskRef, onClose }: { taskRef: TaskRef; onClose: () => void }) {
  const [state, setState] = useState<Mark>('success');
  const mark = useMutation({ mutationFn: () => markTaskInstance(taskRef, state), onSuccess: onClose });
  return (
    <ConfirmDialog title={`Mark ${taskRef.taskId}`} action={`Mark ${state}`} mutation={mark} onClose={onClose}>
      <p>The task gets this state without running; if it runs, it is stopped. Tasks after it go on accordingly.</p>
      <Segments label="State" options={STATES} value={state} onChange={setState} />
    </ConfirmDialog>
  );
}
