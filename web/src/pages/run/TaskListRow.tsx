// One task instance in the list of a run.
import type { TaskInstance } from '../../api/types';
import { Duration } from '../../components/Duration';
import { Reason } from '../../components/Reason';
import { StateBadge } from '../../components/StateBadge';
import { Time } from '../../components/Time';
import { isRunning, stateName } from '../../state/states';

interface Props {
  instance: TaskInstance;
  index: number;
  top: number;
  selected: boolean;
  onOpen: (taskId: string, mapIndex: number) => void;
}

/** `extract`, or `extract [3]` for a copy of a mapped task. */
export const taskLabel = ({ task_display_name: name, map_index: index, rendered_map_index: rendered }: TaskInstance) =>
  index < 0 ? name : `${name} [${rendered ?? index}]`;

export function TaskListRow({ instance, index, top, selected, onOpen }: Props) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={`task-list__grid task-list__row ${selected ? 'task-list__row--selected' : ''}`}
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="cell">
        <button type="button" className="task-list__open" onClick={() => onOpen(instance.task_id, instance.map_index)}>
          {taskLabel(instance)}
        </button>
      </span>
      <span role="cell" className="task-list__state">
        <StateBadge state={stateName(instance.state)} />
        <Reason waitingFor={instance.waiting_for} />
      </span>
      <span role="cell">
        <Time iso={instance.start_date} />
      </span>
      <span role="cell">
        <Duration start={instance.start_date} end={instance.end_date} live={isRunning(instance.state)} />
      </span>
      <span role="cell" className="tabular">
        {instance.try_number}
      </span>
      <span role="cell" className="muted">
        {instance.operator_name ?? instance.operator}
      </span>
    </div>
  );
}
