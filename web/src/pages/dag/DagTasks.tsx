// The tasks of a DAG as a table.
import { useMemo, useState } from 'react';
import type { Task } from '../../api/types';
import { SearchBox } from '../../components/SearchBox';
import { topological } from '../../grid/order';

/** A table of this many rows is drawn at once; more are found by searching. */
const SHOWN = 500;

export function DagTasks({ tasks }: { tasks: readonly Task[] }) {
  const [search, setSearch] = useState('');
  const byId = useMemo(() => new Map(tasks.map((task) => [task.task_id, task])), [tasks]);
  const found = topological(tasks).filter((id) => id.includes(search));
  return (
    <div className="page">
      <div className="page__head">
        <SearchBox primary label="Search tasks" value={search} onChange={setSearch} />
      </div>
      <div className="page__body">
        <table className="table card">
          <thead>
            <tr>
              <th scope="col">Task</th>
              <th scope="col">Operator</th>
              <th scope="col">Trigger rule</th>
              <th scope="col">Downstream</th>
              <th scope="col">Pool</th>
              <th scope="col" className="number">
                Retries
              </th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, SHOWN).map((id) => {
              const task = byId.get(id);
              return (
                <tr key={id}>
                  <th scope="row">{id}</th>
                  <td>{task?.operator_name}</td>
                  <td>{task?.trigger_rule}</td>
                  <td className="muted">{task?.downstream_task_ids?.join(', ')}</td>
                  <td>{task?.pool}</td>
                  <td className="number">{task?.retries ?? 0}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
        {found.length > SHOWN && (
          <p className="muted">
            The first {SHOWN} of {found.length}: search for the others.
          </p>
        )}
      </div>
    </div>
  );
}
