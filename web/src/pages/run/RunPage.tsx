// One run: its graph, grid or task list, live, and beside it the task that is open.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { dagTasks } from '../../api/dags';
import { keys } from '../../api/keys';
import { getRun } from '../../api/runs';
import { taskInstances } from '../../api/taskInstances';
import type { TaskRef } from '../../api/types';
import { links, type RunView } from '../../app/links';
import { useTitle } from '../../app/useTitle';
import { LinkTabs } from '../../components/LinkTabs';
import { ErrorNotice, Loading } from '../../components/Notice';
import { GridView } from '../../grid/GridView';
import { TaskPanel } from '../task/TaskPanel';
import { RunDetails } from './RunDetails';
import { RunGraph } from './RunGraph';
import { RunHeader } from './RunHeader';
import './RunPage.css';
import { TaskList } from './TaskList';
import { useRunAddress } from './useRunAddress';

const TABS: readonly { view: RunView; label: string }[] = [
  { view: 'graph', label: 'Graph' },
  { view: 'grid', label: 'Grid' },
  { view: 'tasks', label: 'Task list' },
  { view: 'details', label: 'Details' },
];

const mappedName = ({ taskId, mapIndex }: TaskRef) => (mapIndex < 0 ? taskId : `${taskId} [${mapIndex}]`);

export function RunPage() {
  const address = useRunAddress();
  const { run: ref, view, task } = address;
  useTitle(task === null ? undefined : mappedName(task), ref.runId, ref.dagId);
  const [wide, setWide] = useState(false);
  const run = useQuery({ queryKey: keys.run(ref), queryFn: ({ signal }) => getRun(ref, signal) });
  const tasks = useQuery({ queryKey: keys.dagTasks(ref.dagId), queryFn: ({ signal }) => dagTasks(ref.dagId, signal) });
  const instances = useQuery({ queryKey: keys.taskInstances(ref), queryFn: ({ signal }) => taskInstances(ref, signal) });
  const open = instances.data?.find(({ task_id, map_index }) => task_id === task?.taskId && map_index === task.mapIndex);

  const error = run.error ?? tasks.error ?? instances.error;
  if (error) return <ErrorNotice error={error} retry={() => void Promise.all([run.refetch(), tasks.refetch(), instances.refetch()])} />;
  if (!run.data) return <Loading what="run" />;

  const search = task === null ? '' : `?${new URLSearchParams({ task: task.taskId }).toString()}`;
  return (
    <div className="page">
      <header className="page__head page__head--tabs">
        <RunHeader run={run.data} instances={instances.data ?? []} />
        <LinkTabs
          label="Views of the run"
          tabs={TABS.map((tab) => ({
            label: tab.label,
            to: links.run(ref.dagId, ref.runId, tab.view) + search,
            current: tab.view === view,
          }))}
        />
      </header>
      <div className={`run ${task === null ? '' : 'run--split'} ${wide && task !== null ? 'run--wide' : ''}`}>
        <section className="run__view" aria-label={TABS.find((tab) => tab.view === view)?.label}>
          {(!tasks.data || !instances.data) && <Loading what="tasks" />}
          {tasks.data && instances.data && (
            <>
              {view === 'graph' && (
                <RunGraph tasks={tasks.data} instances={instances.data} selected={task?.taskId ?? null} onOpen={address.openTask} />
              )}
              {view === 'grid' && <GridView dagId={ref.dagId} tasks={tasks.data} runId={ref.runId} />}
              {view === 'tasks' && <TaskList instances={instances.data} selected={task} onOpen={address.openTask} />}
              {view === 'details' && <RunDetails run={run.data} />}
            </>
          )}
        </section>
        {task && instances.data && (
          <TaskPanel
            key={`${task.taskId} ${task.mapIndex}`}
            taskRef={task}
            instance={open}
            siblings={instances.data}
            address={address}
            wide={wide}
            onWide={setWide}
          />
        )}
      </div>
    </div>
  );
}
