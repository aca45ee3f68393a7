// The graph of a DAG without a run: what is there and what waits for what.
import { useMemo, useState } from 'react';
import type { Task } from '../../api/types';
import { GraphView } from '../../graph/GraphView';
import type { NodeFace } from '../../graph/GraphNode';
import { TaskFacts } from './TaskFacts';
import '../run/RunPage.css';

export function DagGraph({ dagId, tasks }: { dagId: string; tasks: readonly Task[] }) {
  const [open, setOpen] = useState<string | null>(null);
  const byId = useMemo(() => new Map(tasks.map((task) => [task.task_id, task])), [tasks]);
  const faceOf = (id: string): NodeFace => ({ state: null, reason: '', line: '', operator: byId.get(id)?.operator_name ?? '', copies: 1 });
  const task = open === null ? undefined : byId.get(open);
  return (
    <div className={`run ${task ? 'run--split' : ''}`} style={{ height: '100%' }}>
      <section className="run__view" aria-label="Graph">
        <GraphView tasks={tasks} faceOf={faceOf} selected={open} onOpen={setOpen} />
      </section>
      {task && <TaskFacts dagId={dagId} task={task} onClose={() => setOpen(null)} />}
    </div>
  );
}
