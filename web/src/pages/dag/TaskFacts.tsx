// A task as its DAG defines it.
import type { Task } from '../../api/types';
import { IconButton } from '../../components/Button';
import { formatDuration, parseDuration } from '../../format/duration';
import '../task/TaskPanel.css';

const duration = (value: Task['retry_delay']) => {
  const seconds = parseDuration(value);
  return seconds === null ? '–' : formatDuration(seconds);
};

export function TaskFacts({ dagId, task, onClose }: { dagId: string; task: Task; onClose: () => void }) {
  return (
    <section className="task-panel" aria-label={`Task ${task.task_id ?? ''} of ${dagId}`}>
      <header className="task-panel__head">
        <div className="page__title">
          <h2>{task.task_display_name ?? task.task_id}</h2>
          <div className="page__actions task-panel__icons">
            <IconButton icon="close" label="Close the task" onClick={onClose} />
          </div>
        </div>
      </header>
      <dl className="sheet task-panel__scroll">
        <dt>Operator</dt>
        <dd>{task.operator_name ?? '–'}</dd>
        <dt>Trigger rule</dt>
        <dd>{task.trigger_rule ?? '–'}</dd>
        <dt>Downstream</dt>
        <dd>{task.downstream_task_ids?.join(', ') ?? '–'}</dd>
        <dt>Retries</dt>
        <dd>
          {task.retries ?? 0}, {duration(task.retry_delay)} apart
        </dd>
        <dt>Execution timeout</dt>
        <dd>{duration(task.execution_timeout)}</dd>
        <dt>Pool</dt>
        <dd>
          {task.pool ?? '–'} ({task.pool_slots ?? 1})
        </dd>
        <dt>Priority weight</dt>
        <dd>
          {task.priority_weight ?? 1}, {task.weight_rule ?? ''}
        </dd>
        <dt>Depends on past</dt>
        <dd>{task.depends_on_past ? 'yes' : 'no'}</dd>
        <dt>Owner</dt>
        <dd>{task.owner ?? '–'}</dd>
        {task.doc_md && (
          <>
            <dt>Documentation</dt>
            <dd style={{ whiteSpace: 'pre-wrap' }}>{task.doc_md}</dd>
          </>
        )}
      </dl>
    </section>
  );
}
