// The task instances of a run as a list that can be narrowed; thousands of rows are fine.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import type { TaskInstance, TaskRef } from '../../api/types';
import { EmptyNotice } from '../../components/Notice';
import { SearchBox } from '../../components/SearchBox';
import { countStates, stateLabel, stateName, type StateName } from '../../state/states';
import './TaskList.css';
import { TaskListRow } from './TaskListRow';

const ROW_HEIGHT = 38;

interface Props {
  instances: readonly TaskInstance[];
  selected: TaskRef | null;
  onOpen: (taskId: string, mapIndex: number) => void;
}

/** In the order in which things happened; what has not started comes last. */
const byStart = (a: TaskInstance, b: TaskInstance) =>
  (a.start_date ?? '9').localeCompare(b.start_date ?? '9') || a.task_id.localeCompare(b.task_id) || a.map_index - b.map_index;

export function TaskList({ instances, selected, onOpen }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [search, setSearch] = useState('');
  const [state, setState] = useState<StateName | null>(null);
  const counts = useMemo(() => countStates(instances.map((one) => one.state)), [instances]);
  const shown = useMemo(
    () => instances.filter((one) => one.task_id.includes(search) && (state === null || stateName(one.state) === state)).sort(byStart),
    [instances, search, state],
  );
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
  });

  return (
    <div className="task-list">
      <div className="task-list__tools">
        <SearchBox primary label="Search tasks" value={search} onChange={setSearch} />
        <div className="task-list__states" role="group" aria-label="Filter by state">
          {counts.map(([name, count]) => (
            <button
              key={name}
              type="button"
              className="state-counts__mark"
              data-state={name}
              aria-pressed={state === name}
              onClick={() => setState(state === name ? null : name)}
            >
              {stateLabel(name)} {count}
            </button>
          ))}
        </div>
      </div>
      {shown.length === 0 && <EmptyNotice title="No task matches" />}
      <div className="task-list__scroller" ref={scroller}>
        <div role="table" aria-label="Task instances" aria-rowcount={shown.length + 1} className="task-list__table">
          <div role="row" className="task-list__head task-list__grid">
            {['Task', 'State', 'Start', 'Duration', 'Try', 'Operator'].map((name) => (
              <span key={name} role="columnheader">
                {name}
              </span>
            ))}
          </div>
          <div role="rowgroup" className="task-list__rows" style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map(({ index, start }) => {
              const instance = shown[index];
              return (
                instance && (
                  <TaskListRow
                    key={`${instance.task_id} ${instance.map_index}`}
                    instance={instance}
                    index={index}
                    top={start}
                    selected={selected?.taskId === instance.task_id && selected.mapIndex === instance.map_index}
                    onOpen={onOpen}
                  />
                )
              );
            })}
          </div>
        </div>
      </div>
    </div>
  );
}
