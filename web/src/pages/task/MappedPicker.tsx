// Chooses one copy of a mapped task.
import type { TaskInstance } from '../../api/types';
import { stateLabel, stateName } from '../../state/states';

interface Props {
  current: TaskInstance;
  siblings: readonly TaskInstance[];
  onPick: (taskId: string, mapIndex: number) => void;
}

export function MappedPicker({ current, siblings, onPick }: Props) {
  const copies = siblings.filter(({ task_id }) => task_id === current.task_id);
  if (copies.length < 2) return null;
  return (
    <label className="picker">
      Map index
      <select className="field-input" value={current.map_index} onChange={(event) => onPick(current.task_id, Number(event.target.value))}>
        {copies.map((copy) => (
          <option key={copy.map_index} value={copy.map_index}>
            {copy.rendered_map_index ?? copy.map_index} – {stateLabel(stateName(copy.state))}
          </option>
        ))}
      </select>
    </label>
  );
}
